"""The layout of MTR-DuplexBench: rounds, segments with words, stereo sound."""

import json
from pathlib import Path
from typing import Any

import pytest

from configs.eval.protocols import ProtocolsConfig
from duplex.eval.errors import EvaluationError
from duplex.eval.exchange.export_mtr import export_mtr
from duplex.eval.exchange.foreign_files import Exported
from duplex.eval.exchange.saved import SavedRun
from duplex.eval.suite import Facts
from tests.duplex.eval.exchange.runs import barge_in_row, event, pause_row, row, sound_row, turn_row, write_run


def export(folder: Path, rows: list[Facts]) -> tuple[Exported, Path]:
    run, out = SavedRun.load(write_run(folder / "run", "suite", rows)), folder / "out"
    return export_mtr(run, out, lambda _: None, ProtocolsConfig()), out


def read(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


def test_the_sound_is_that_of_the_run(tmp_path: Path) -> None:
    _, out = export(tmp_path, [turn_row("a/b", 0.5)])
    copied = (out / "audio" / "a_b.wav").read_bytes()
    assert copied == (tmp_path / "run" / "audio" / "a_b.wav").read_bytes()


def test_segments_have_words(tmp_path: Path) -> None:
    _, out = export(tmp_path, [barge_in_row("a")])
    (entry,) = read(out / "asr_results.json")
    assert (entry["audio_file"], entry["user_channel"]) == ("audio/a.wav", "left")
    assert entry["left_segments"][0] == {"timestamp": [0.5, 2.0], "text": "Tell me a story."}
    assert [segment["timestamp"] for segment in entry["right_segments"]] == [[3.0, 5.0], [6.6, 7.85]]
    assert entry["right_segments"][1]["text"] == "it is four of course"
    assert entry["right_segments"][1]["words"][0] == {"text": "it", "start": 6.6, "end": 6.85}
    assert entry["model_text"].endswith("there was a it is four of course")


def test_every_turn_is_a_round(tmp_path: Path) -> None:
    written, out = export(tmp_path, [barge_in_row("a/b")])
    first, second = read(out / "scenario_encoding.json")
    assert first == {
        "dialogue_id": "a_b",
        "round_num": 1,
        "scenario": "smooth-turntaking",
        "timestamp": {"user_start": 0.5, "user_end": 2.0, "model_start": 2.0, "model_end": 4.5},
    }
    assert (second["round_num"], second["scenario"]) == (2, "interruption")
    assert second["timestamp"] == {
        "user_start": 4.5,
        "user_end": 6.0,
        "model_start": 6.0,
        "model_end": 10.0,
        "interruption_start": 4.5,
        "interruption_end": 6.0,
    }
    assert written.figures == {
        "rounds": 2,
        "smooth-turntaking success": 1.0,
        "interruption success": 1.0,
        "latency, s": pytest.approx(0.8),
        "frequency": 0.0,
    }


def test_pauses_and_sounds_belong_to_the_round_they_are_in(tmp_path: Path) -> None:
    rows = [pause_row("p", takeover=True), sound_row("n", "noise", yields=False)]
    written, out = export(tmp_path, rows)
    paused, noisy = read(out / "scenario_encoding.json")
    assert paused["scenario"] == "smooth-turntaking_pause-handling"
    assert (paused["timestamp"]["pause_start"], paused["timestamp"]["pause_end"]) == (2.0, 3.0)
    assert noisy["scenario"] == "smooth-turntaking_background"
    assert (noisy["timestamp"]["background_start"], noisy["timestamp"]["background_end"]) == (4.0, 4.5)
    assert written.figures["pause-handling success"] == 0.0
    assert written.figures["background success"] == 1.0
    assert written.figures["smooth-turntaking success"] == 0.5


def test_conversations_without_a_turn_are_left_out(tmp_path: Path) -> None:
    quiet = row("q", "quiet", [event("user", "noise", 0.0, 9.0)])
    written, out = export(tmp_path, [turn_row("a", 0.5), quiet])
    assert written.rows == 1
    assert [path.name for path in (out / "audio").iterdir()] == ["a.wav"]
    with pytest.raises(EvaluationError, match="no conversation has a turn"):
        export(tmp_path / "2", [quiet])
