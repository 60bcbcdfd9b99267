"""The vocoder: samples do not depend on how frames are split into calls; exactly as many as declared are held back."""

import pytest
import torch
from torch import Tensor

from configs.model.cosyvoice import COSYVOICE3_TINY
from duplex.model.stages.cosyvoice.source import REBASE_SECONDS
from duplex.model.stages.cosyvoice.vocoder import Vocoder, VocoderState
from tests.duplex.model.stages.cosyvoice.voices import small_stage

FRAME = 480
HELD = COSYVOICE3_TINY.vocoder.held_samples
TOLERANCE = 1e-4


@pytest.fixture(scope="module")
def vocoder() -> Vocoder:
    return small_stage().vocoder


def _mel(seed: int, frames: int) -> Tensor:
    return torch.randn(1, 80, frames, generator=torch.Generator().manual_seed(seed))


@torch.inference_mode()
def _pieces(vocoder: Vocoder, mel: Tensor, lengths: list[int]) -> list[Tensor]:
    state, parts = vocoder.init_state(1), mel.split(lengths, -1)
    return [vocoder.step(part, state, index == len(parts) - 1) for index, part in enumerate(parts)]


@pytest.mark.parametrize("lengths", [[10, 10, 20], [1, 1, 1, 1, 1, 1, 34], [4, 36, 0], [39, 1], [30, 3, 2, 2, 2, 1]])
def test_cut_into_calls_equals_whole(vocoder: Vocoder, lengths: list[int]) -> None:
    mel = _mel(0, 40)
    (whole,) = _pieces(vocoder, mel, [40])
    assert whole.shape == (1, 40 * FRAME)
    torch.testing.assert_close(torch.cat(_pieces(vocoder, mel, lengths), 1), whole, rtol=0, atol=TOLERANCE)


def test_holds_back_what_is_declared_and_no_more(vocoder: Vocoder) -> None:
    pieces = _pieces(vocoder, _mel(1, 30), [10, 10, 10])
    assert [piece.shape[1] for piece in pieces] == [10 * FRAME - HELD, 10 * FRAME, 10 * FRAME + HELD]


def test_nothing_sounds_before_the_lookahead_is_complete(vocoder: Vocoder) -> None:
    pieces = _pieces(vocoder, _mel(2, 6), [2, 2, 1, 1])
    assert [piece.shape[1] for piece in pieces] == [0, 0, FRAME - 3, 5 * FRAME + 3]


@pytest.mark.parametrize("frames", [1, 2, 5])
def test_short_utterances(vocoder: Vocoder, frames: int) -> None:
    (sound,) = _pieces(vocoder, _mel(3, frames), [frames])
    assert sound.shape == (1, frames * FRAME)
    assert bool(torch.isfinite(sound).all())


def test_later_frames_change_no_earlier_sample(vocoder: Vocoder) -> None:
    mel = _mel(4, 30)
    other = mel.clone()
    other[..., 20:] += 1
    first, second = _pieces(vocoder, mel, [20, 10])[0], _pieces(vocoder, other, [20, 10])[0]
    assert torch.equal(first, second)


@torch.inference_mode()
def test_joined_states_equal_single_ones(vocoder: Vocoder) -> None:
    """Two utterances of different age, the same number of frames waiting."""
    mels, states = [_mel(5, 40), _mel(6, 40)], [vocoder.init_state(1), vocoder.init_state(1)]
    for mel, state, start in zip(mels, states, (10, 20), strict=True):
        vocoder.step(mel[..., :start], state, False)
    alone = [vocoder.init_state(1), vocoder.init_state(1)]
    expected = []
    for mel, state, start in zip(mels, alone, (10, 20), strict=True):
        vocoder.step(mel[..., :start], state, False)
        expected += [vocoder.step(mel[..., start : start + 10], state, False)]
    assert states[0].phase == states[1].phase
    joined = VocoderState.join(states)
    found = vocoder.step(torch.cat([mels[0][..., 10:20], mels[1][..., 20:30]]), joined, False)
    torch.testing.assert_close(found, torch.cat(expected), rtol=0, atol=TOLERANCE)
    for row, state in enumerate(joined.split()):
        last = vocoder.step(mels[row][..., 30:], state, True)
        again = vocoder.step(mels[row][..., 30:], alone[row], True)
        torch.testing.assert_close(last, again, rtol=0, atol=TOLERANCE)


@torch.inference_mode()
def test_source_of_a_long_utterance_does_not_depend_on_calls(vocoder: Vocoder) -> None:
    """Whole turns are dropped at the same frame, wherever the calls begin."""
    frames = REBASE_SECONDS * 50 + 60
    f0 = 100 + 50 * torch.rand(1, frames, generator=torch.Generator().manual_seed(7))
    whole = vocoder.source.step(f0, vocoder.source.init_state(1))
    state = vocoder.source.init_state(1)
    parts = [vocoder.source.step(part, state) for part in f0.split([700, 780, 45, frames - 1525], 1)]
    assert torch.equal(torch.cat(parts, 1), whole)
    assert float(state.dropped.min()) > 1
