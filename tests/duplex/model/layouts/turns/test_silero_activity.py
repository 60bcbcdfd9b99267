"""Silero VAD live: as on the whole clip, per row, resettable; a clear message where it is not installed."""

from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch

from configs.audio import AUDIO
from configs.base import ConfigError
from configs.model.silero_activity import SileroActivityConfig
from duplex.model.layouts.turns import silero_activity
from duplex.model.layouts.turns.silero_activity import SileroActivity, SileroState
from duplex.model.stages.voice_activity import VoicedFrames

QUESTIONS = Path(__file__).parents[5] / "runtime" / "data" / "questions.flac"
CONFIG = SileroActivityConfig()
SLOTS = 30

needs_weights = pytest.mark.skipif(find_spec("faster_whisper") is None, reason="needs the extra eval (Silero VAD)")


@pytest.fixture(scope="module")
def stage() -> SileroActivity:
    return SileroActivity(CONFIG)


def speech() -> torch.Tensor:
    """[SLOTS, 3200] of the shipped questions."""
    audio, _ = soundfile.read(QUESTIONS, dtype="float32")
    return torch.from_numpy(audio[: SLOTS * AUDIO.slot_input_samples]).unflatten(0, (SLOTS, -1))


def listen(stage: SileroActivity, state: SileroState, row: int = 0, rows: int = 1) -> list[VoicedFrames]:
    active = torch.arange(rows) == row
    return [stage.step(slot.expand(rows, -1), state, active) for slot in speech()]


@needs_weights
def test_slot_by_slot_is_as_the_whole_clip(stage: SileroActivity) -> None:
    from faster_whisper.vad import get_vad_model

    audio = speech().flatten().numpy()
    windows = len(audio) // CONFIG.window
    whole = get_vad_model()(audio[: windows * CONFIG.window].copy()).reshape(-1)
    voiced, said = False, [False]
    for probability in whole:
        voiced = bool(probability >= (CONFIG.release if voiced else CONFIG.threshold))
        said.append(voiced)
    wanted = [said[(frame + 1) * CONFIG.frame_samples // CONFIG.window] for frame in range(SLOTS * CONFIG.frames)]
    live = torch.cat([voice.voiced[0] for voice in listen(stage, stage.init_state(1))]).tolist()
    assert live == wanted
    assert 0.2 < np.mean(live) < 0.9, "questions and the pauses between them"


@needs_weights
def test_silence_is_counted_to_the_slots_end(stage: SileroActivity) -> None:
    voices = listen(stage, stage.init_state(1))
    frames = torch.cat([voice.voiced[0] for voice in voices])
    for slot, voice in enumerate(voices):
        heard = frames[: (slot + 1) * CONFIG.frames].flip(0).nonzero()
        silent = int(heard[0]) if len(heard) else (slot + 1) * CONFIG.frames
        assert voice.silence_ms.tolist() == [silent * CONFIG.frame_ms]


@needs_weights
def test_rows_are_apart_and_a_reset_row_is_fresh(stage: SileroActivity) -> None:
    state = stage.init_state(3)
    alone = [voice.voiced[0] for voice in listen(stage, stage.init_state(1))]
    voices = listen(stage, state, row=1, rows=3)
    assert all(torch.equal(voice.voiced[1], one) for voice, one in zip(voices, alone, strict=True))
    assert not any(voice.voiced[[0, 2]].any() for voice in voices)
    state.reset(torch.tensor([False, True, False]))
    again = listen(stage, state, row=1, rows=3)
    assert all(torch.equal(voice.voiced[1], one) for voice, one in zip(again, alone, strict=True))


@needs_weights
def test_a_burst_of_noise_is_no_voice(stage: SileroActivity) -> None:
    noise = torch.randn(10, 1, AUDIO.slot_input_samples, generator=torch.Generator().manual_seed(0)) * 0.1
    state = stage.init_state(1)
    assert not any(stage.step(slot, state, torch.ones(1, dtype=torch.bool)).voiced.any() for slot in noise)


def test_without_the_package_one_line_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(silero_activity, "find_spec", lambda name: None)
    with pytest.raises(ConfigError, match=r"Silero VAD is not installed \(no package faster-whisper\); install it"):
        SileroActivity(CONFIG)
