"""Labels in all forms: JSON lines, RTTM, TextGrid, annotations of other benchmarks; and wrong ones."""

import json
from pathlib import Path
from typing import Any

import pytest

from configs.eval.scoring import LabelsConfig
from duplex.eval.errors import EvaluationError
from duplex.eval.exchange.label_files import read_labels
from duplex.eval.exchange.labels import Label

CONFIG = LabelsConfig()
RECORDING, SECONDS = Path("talk.wav"), 20.0


def line(**more: Any) -> dict[str, Any]:
    return {"session": "talk", "channel": "user", "start": 1, "end": 2.5, "type": "turn", "text": "hello", **more}


def read(path: Path, text: str, recording: Path = RECORDING) -> tuple[Label, ...]:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return read_labels(path, recording, SECONDS, CONFIG)


def read_json(path: Path, values: Any, recording: Path = RECORDING) -> tuple[Label, ...]:
    return read(path, json.dumps(values), recording)


def refused(path: Path, text: str, recording: Path = RECORDING) -> str:
    with pytest.raises(EvaluationError) as caught:
        read(path, text, recording)
    assert str(caught.value).startswith(str(path))
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_lines_of_our_own(tmp_path: Path) -> None:
    rows = [
        line(start=3, end=4, channel="agent", type="backchannel"),
        line(),
        {"channel": "user", **line(type="pause")},
    ]
    del rows[2]["text"]
    text = "\n".join([*map(json.dumps, rows), "", ""])
    assert read(tmp_path / "l.jsonl", text) == (
        Label("user", "turn", 1.0, 2.5, "hello"),
        Label("user", "pause", 1.0, 2.5),
        Label("assistant", "backchannel", 3.0, 4.0, "hello"),
    )


def test_of_several_sessions_that_of_the_recording(tmp_path: Path) -> None:
    text = "\n".join(json.dumps(line(session=name, start=at)) for name, at in (("other", 0.5), ("talk", 1.5)))
    assert [one.start for one in read(tmp_path / "l.jsonl", text)] == [1.5]
    assert "holds sessions other, talk but none 'call'" in refused(tmp_path / "l.jsonl", text, Path("call.wav"))


@pytest.mark.parametrize(
    ("bad", "why"),
    [
        ("{", ":2: is no JSON ("),
        ("[1]", ":2: is no JSON object"),
        (json.dumps(line(channel="left wing")), ":2: 'channel' is 'left wing'; it must be user or agent"),
        (json.dumps(line(type="shout")), ":2: 'type' is 'shout'; it must be one of turn, interrupt,"),
        (json.dumps(line(end="late")), ":2: 'end' is 'late'; it must be a number of seconds"),
        (json.dumps(line(start=None)), ":2: 'start' is None; it must be a number of seconds"),
        (json.dumps(line(start=float("nan"))), ":2: 'start' is nan; it must be a number"),
        (json.dumps(line(end=0.5)), ":2: turn from 1 to 0.5 s ends before it starts"),
        (json.dumps(line(end=20.2)), ":2: turn from 1 to 20.2 s is outside the recording of 20.00 s"),
        (json.dumps(line(start=-1)), ":2: turn from -1 to 2.5 s is outside"),
    ],
)
def test_a_wrong_line_is_named(tmp_path: Path, bad: str, why: str) -> None:
    assert why in refused(tmp_path / "l.jsonl", json.dumps(line()) + "\n" + bad + "\n")


def test_an_end_just_beyond_the_recording_is_taken(tmp_path: Path) -> None:
    assert read(tmp_path / "l.jsonl", json.dumps(line(end=20.04)))[0].end == 20.04


def test_a_file_that_is_not_there_or_holds_nothing(tmp_path: Path) -> None:
    with pytest.raises(EvaluationError, match=r"none.jsonl: there is no such label file"):
        read_labels(tmp_path / "none.jsonl", RECORDING, SECONDS, CONFIG)
    assert "holds no labels of talk.wav" in refused(tmp_path / "l.jsonl", "\n")
    (tmp_path / "b.jsonl").write_bytes(b"\x80\x81")
    with pytest.raises(EvaluationError, match=r"b.jsonl: cannot be read as text"):
        read_labels(tmp_path / "b.jsonl", RECORDING, SECONDS, CONFIG)


def test_rttm_tells_who_speaks(tmp_path: Path) -> None:
    text = "SPEAKER talk 1 2.0 1.5 <NA> <NA> Assistant <NA> <NA>\nSPEAKER talk 1 0.5 1.0 <NA> <NA> user <NA> <NA>\n"
    expected = (Label("user", "speech", 0.5, 1.5), Label("assistant", "speech", 2.0, 3.5))
    assert read(tmp_path / "l.rttm", ";; a comment\n" + text) == expected
    other = "SPEAKER call 1 7.0 1.0 <NA> <NA> user <NA> <NA>\n"
    assert read(tmp_path / "l.rttm", other + text) == expected
    channels = text.replace("Assistant", "MEE009").replace("user", "FEO01").replace("talk 1 2.0", "talk 2 2.0")
    assert read(tmp_path / "l.rttm", channels) == expected


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("SPEAKER talk 1 2.0 1.5\n", ":1: has 5 fields"),
        ("SPEAKER talk 1 x 1.5 <NA> <NA> user <NA>\n", ":1: the start is 'x'"),
        ("SPEAKER talk 1 1 -1 <NA> <NA> user <NA>\n", ":1: speech from 1 to 0 s ends before it starts"),
        ("SPEAKER talk 1 1 1 <NA> <NA> MEE009 <NA>\n", ":1: it is not known whose speech 'MEE009' is"),
    ],
)
def test_wrong_rttm_is_named(tmp_path: Path, text: str, why: str) -> None:
    assert why in refused(tmp_path / "l.rttm", text)


TIER = '"IntervalTier" "{}" 0 20 3\n0 1 ""\n1 2.5 "{}"\n2.5 20 " "\n'


def test_tiers_of_a_textgrid_named_after_sides(tmp_path: Path) -> None:
    head = '"ooTextFile"\n"TextGrid"\n0 20 <exists> 3\n'
    text = head + TIER.format("User", "hi you") + TIER.format("agent", "Backchannel") + TIER.format("noise", "x")
    assert read(tmp_path / "l.TextGrid", text) == (
        Label("assistant", "backchannel", 1.0, 2.5),
        Label("user", "speech", 1.0, 2.5, "hi you"),
    )
    nobody = head.replace("3\n", "1\n") + TIER.format("words", "hi")
    assert "no tier is named after a side (tiers: 'words')" in refused(tmp_path / "l.textgrid", nobody)


def test_annotations_of_full_duplex_bench(tmp_path: Path) -> None:
    pauses = [{"text": "[PAUSE]", "timestamp": [3.3, 4.0]}, {"text": "[PAUSE]", "timestamp": [6, 7]}]
    assert read_json(tmp_path / "pause.json", pauses) == (Label("user", "pause", 3.3, 4), Label("user", "pause", 6, 7))
    turn = [{"text": "[TURN-TAKING]", "timestamp": [2.0, 2.4]}]
    assert read_json(tmp_path / "turn_taking.json", turn) == (Label("user", "turn", 0.0, 2.0),)
    interrupt = [{"context": "Tell me.", "interrupt": "Stop, please.", "timestamp": [10.5, 13.1]}]
    expected = (Label("user", "interrupt", 10.5, 13.1, "Stop, please."),)
    assert read_json(tmp_path / "interrupt.json", interrupt) == expected


@pytest.mark.parametrize(
    ("folder", "kind"),
    [
        ("user_interruption", "interrupt"),
        ("user_backchannel", "backchannel"),
        ("talking_to_other", "non_directed"),
        ("background_speech", "noise"),
    ],
)
def test_what_version_1_5_means_is_told_by_the_folder(tmp_path: Path, folder: str, kind: str) -> None:
    values = {"context_text": "Tell me.", "current_turn_text": "uh-huh", "timestamps": [4.0, 4.5]}
    (found,) = read_json(tmp_path / folder / "7" / "metadata.json", values)
    assert (found.kind, found.start, found.end, found.text) == (kind, 4.0, 4.5, "uh-huh")
    assert "its folder does not tell" in refused(tmp_path / "elsewhere" / "metadata.json", json.dumps(values))


TIMES = {"user_start": 0.5, "user_end": 3, "model_start": 3, "model_end": 9, "pause_start": 0.0, "pause_end": 0.0}


def test_a_scenario_of_mtr_duplexbench(tmp_path: Path) -> None:
    more = {**TIMES, "interruption_start": 5, "interruption_end": 6.5, "background_start": 7, "background_end": 8}
    expected = (
        Label("user", "turn", 0.5, 3),
        Label("user", "interrupt", 5, 6.5),
        Label("user", "noise", 7, 8),
    )
    assert read_json(tmp_path / "s.json", more) == expected
    assert read_json(tmp_path / "s.json", [{"dialogue_id": "a", "timestamp": more}]) == expected
    assert read_json(tmp_path / "s.json", {"scenario": "interruption", "timestamps": more}) == expected
    assert "'user_end' is 'x'" in refused(tmp_path / "s.json", json.dumps({**TIMES, "user_end": "x"}))


def test_of_many_scenarios_those_of_the_recording(tmp_path: Path) -> None:
    def entry(dialogue: str, number: int, start: float) -> dict[str, Any]:
        times = {"user_start": start, "user_end": start + 1}
        return {"dialogue_id": dialogue, "round_num": number, "scenario": "smooth", "timestamp": times}

    values = [entry("safety_1", 1, 1), entry("safety_1", 2, 2), entry("safety_11", 1, 3)]

    def starts(name: str) -> list[float]:
        return [one.start for one in read_json(tmp_path / "s.json", values, Path(name))]

    assert starts("dialogue_safety_1_round_2_smooth.wav") == [2]
    assert starts("dialogue_safety_11_round_1_smooth.wav") == [3]
    assert starts("safety_1.wav") == [1, 2]
    assert "none of its 3 scenarios is of dialogue_safety_1_round_2_pause.wav" in refused(
        tmp_path / "s.json", json.dumps(values), Path("dialogue_safety_1_round_2_pause.wav")
    )


def test_json_that_is_neither(tmp_path: Path) -> None:
    assert read_json(tmp_path / "l.json", line())[0].kind == "turn"
    assert read(tmp_path / "l.json", "\n".join([json.dumps(line()), json.dumps(line(start=2))]))[1].start == 2
    assert "is none of the known annotations" in refused(tmp_path / "l.json", '{"words": []}')
    assert "is none of the known annotations" in refused(tmp_path / "l.json", "[]")
    assert "must be [start, end]" in refused(tmp_path / "l.json", '[{"text": "[PAUSE]", "timestamp": 3}]')
