"""The layout of Full-Duplex-Bench, task by task."""

import json
from pathlib import Path
from typing import Any

import pytest
import soundfile

from configs.eval.protocols import ProtocolsConfig
from duplex.eval.errors import EvaluationError
from duplex.eval.exchange.export_fdb import TASKS, export_fdb
from duplex.eval.exchange.foreign_files import Exported
from duplex.eval.exchange.saved import SavedRun
from duplex.eval.suite import DialogueRow, Facts
from tests.duplex.eval.exchange.runs import (
    barge_in_row,
    event,
    make_spoken_answer,
    pause_row,
    row,
    sound_row,
    turn_row,
    write_run,
)


def export(folder: Path, rows: list[Facts], task: str | None = None) -> tuple[Exported, Path]:
    run, out = SavedRun.load(write_run(folder / "run", "suite", rows)), folder / "out"
    told: list[DialogueRow] = []
    written = export_fdb(run, out, told.append, ProtocolsConfig(), task)
    assert len(told) == written.rows
    return written, out


def read(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


def texts(folder: Path) -> list[str]:
    return [chunk["text"] for chunk in read(folder / "output.json")["chunks"]]


def test_a_smooth_turn_ends_with_the_users_next_sound(tmp_path: Path) -> None:
    written, out = export(tmp_path, [turn_row("a/b", 0.5)])
    folder = out / "a_b"
    assert sorted(path.name for path in folder.iterdir()) == [
        "input.wav",
        "output.json",
        "output.wav",
        "turn_taking.json",
    ]
    assert read(folder / "turn_taking.json") == [{"text": "[TURN-TAKING]", "timestamp": [2.5, 7.0]}]
    assert read(folder / "output.json")["text"] == "the capital is Paris my friend"
    assert read(folder / "output.json")["chunks"][0] == {"text": "the", "timestamp": [3.0, 3.25]}
    assert written.figures == {
        "task": "smooth_turn_taking",
        "samples": 1,
        "takeover rate": 1.0,
        "latency as published, s": 0.5,
        "latency signed, s": 0.5,
    }


def test_both_wavs_are_equally_long_and_16_khz_mono(tmp_path: Path) -> None:
    _, out = export(tmp_path, [turn_row("a", 0.5)])
    user, assistant = (soundfile.info(out / "a" / f"{name}.wav") for name in ("input", "output"))
    assert user.frames == assistant.frames == 7 * 16000
    assert {user.samplerate, assistant.samplerate, user.channels * 16000} == {16000}
    assert {user.subtype, assistant.subtype} == {"PCM_16"}
    sound, _ = soundfile.read(out / "a" / "output.wav")
    assert abs(sound[round(2.9 * 16000)]) < 0.01 < sound[round(3.1 * 16000)]


def test_a_turn_with_a_pause_ends_with_the_turn(tmp_path: Path) -> None:
    rows = [pause_row("p/1", takeover=True), pause_row("p/2", takeover=False), turn_row("q", 0.4)]
    written, out = export(tmp_path, rows)
    assert sorted(path.name for path in out.iterdir()) == ["p_1", "p_2"]
    assert read(out / "p_1" / "pause.json") == [{"text": "[PAUSE]", "timestamp": [2.0, 3.0]}]
    assert texts(out / "p_1") == ["I", "think", "that", "you"]
    assert texts(out / "p_2") == []
    assert soundfile.info(out / "p_1" / "input.wav").duration == 4.5
    assert (written.figures["samples"], written.figures["takeover rate"]) == (2, 0.5)
    assert "2 of 3 conversations; tasks of this run: pause_handling (2), smooth_turn_taking (3)" in written.notes[0]


def test_the_same_run_has_smooth_turns_too(tmp_path: Path) -> None:
    written, out = export(tmp_path, [pause_row("p", takeover=False)], "smooth_turn_taking")
    assert read(out / "p" / "turn_taking.json")[0]["timestamp"] == [4.5, 10.0]
    assert written.figures["latency signed, s"] == pytest.approx(0.6)


def test_an_interruption_has_the_words_after_it(tmp_path: Path) -> None:
    written, out = export(tmp_path, [barge_in_row("a")])
    assert read(out / "a" / "interrupt.json") == [
        {"context": "Tell me a story.", "interrupt": "What is two and two?", "timestamp": [4.5, 6.0]}
    ]
    assert texts(out / "a") == ["it", "is", "four", "of", "course"]
    assert written.figures["latency signed, s"] == pytest.approx(0.6)
    assert soundfile.info(out / "a" / "output.wav").duration == 10.0


def test_a_word_that_goes_on_after_the_interruption_begins_there(tmp_path: Path) -> None:
    user = [event("user", "turn", 0.5, 1.0, "first"), event("user", "interrupt", 2.0, 3.1, "second")]
    _, out = export(tmp_path, [row("a", "pair", user, [make_spoken_answer("one two three four five six", 2.0)])])
    assert read(out / "a" / "output.json")["chunks"][0] == {"text": "five", "timestamp": [3.1, 3.25]}


@pytest.mark.parametrize(
    ("task", "kind", "group"),
    [
        ("v1.5_user_interruption", "interrupt", ""),
        ("v1.5_user_backchannel", "backchannel", ""),
        ("v1.5_talking_to_other", "non_directed", ""),
        ("v1.5_background_speech", "non_directed", "background speech"),
    ],
)
def test_an_overlap_keeps_all_words(tmp_path: Path, task: str, kind: str, group: str) -> None:
    rows = [sound_row("a", kind, yields=True, group=group), sound_row("n", "noise", yields=False)]
    written, out = export(tmp_path, rows, task)
    assert [path.name for path in out.iterdir()] == ["a"]
    metadata = read(out / "a" / "metadata.json")
    assert metadata == {"context_text": "", "current_turn_text": "mm-hm", "timestamps": [4.0, 4.5]}
    assert texts(out / "a") == ["well", "once", "upon", "a"]
    assert written.figures == {
        "task": task,
        "samples": 1,
        "stops": 1,
        "stop, s": 0.5,
        "responses": 1,
        "response, s": 0.5,
    }
    assert "left out: the counterparts without overlap" in written.notes[1]


def test_a_task_that_the_run_does_not_have(tmp_path: Path) -> None:
    with pytest.raises(EvaluationError, match=r"has no samples of pause_handling; .* smooth_turn_taking \(1\)$"):
        export(tmp_path, [turn_row("a", 0.4)], "pause_handling")
    with pytest.raises(EvaluationError, match="there is no task 'x'; choose one of pause_handling"):
        export(tmp_path / "2", [turn_row("a", 0.4)], "x")
    with pytest.raises(EvaluationError, match="no conversation fits a task"):
        export(tmp_path / "3", [row("a", "quiet", [event("user", "noise", 0.0, 9.0)])])


def test_a_folder_in_use_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "mine.txt").write_text("x")
    with pytest.raises(EvaluationError, match="is not empty"):
        export(tmp_path, [turn_row("a", 0.4)])
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["mine.txt"]


def test_every_task_says_how_it_is_scored() -> None:
    assert all(task.scorer.startswith("python ") for task in TASKS.values())
