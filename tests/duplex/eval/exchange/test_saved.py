"""Saved runs: reading them, their sound, and what the assistant was heard saying."""

import json
from pathlib import Path

import numpy as np
import pytest
import soundfile

from configs.audio import AUDIO
from duplex.eval.conversation_record import TimedWord
from duplex.eval.errors import EvaluationError
from duplex.eval.exchange import saved
from duplex.eval.exchange.saved import SavedRun, events_of, read_parts, text_of
from duplex.model.interface import Samples
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
from tests.duplex.eval.fakes import LEVEL


def run(folder: Path, *rows: dict[str, object], audio: bool = True) -> SavedRun:
    return SavedRun.load(write_run(folder / "run", "suite", rows, audio))


def test_a_run_is_its_report(tmp_path: Path) -> None:
    found = run(tmp_path, turn_row("a/1", 0.4), pause_row("b", takeover=False))
    assert (found.suite, found.settings["seed"]) == ("suite", 7)
    assert [one.id for one in found.rows] == ["a/1", "b"]
    assert found.rows[0].trace["answers"][0]["words"][0] == {"text": "the", "start": 2.9, "end": 3.15}


def test_the_left_channel_is_the_user(tmp_path: Path) -> None:
    found = run(tmp_path, turn_row("a/1", 0.5))
    sound = found.sound(found.rows[0])
    assert sound.seconds == 10.0
    middle = round(1.5 * AUDIO.output_rate), round(3.2 * AUDIO.output_rate)
    assert [float(sound.user[i]) for i in middle] == pytest.approx([LEVEL, 0.0], abs=1e-3)
    assert [float(sound.assistant[i]) for i in middle] == pytest.approx([0.0, LEVEL], abs=1e-3)


def test_a_part_of_the_sound(tmp_path: Path) -> None:
    found = run(tmp_path, turn_row("a", 0.5))
    part = found.sound(found.rows[0]).between(3.0, 4.0)
    assert part.seconds == 1.0
    assert float(np.abs(part.assistant - LEVEL).max()) < 1e-3
    assert found.sound(found.rows[0]).between(9.0, 99.0).seconds == 1.0


def test_words_are_the_heard_ones_by_answer(tmp_path: Path) -> None:
    found = run(tmp_path, barge_in_row("a"))
    first, second = found.parts(found.rows[0])
    assert " ".join(word.text for word in first) == "well once upon a time there was a"
    assert second[0] == TimedWord("it", 6.6, 6.85)


def test_words_are_cut_at_the_edges(tmp_path: Path) -> None:
    found = run(tmp_path, barge_in_row("a"), audio=False)
    assert found.parts(found.rows[0], 4.85, 7.0) == (
        (TimedWord("a", 4.85, 5.0),),
        (TimedWord("it", 6.6, 6.85), TimedWord("is", 6.85, 7.0)),
    )
    assert found.parts(found.rows[0], 8.0) == ()


def without_words(name: str) -> dict[str, object]:
    return row(name, "g", [event("user", "turn", 0.5, 1.5)], [{**make_spoken_answer("hello there", 2.0), "words": []}])


def test_a_silent_assistant_said_nothing(tmp_path: Path) -> None:
    silent = row("a", "g", [event("user", "turn", 0.5, 1.5)])
    found = run(tmp_path, silent, {**silent, "id": "b", "events": [event("assistant", "speech", 1.0, 2.0)]})
    assert read_parts(found.rows[0]) == ()
    assert read_parts(found.rows[1]) is None


def test_untold_words_are_recognised_in_that_part(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    heard: list[int] = []

    def recogniser(samples: Samples, asr: str) -> tuple[tuple[TimedWord, ...], ...]:
        heard.append(len(samples))
        return ((TimedWord("hello", 0.1, 0.4),),)

    monkeypatch.setattr(saved, "recognise_parts", recogniser)
    found = run(tmp_path, without_words("a"))
    assert found.parts(found.rows[0], 1.5, 3.5) == ((TimedWord("hello", 1.6, 1.9),),)
    assert heard == [2 * AUDIO.output_rate]


def test_events_by_side_and_kind(tmp_path: Path) -> None:
    found = run(tmp_path, pause_row("a", takeover=True), audio=False).rows[0]
    assert [one["kind"] for one in events_of(found, "user")] == ["turn", "pause"]
    assert [one["start"] for one in events_of(found, "assistant")] == [2.2, 5.1]
    assert [one["start"] for one in events_of(found, "user", "pause")] == [2.0]


def test_texts_are_those_of_the_measures(tmp_path: Path) -> None:
    found = run(tmp_path, turn_row("a", 0.4), sound_row("b", "backchannel", yields=False), audio=False)
    turn, (request, sound) = found.rows[0], events_of(found.rows[1], "user")
    assert [text_of(turn, one) for one in events_of(turn, "user")] == [
        "What is the capital of France?",
        "And of Spain?",
    ]
    assert (text_of(found.rows[1], request), text_of(found.rows[1], sound)) == ("", "mm-hm")


def test_a_run_without_sound_says_how_to_mend_it(tmp_path: Path) -> None:
    found = run(tmp_path, turn_row("a/1", 0.4), audio=False)
    with pytest.raises(EvaluationError, match=r"audio/a_1\.wav: the sound of the run was not kept; .* with --audio$"):
        found.sound(found.rows[0])


def test_damaged_and_mono_sound(tmp_path: Path) -> None:
    found = run(tmp_path, turn_row("a", 0.4))
    file = found.audio_file(found.rows[0])
    soundfile.write(file, np.zeros(100, np.float32), AUDIO.output_rate)
    with pytest.raises(EvaluationError, match=r"a\.wav: is not the stereo sound at 24000 Hz"):
        found.sound(found.rows[0])
    file.write_bytes(b"RIFF")
    with pytest.raises(EvaluationError, match=r"a\.wav: is not a readable sound file"):
        found.sound(found.rows[0])


def test_no_run_and_an_empty_one(tmp_path: Path) -> None:
    with pytest.raises(EvaluationError, match=r"report\.json: cannot be read"):
        SavedRun.load(tmp_path)
    (tmp_path / "report.json").write_text(json.dumps({"suite": "x"}))
    with pytest.raises(EvaluationError, match=r"report\.json: is not a report"):
        SavedRun.load(tmp_path)
    with pytest.raises(EvaluationError, match="holds no conversations"):
        run(tmp_path)
