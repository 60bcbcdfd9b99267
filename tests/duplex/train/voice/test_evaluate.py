"""The measurements themselves: a text is spoken to its end, and figures follow from what the judges say."""

import json
from pathlib import Path

import numpy as np
import pytest

from duplex.train.voice import evaluate
from tests.duplex.model.stages.voices import small_voice


def test_speaks_until_everything_has_sounded() -> None:
    spoken = evaluate.speak(small_voice(), ("the", "cat", "sat", "."), seed=0, lead_units=16)
    assert len(spoken.samples) == 4800 * len(spoken.slot_ms)
    assert spoken.first_slot == 1
    assert 6 <= len(spoken.slot_ms) < 20


def test_speed_is_in_percentiles() -> None:
    assert evaluate.speed([float(ms) for ms in range(101)]) == {"p50_ms": 50.0, "p99_ms": 99.0}


def test_figures_of_a_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("jiwer")
    heard = iter(["the cat sat", "hello dog"])
    monkeypatch.setattr(evaluate, "recognise", lambda samples, asr: next(heard))
    monkeypatch.setattr(evaluate, "quality", lambda samples: 3.0)
    small_voice().save(tmp_path / "voice")
    figures = evaluate.run(tmp_path / "voice", ["The cat sat.", "Hello cat."], tmp_path / "out")
    assert (figures["words"], figures["errors"], figures["wer_percent"]) == (5, 1, 20.0)
    assert figures["misheard"] == ["Hello cat. | hello dog"]
    assert figures["dnsmos"] == 3.0
    assert json.loads((tmp_path / "out" / "voice.json").read_text()) == figures
    assert sorted(path.name for path in (tmp_path / "out").glob("*.wav")) == ["00.wav", "01.wav"]


def test_padding_is_silence_around() -> None:
    padded = evaluate._pad(np.ones(10, np.float32))
    assert (padded.sum(), padded[0], padded[-1]) == (10, 0, 0)
