"""Silero VAD's segments: its defaults, its times, and the message where it is not installed."""

import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import soundfile

from configs.eval.scoring import SileroConfig
from duplex.eval.errors import EvaluationError
from duplex.eval.measures.activity import AudibleSegment
from duplex.eval.measures.silero import is_here, silero_segments
from tests.duplex.eval.dialogues import RATE

DATA = Path(__file__).parents[5] / "shared" / "data"


def test_its_own_defaults_are_asked_for_at_16_khz(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: dict[str, Any] = {}

    def segments(audio: np.ndarray, options: dict[str, Any], sampling_rate: int) -> list[dict[str, int]]:
        asked.update(options, rate=sampling_rate, samples=len(audio), kind=audio.dtype)
        return [{"start": 1600, "end": 32_000}]

    fake = ModuleType("faster_whisper.vad")
    fake.VadOptions, fake.get_speech_timestamps = dict, segments  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "faster_whisper.vad", fake)
    monkeypatch.setitem(sys.modules, "faster_whisper", ModuleType("faster_whisper"))
    assert silero_segments(np.zeros(48_000 * 3), 48_000, SileroConfig()) == (AudibleSegment(0.1, 2.0),)
    assert asked == {
        "threshold": 0.5,
        "min_speech_duration_ms": 250,
        "min_silence_duration_ms": 100,
        "speech_pad_ms": 30,
        "rate": RATE,
        "samples": 3 * RATE,
        "kind": np.float32,
    }


def test_where_it_is_missing_that_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "faster_whisper.vad", None)
    with pytest.raises(EvaluationError, match=r"Silero VAD is not installed .*pip install 'duplex-voice\[eval\]'"):
        silero_segments(np.zeros(RATE), RATE, SileroConfig())


@pytest.mark.data
@pytest.mark.skipif(not (DATA.is_dir() and is_here()), reason="needs real audio beside the repository, and Silero VAD")
def test_a_real_voice_is_found_within_its_frames() -> None:
    samples, rate = soundfile.read(DATA / "llama_questions" / "1.wav")
    padded = np.concatenate([np.zeros(2 * rate), samples, np.zeros(2 * rate)])
    found = silero_segments(padded, rate, SileroConfig())
    assert found[0].start == pytest.approx(2.0, abs=0.15)
    assert found[-1].end == pytest.approx(2.0 + len(samples) / rate, abs=0.35)
