"""Labels as other benchmarks annotate their recordings, in JSON."""

import json
from pathlib import Path
from typing import Any

import pytest

from duplex.eval.exchange.labels import Label
from tests.duplex.eval.exchange.label_texts import TIMES, expect_refusal, line, read, read_json


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
    assert "its folder's name does not say" in expect_refusal(
        tmp_path / "elsewhere" / "metadata.json", json.dumps(values)
    )


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
    assert "'user_end' is 'x'" in expect_refusal(tmp_path / "s.json", json.dumps({**TIMES, "user_end": "x"}))


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
    assert "none of its 3 scenarios is of dialogue_safety_1_round_2_pause.wav" in expect_refusal(
        tmp_path / "s.json", json.dumps(values), Path("dialogue_safety_1_round_2_pause.wav")
    )


def test_json_that_is_neither(tmp_path: Path) -> None:
    assert read_json(tmp_path / "l.json", line())[0].kind == "turn"
    assert read(tmp_path / "l.json", json.dumps(line(), indent=1))[0].kind == "turn"
    assert read(tmp_path / "l.json", "\n".join([json.dumps(line()), json.dumps(line(start=2))]))[1].start == 2
    assert "is none of the known annotations" in expect_refusal(tmp_path / "l.json", '{"words": []}')
    assert "is none of the known annotations" in expect_refusal(tmp_path / "l.json", "[]")
    assert "must be [start, end]" in expect_refusal(tmp_path / "l.json", '[{"text": "[PAUSE]", "timestamp": 3}]')
