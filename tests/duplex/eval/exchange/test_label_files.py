"""Labels in all forms: JSON lines, RTTM, TextGrid; and wrong ones."""

import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from duplex.eval.errors import EvaluationError
from duplex.eval.exchange.label_files import FileLabels, read_labels
from duplex.eval.exchange.labels import Label
from tests.duplex.eval.exchange.label_texts import (
    CONFIG,
    RECORDING,
    SECONDS,
    SPEAKER,
    TIER,
    TIMES,
    expect_refusal,
    line,
    read,
    read_file,
)
from tests.malformed import is_one_line, make_malformed, value_or_error


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
    assert "holds sessions other, talk but none 'call'" in expect_refusal(tmp_path / "l.jsonl", text, Path("call.wav"))


@pytest.mark.parametrize(
    ("bad", "why"),
    [
        ("{", ":2: is not JSON ("),
        ("[1]", ":2: is not a JSON object"),
        (json.dumps(line(channel="left wing")), ":2: 'channel' is 'left wing'; it must be user or agent"),
        (json.dumps(line(type="shout")), ":2: 'type' is 'shout'; it must be one of turn, interrupt,"),
        (json.dumps(line(end="late")), ":2: 'end' is 'late'; it must be a number of seconds"),
        (json.dumps(line(start=None)), ":2: 'start' is None; it must be a number of seconds"),
        (json.dumps(line(start=float("nan"))), ":2: 'start' is nan; it must be a number"),
        (json.dumps(line(end=0.5)), ":2: turn from 1 to 0.5 s ends before it starts"),
        (json.dumps(line(end=20.2)), ":2: turn from 1 to 20.2 s is outside the recording of 20.00 s"),
        (json.dumps(line(end=10**400)), ":2: 'end' is 1000"),
        (json.dumps(line(end="1_5")), ":2: 'end' is '1_5'; it must be a number of seconds"),
        ("[" * 20_000, ":2: is not JSON (it is nested too deeply)"),
        (json.dumps(line(start=-1)), ":2: turn from -1 to 2.5 s is outside"),
    ],
)
def test_a_wrong_line_is_named(tmp_path: Path, bad: str, why: str) -> None:
    assert why in expect_refusal(tmp_path / "l.jsonl", json.dumps(line()) + "\n" + bad + "\n")


def test_an_end_just_beyond_the_recording_is_taken(tmp_path: Path) -> None:
    assert read(tmp_path / "l.jsonl", json.dumps(line(end=20.04)))[0].end == 20.04


def test_a_file_that_is_not_there_or_holds_nothing(tmp_path: Path) -> None:
    with pytest.raises(EvaluationError, match=r"none.jsonl: there is no such label file"):
        read_labels(tmp_path / "none.jsonl", RECORDING, SECONDS, CONFIG)
    assert "holds no labels of talk.wav" in expect_refusal(tmp_path / "l.jsonl", "\n")
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
        ("SPEAKER talk 1 1 1 <NA> <NA> user two <NA> <NA>\n", ":1: has 11 fields; a SPEAKER line of RTTM has 8 to 10"),
        ("SPEAKER talk 1 1_0 1 <NA> <NA> user <NA>\n", ":1: the start is '1_0'"),
        ("SPEAKER talk 1 1 nan <NA> <NA> user <NA>\n", ":1: the duration is 'nan'"),
        ("\nSPEAKERS talk 1 1 1 <NA> <NA> user <NA>\n", ":2: 'SPEAKERS' is not a type of RTTM"),
        ("SPEAKER talk 1 1 0 <NA> <NA> user <NA> <NA>\n", ": holds no labels of talk.wav"),
        ("SPEAKER talk 1 1 1 <NA> <NA> MEE009 <NA>\n", ":1: it is not known whose speech 'MEE009' is"),
    ],
)
def test_wrong_rttm_is_named(tmp_path: Path, text: str, why: str) -> None:
    assert why in expect_refusal(tmp_path / "l.rttm", text)


def test_speech_of_another_recording_is_refused(tmp_path: Path) -> None:
    other = SPEAKER.format("other", 0.5, 2.1)
    assert "holds labels of 'other' but none of talk.wav; give the labels of this recording" in expect_refusal(
        tmp_path / "l.rttm", other
    )
    for name in ("talk", "talk.wav", "corpus/talk", "<NA>"):
        assert [one.start for one in read(tmp_path / "l.rttm", other + SPEAKER.format(name, 3, 1))] == [3]
    both = SPEAKER.format("u", 1, 1) + SPEAKER.format("a", 3, 1) + other
    found = read_file(tmp_path / "l.rttm", both.encode(), Path("u.wav"), Path("a.wav"))
    assert [one.start for one in found.labels] == [1, 3]


def test_what_rttm_holds_beside_speech_is_left_out_and_said(tmp_path: Path) -> None:
    text = SPEAKER.format("talk", 0.5, 2.1) + SPEAKER.format("talk", 5, "0.000") + SPEAKER.format("talk", 7, -1)
    more = "SPKR-INFO talk 1 <NA> <NA> <NA> unknown user <NA>\n" + "LEXEME talk 1 0.5 0.2 hi lex user 0.5\n" * 2
    found = read_file(tmp_path / "l.rttm", f";; made by hand\n{text}{more}".encode())
    assert [(one.start, one.end) for one in found.labels] == [(0.5, 2.6)]
    assert found.notes == (
        f"{tmp_path / 'l.rttm'}: left out 2 of its stretches of speech, which last 0 s or less",
        f"{tmp_path / 'l.rttm'}: left out the lines that are not stretches of speech: 2 LEXEME, 1 SPKR-INFO",
    )


def test_labels_of_no_length_are_left_out_and_said(tmp_path: Path) -> None:
    text = json.dumps(line()) + "\n" + json.dumps(line(start=2, end=2)) + "\n"
    found = read_file(tmp_path / "l.jsonl", text.encode())
    assert [one.start for one in found.labels] == [1]
    assert found.notes == (f"{tmp_path / 'l.jsonl'}: left out 1 of its labels, which last 0 s",)


@pytest.mark.parametrize("mark", ["\u2028", "\u2029", "\x85"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_only_line_feeds_part_json_lines(tmp_path: Path, mark: str, end: str) -> None:
    rows = [json.dumps(line(text=f"well{mark}stop"), ensure_ascii=False), json.dumps(line(start=2))]
    assert [one.text for one in read(tmp_path / "l.jsonl", end.join(rows))] == [f"well{mark}stop", "hello"]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize("name", ["l.jsonl", "l.rttm"])
def test_marks_of_unicode(tmp_path: Path, name: str, encoding: str) -> None:
    text = json.dumps(line()) if name == "l.jsonl" else SPEAKER.format("talk", 1, 1.5)
    assert [one.end for one in read_file(tmp_path / name, text.encode(encoding)).labels] == [2.5]


def test_a_session_of_another_name_is_said(tmp_path: Path) -> None:
    path = tmp_path / "l.jsonl"
    assert read_file(path, json.dumps(line(session="x")).encode()).notes == (
        f"{path}: its labels are of session 'x'; they are taken for those of talk.wav",
    )
    assert read_file(path, json.dumps(line(session=None, text=None)).encode()) == FileLabels(
        (Label("user", "turn", 1.0, 2.5),)
    )


def test_tiers_of_a_textgrid_named_after_sides(tmp_path: Path) -> None:
    head = '"ooTextFile"\n"TextGrid"\n0 20 <exists> 3\n'
    text = head + TIER.format("User", "hi you") + TIER.format("agent", "Backchannel") + TIER.format("noise", "x")
    assert read(tmp_path / "l.TextGrid", text) == (
        Label("assistant", "backchannel", 1.0, 2.5),
        Label("user", "speech", 1.0, 2.5, "hi you"),
    )
    assert read_file(tmp_path / "l.TextGrid", text.encode()).notes == (
        f"{tmp_path / 'l.TextGrid'}: left out the tiers that are not named after a side: 'noise'",
    )
    nobody = head.replace("3\n", "1\n") + TIER.format("words", "hi")
    assert "no tier is named after a side (tiers: 'words')" in expect_refusal(tmp_path / "l.textgrid", nobody)


def test_several_tiers_of_one_side_are_all_used_and_that_is_said(tmp_path: Path) -> None:
    points = '"TextTier" "agent" 0 20 1 5 "x"\n'
    text = '"ooTextFile"\n"TextGrid"\n0 20 <exists> 3\n' + TIER.format("user", "a") + TIER.format("user", "b") + points
    found = read_file(tmp_path / "l.TextGrid", text.encode("utf-16"))
    assert [one.text for one in found.labels] == ["a", "b"]
    assert found.notes == (
        f"{tmp_path / 'l.TextGrid'}: 2 tiers are the user's ('user', 'user'); the labels of all of them are used",
        f"{tmp_path / 'l.TextGrid'}: left out the points of 'agent'; labels are intervals",
    )


GOOD = {
    ".TextGrid": '"ooTextFile"\n"TextGrid"\n0 20 <exists> 2\n' + TIER.format("user", "hi") + TIER.format("agent", "x"),
    ".rttm": (";; comment\nSPKR-INFO talk 1 <NA> <NA> <NA> unknown user <NA>\n" + SPEAKER.format("talk", 1, 2)) * 2,
    ".jsonl": "\n".join(json.dumps(line(start=at)) for at in (1, 2)),
}

JSON_FILES = [
    json.dumps([{"text": "[PAUSE]", "timestamp": [3.3, 4.0]}] * 2),
    json.dumps([{"context": "Tell me.", "interrupt": "Stop, please.", "timestamp": [10.5, 13.1]}]),
    json.dumps({"context_text": "Tell me.", "current_turn_text": "uh-huh", "timestamps": [4.0, 4.5]}),
    json.dumps([{"dialogue_id": "talk", "round_num": 1, "scenario": "smooth", "timestamp": TIMES}] * 2),
    json.dumps({"scenario": "interruption", "timestamps": TIMES}),
]

PIECES = [
    *(b'"', b'""', b"!", b"<exists>", b"<", b"-1", b"1e999", b"9" * 500, b"\n", b"\xe2\x80\xa8", b"\xff\xfe", b"\xe9"),
    *(b"SPEAKER", b"<NA>", b";;", b"{", b"[", b"]", b"}", b",", b":", b"null", b"NaN", b'"user"', b'"timestamp"'),
    *(b'"channel"', b'"timestamps"', b'"interrupt"', b'"text": "[PAUSE]"', b'"\\ud800"', b"[" * 5000, b"true"),
]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@pytest.mark.parametrize("suffix", [*GOOD, ".json"])
@given(drawn=st.data())
def test_any_file_is_labels_or_a_typed_error(tmp_path: Path, suffix: str, drawn: st.DataObject) -> None:
    texts = [GOOD[suffix]] if suffix in GOOD else [*JSON_FILES, GOOD[".jsonl"]]
    path = tmp_path / f"l{suffix}"
    data = drawn.draw(make_malformed([text.encode() for text in texts], PIECES))
    found = value_or_error(lambda: read_file(path, data), EvaluationError)
    if isinstance(found, EvaluationError):
        assert is_one_line(found, path)
    else:
        assert all(0 <= one.start < one.end <= SECONDS + CONFIG.beyond_s for one in found.labels)
