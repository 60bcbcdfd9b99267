"""Measures of the assistant's voice on waveforms and words that are known."""

from pathlib import Path

import numpy as np
import pytest

from configs.audio import AUDIO
from configs.eval.evaluation import EvaluationConfig
from duplex.eval.conversation_record import AnswerText, Recording
from duplex.eval.measures import judge
from duplex.eval.suite import FinishedDialogue
from duplex.eval.suites.speech import Speech
from tests.duplex.eval.fakes import KnownAssistant, hold_conversation, trial, write_trials

CONFIG = EvaluationConfig()
LIMITS = CONFIG.speech
RATE, SLOT = AUDIO.output_rate, AUDIO.slot_output_samples


def tone(seconds: float, level: float = 0.3) -> np.ndarray:
    """A tone that begins and ends softly."""
    time = np.arange(round(seconds * RATE)) / RATE
    edge = np.minimum(1.0, np.minimum(time, time[::-1]) / 0.01)
    return (level * edge * np.sin(2 * np.pi * 220 * time)).astype(np.float32)


@pytest.mark.parametrize(
    ("reference", "recognised", "errors", "words"),
    [
        ("Twenty-one, please.", "21 please", 0, 3),
        ("one two three", "one three", 1, 3),
        ("one two three", "one too three four", 2, 3),
        ("", "hello there", 2, 0),
    ],
)
def test_word_errors(reference: str, recognised: str, errors: int, words: int) -> None:
    assert judge.word_errors(reference, recognised) == judge.WordErrors(errors, words)


def test_a_step_at_a_joint_is_a_click_and_one_elsewhere_is_not() -> None:
    samples = tone(1.0)
    samples[SLOT:] += np.float32(0.2)
    steps = judge.steps_at(samples, [SLOT, 2 * SLOT], LIMITS)
    assert judge.clicks(steps, LIMITS) == 1
    assert steps[0][0] == pytest.approx(0.2, abs=0.02)


def test_smooth_speech_does_not_click() -> None:
    joints = [0, *range(SLOT, RATE, SLOT), RATE - 1]
    assert judge.clicks(judge.steps_at(tone(1.0), joints, LIMITS), LIMITS) == 0


def test_an_answer_that_begins_or_ends_abruptly_clicks() -> None:
    silence = np.zeros(SLOT, np.float32)
    samples = np.concatenate([silence, np.full(SLOT, 0.3, np.float32), silence])
    assert judge.clicks(judge.steps_at(samples, [SLOT, 2 * SLOT], LIMITS), LIMITS) == 2


@pytest.fixture
def suite(tmp_path: Path) -> Speech:
    asks = [
        trial("short", "question_voice", 1.0, answer="yes"),
        trial("long", "question_voice", 1.0, long=True, answer="word " * 30),
    ]
    return Speech(CONFIG, write_trials(tmp_path, asks))


def test_long_answers_are_cut(suite: Speech) -> None:
    examples = suite.examples()
    assert [example.group for example in examples] == ["answer", "answer", "cut"]
    row = hold_conversation(suite, examples[-1], KnownAssistant(answer_s=8.0))
    assert row.measures["answers"] == []
    assert row.measures["joints"] > 2


def test_figures_add_up_over_answers(suite: Speech, monkeypatch: pytest.MonkeyPatch) -> None:
    heard: list[int] = []

    def recognise(samples: np.ndarray, asr: str) -> str:
        heard.append(len(samples))
        return "one too three"

    monkeypatch.setattr(judge, "recognise", recognise)
    monkeypatch.setattr(judge, "quality", lambda samples: 3.5)
    answer = AnswerText("one two three", "", 0.4, 1.4, "end")
    cut = AnswerText("one", "two", 2.0, 2.2, "cut")
    spoken = tone(1.0)
    spoken[RATE // 4 : RATE // 2] = 0.0
    sound = np.concatenate([np.zeros(2 * SLOT, np.float32), spoken, np.zeros(5 * SLOT, np.float32)])
    recording = Recording(np.zeros(0, np.float32), sound, (), (answer, cut))
    measures, _ = suite.score(FinishedDialogue(suite.examples()[0], recording, ()))
    assert heard == [round((1.0 + 2 * LIMITS.margin_s) * RATE)]
    assert measures["answers"][0]["errors"] == 1
    assert measures["answers"][0]["words_per_s"] == 3.0
    assert measures["answers"][0]["silence"] == 0.25
    assert measures["clicks"] == 0
    assert measures["clipped"] == 0
