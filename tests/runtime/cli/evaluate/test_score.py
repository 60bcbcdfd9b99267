"""`duplex evaluate score`, as a user calls it."""

import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
import typer
from typer.testing import CliRunner, Result

from configs.base import ConfigError
from duplex.eval.errors import EvaluationError
from duplex.eval.measures.activity import AudibleSegment
from runtime.cli.evaluate import score as command
from tests.duplex.eval.dialogues import RATE, channel, stereo

USER, ASSISTANT, SECONDS = [(1.0, 3.0), (5.0, 6.5)], [(3.5, 5.3), (7.1, 8.0)], 9.0
app = typer.Typer()
app.command()(command.command)


def call(*arguments: object) -> Result:
    return CliRunner().invoke(app, [str(one) for one in (*arguments, "--no-silero")])


@pytest.fixture
def dialogue(tmp_path: Path) -> Path:
    return stereo(tmp_path / "talk.wav", USER, ASSISTANT, SECONDS)


def values(path: Path) -> dict[str, Any]:
    return dict(json.loads(path.read_text()))


def test_a_stereo_file_is_scored(dialogue: Path, tmp_path: Path) -> None:
    done = call(dialogue, "--json", tmp_path / "s.json", "--html", tmp_path / "s.html")
    assert done.exit_code == 0, done.output
    found = values(tmp_path / "s.json")
    assert found["response_s"] == pytest.approx([0.5, 0.6], abs=0.005)
    assert found["stop_s"] == pytest.approx([0.3], abs=0.005)
    assert {(one["side"], one["kind"]) for one in found["events"]} >= {("user", "turn"), ("assistant", "speech")}
    assert all({"side", "kind", "start", "end"} <= one.keys() for one in found["events"])
    (line,) = [line for line in done.stdout.splitlines() if "interrupt" in line and "5.000" in line]
    assert [cell.strip() for cell in line.strip("│").split("│")][1:6] == ["5.000", "6.500", "7.100", "0.600", "0.300"]
    assert "<svg" in (tmp_path / "s.html").read_text()
    assert f"timeline: {tmp_path / 's.html'}" in done.stderr


def test_two_runs_write_the_same(dialogue: Path, tmp_path: Path) -> None:
    call(dialogue, "--json", tmp_path / "a.json")
    call(dialogue, "--json", tmp_path / "b.json")
    assert (tmp_path / "a.json").read_bytes() == (tmp_path / "b.json").read_bytes()


def test_two_files_of_other_rates_are_scored_and_that_is_said(tmp_path: Path) -> None:
    user, assistant = tmp_path / "u.wav", tmp_path / "a.wav"
    soundfile.write(user, channel(USER, SECONDS, 8_000), 8_000)
    soundfile.write(assistant, channel(ASSISTANT, SECONDS, 24_000), 24_000)
    done = call(user, "--assistant", assistant, "--json", tmp_path / "s.json")
    assert f"note: {user}: resampled from 8000 Hz to 24000 Hz" in done.stderr
    assert f"note: {user}: measured at 24000 Hz\n" in done.stderr
    assert values(tmp_path / "s.json")["response_s"] == pytest.approx([0.5, 0.6], abs=0.005)


def test_another_rate_is_said(tmp_path: Path) -> None:
    path = stereo(tmp_path / "talk.wav", USER, ASSISTANT, SECONDS, 44_100)
    done = call(path, "--json", tmp_path / "s.json")
    assert f"note: {path}: measured at 44100 Hz\n" in done.stderr
    assert values(tmp_path / "s.json")["stop_s"] == pytest.approx([0.3], abs=0.005)


def test_labels_are_used(dialogue: Path, tmp_path: Path) -> None:
    labels = tmp_path / "l.jsonl"
    rows = [
        {"session": "x", "channel": "user", "start": 1.0, "end": 2.9, "type": "turn", "text": ""},
        {"session": "x", "channel": "user", "start": 5.0, "end": 6.5, "type": "backchannel", "text": "mm-hm"},
    ]
    labels.write_text("".join(json.dumps(row) + "\n" for row in rows))
    done = call(dialogue, "--labels", labels, "--json", tmp_path / "s.json")
    assert done.exit_code == 0, done.output
    found = values(tmp_path / "s.json")
    assert found["response_s"] == pytest.approx([0.6], abs=0.005)
    assert found["stop_s"] == []
    assert [(one["kind"], one["right"]) for one in found["reactions"]] == [("backchannel", False)]
    assert found["files"]["labels"] == str(labels)


def test_notes_of_labels_reach_the_user_and_the_file(dialogue: Path, tmp_path: Path) -> None:
    labels = tmp_path / "l.rttm"
    spans = ((1.0, 1.9), (5.0, 1.5), (3.4, 0.0))
    labels.write_text("".join(f"SPEAKER talk 1 {start} {length} <NA> <NA> user <NA> <NA>\n" for start, length in spans))
    done = call(dialogue, "--labels", labels, "--json", tmp_path / "s.json")
    assert done.exit_code == 0, done.output
    note = f"{labels}: left out 1 of its stretches of speech, which last 0 s or less"
    assert f"note: {note}\n" in done.stderr
    found = values(tmp_path / "s.json")
    assert found["notes"] == [note]
    assert found["stop_s"] == pytest.approx([0.3], abs=0.005)


def test_a_name_that_is_no_text_is_escaped_everywhere(dialogue: Path, tmp_path: Path) -> None:
    path = dialogue.rename(tmp_path / os.fsdecode(b"b\xe9d.wav"))
    done = call(path, "--json", tmp_path / "s.json", "--html", tmp_path / "s.html")
    assert done.exit_code == 0, done.output
    assert r"b\xe9d.wav: turns of the user" in done.stdout
    assert values(tmp_path / "s.json")["files"]["user"]["path"].endswith(r"b\xe9d.wav")
    assert r"b\xe9d" in (tmp_path / "s.html").read_text(encoding="utf-8")


def test_a_side_that_never_speaks_is_no_error(tmp_path: Path) -> None:
    path = stereo(tmp_path / "talk.wav", [], ASSISTANT, SECONDS)
    done = call(path, "--json", tmp_path / "s.json")
    assert done.exit_code == 0
    assert f"note: {path}: the user's channel is silent" in done.stderr
    found = values(tmp_path / "s.json")
    assert (found["response_s"], found["stop_s"], found["turns"]) == ([], [], [])


def test_definitions_can_be_changed(dialogue: Path, tmp_path: Path) -> None:
    config = tmp_path / "d.yaml"
    config.write_text("turns: {stop_after_s: 0.0, user_gap_s: 3.0}\n")
    call(dialogue, "--config", config, "--json", tmp_path / "s.json")
    assert values(tmp_path / "s.json")["definitions"]["turns"]["user_gap_s"] == 3.0
    config.write_text("turns: {gap: 1}\n")
    assert isinstance(call(dialogue, "--config", config).exception, ConfigError)


def test_silero_is_a_column_where_it_is_installed(dialogue: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command.silero_vad, "is_here", lambda: True)
    monkeypatch.setattr("duplex.eval.score.silero_segments", lambda *_: (AudibleSegment(1.0, 3.0),))
    assert "Silero: response, stop" in CliRunner().invoke(app, [str(dialogue)]).stdout
    monkeypatch.setattr(command.silero_vad, "is_here", lambda: False)
    done = CliRunner().invoke(app, [str(dialogue)])
    assert "Silero: response" not in done.stdout
    assert "note: no second result by Silero VAD; install it with: pip install 'duplex-voice[eval]'" in done.stderr


def test_bad_input_is_one_line(dialogue: Path, tmp_path: Path) -> None:
    mono = tmp_path / "mono.wav"
    soundfile.write(mono, channel(USER, SECONDS), RATE)
    mix = tmp_path / "mix.wav"
    soundfile.write(mix, np.stack([channel(USER, SECONDS)] * 2, axis=1), RATE)
    short = tmp_path / "short.wav"
    soundfile.write(short, channel(ASSISTANT, SECONDS)[: 7 * RATE], RATE)
    labels = tmp_path / "l.jsonl"
    labels.write_text('{"channel": "user", "start": 3, "end": 2, "type": "turn"}\n')
    for arguments, line in (
        ((tmp_path / "none.wav",), "none.wav: there is no such file"),
        ((mono,), "mono.wav: is mono; a mix of both sides cannot be scored"),
        ((mix,), "mix.wav: both channels are the same mix"),
        ((mono, "--assistant", short), "differ by 2.00 s"),
        ((labels,), "l.jsonl: is not a readable sound file"),
        ((dialogue, "--labels", labels), "l.jsonl:1: turn from 3 to 2 s ends before it starts"),
    ):
        done = call(*arguments)
        assert done.exit_code != 0
        assert isinstance(done.exception, EvaluationError)
        assert line in str(done.exception)
        assert "\n" not in str(done.exception)
