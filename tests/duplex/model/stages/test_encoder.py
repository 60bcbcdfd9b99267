"""The speech encoder: live slots equal whole recordings, and nothing leaks between rows or backwards in time."""

import pytest
import torch

from configs.audio import AUDIO
from configs.model.ears import EncoderConfig, WhisperShape
from duplex.model.stages.encoder import SpeechEncoder
from duplex.model.stages.whisper_blocks import AudioEncoder, set_precision

SLOT = AUDIO.slot_input_samples
SHAPE = WhisperShape(dim=24, heads=2, ffn=32, encoder_layers=2, source_positions=60)
CONFIG = EncoderConfig(shape=SHAPE, left_frames=20, cycle_frames=50)


@pytest.fixture(scope="module")
def encoder() -> SpeechEncoder:
    torch.manual_seed(0)
    return SpeechEncoder(CONFIG, AudioEncoder(SHAPE)).eval()


@pytest.fixture(scope="module")
def pcm() -> torch.Tensor:
    return torch.randn(3, 9 * SLOT, generator=torch.Generator().manual_seed(1)) * 0.1


def _stream(encoder: SpeechEncoder, pcm: torch.Tensor) -> torch.Tensor:
    state = encoder.init_state(pcm.shape[0])
    active = torch.ones(pcm.shape[0], dtype=torch.bool)
    return torch.cat([encoder.step(slot, state, active) for slot in pcm.split(SLOT, dim=1)], dim=1)


def test_slot_by_slot_equals_the_whole(encoder: SpeechEncoder, pcm: torch.Tensor) -> None:
    whole = encoder.encode(pcm)
    assert whole.shape == (3, 90, SHAPE.dim)
    torch.testing.assert_close(_stream(encoder, pcm), whole, atol=2e-5, rtol=1e-4)


def test_slot_by_slot_equals_the_whole_in_bfloat16(pcm: torch.Tensor) -> None:
    torch.manual_seed(0)
    encoder = SpeechEncoder(CONFIG, AudioEncoder(SHAPE)).eval()
    set_precision(encoder, torch.bfloat16)
    torch.testing.assert_close(_stream(encoder, pcm), encoder.encode(pcm), atol=0.05, rtol=0.05)


def test_longer_input_changes_nothing_earlier(encoder: SpeechEncoder, pcm: torch.Tensor) -> None:
    short = encoder.encode(pcm[:, : 5 * SLOT])
    torch.testing.assert_close(encoder.encode(pcm)[:, :50], short, atol=2e-5, rtol=1e-4)


def test_the_oldest_audio_is_forgotten_and_the_newest_is_heard(encoder: SpeechEncoder, pcm: torch.Tensor) -> None:
    changed = pcm.clone()
    changed[:, :SLOT] = 0
    reach = CONFIG.shape.encoder_layers * CONFIG.left_frames // CONFIG.block_frames
    before, after = encoder.encode(pcm), encoder.encode(changed)
    assert (before[:, 10:20] - after[:, 10:20]).abs().max() > 1e-3
    first_free = (reach + 2) * CONFIG.block_frames
    torch.testing.assert_close(before[:, first_free:], after[:, first_free:], atol=2e-5, rtol=1e-4)


def test_last_slot_is_filled_with_silence(encoder: SpeechEncoder, pcm: torch.Tensor) -> None:
    padded = torch.nn.functional.pad(pcm[:, : SLOT + 7], (0, SLOT - 7))
    torch.testing.assert_close(encoder.encode(pcm[:, : SLOT + 7]), encoder.encode(padded))


def test_rows_do_not_know_their_batch(encoder: SpeechEncoder, pcm: torch.Tensor) -> None:
    together = _stream(encoder, pcm)
    for row in range(3):
        torch.testing.assert_close(_stream(encoder, pcm[row : row + 1])[0], together[row], atol=2e-5, rtol=1e-4)


def test_inactive_rows_stay_as_they_are(encoder: SpeechEncoder, pcm: torch.Tensor) -> None:
    state = encoder.init_state(3)
    encoder.step(pcm[:, :SLOT], state, torch.tensor([True, True, True]))
    kept = [state.history[1].clone(), state.keys[:, 1].clone(), state.values[:, 1].clone(), state.frames[1].clone()]
    out = encoder.step(pcm[:, SLOT : 2 * SLOT], state, torch.tensor([True, False, True]))
    now = [state.history[1], state.keys[:, 1], state.values[:, 1], state.frames[1]]
    assert all(torch.equal(a, b) for a, b in zip(kept, now, strict=True))
    assert not out[1].any()
    assert state.frames.tolist() == [20, 10, 20]


def test_a_reset_row_is_a_fresh_row(encoder: SpeechEncoder, pcm: torch.Tensor) -> None:
    state = encoder.init_state(3)
    active = torch.ones(3, dtype=torch.bool)
    encoder.step(pcm[:, :SLOT], state, active)
    kept = state.keys[:, 0].clone()
    state.reset(torch.tensor([False, True, False]))
    assert torch.equal(state.keys[:, 0], kept)
    again = encoder.step(pcm[:, :SLOT], state, active)
    fresh = encoder.step(pcm[:, :SLOT], encoder.init_state(3), active)
    torch.testing.assert_close(again[1], fresh[1], atol=2e-5, rtol=1e-4)
    assert (again[0] - fresh[0]).abs().max() > 1e-3


def test_delay_is_what_the_features_need(encoder: SpeechEncoder, pcm: torch.Tensor) -> None:
    assert encoder.delay_ms == 12.5
    held_back = CONFIG.lookahead_samples
    changed = pcm[:, : 2 * SLOT].clone()
    changed[:, SLOT - held_back : SLOT] = 0
    same = encoder.encode(changed)[:, :9]
    assert (same - encoder.encode(pcm[:, : 2 * SLOT])[:, :9]).abs().max() > 1e-4
    assert CONFIG.history_samples == 2 * 160 + 200 + held_back
