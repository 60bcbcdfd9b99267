"""Tokens to sound: parity, silence that is exactly zero, and no clicks at starts, cuts and joins of slots."""

import numpy as np
import pytest
import torch
from torch import Tensor

from duplex.model.stages.detokenizer import BandDetokenizer, DetokenizerInput, DetokenizerState
from tests.duplex.model.stages.voices import small_voice

SLOTS = 6


@pytest.fixture(scope="module")
def detokenizer() -> BandDetokenizer:
    return small_voice().detokenizer


def _tokens(seed: int, slots: int = SLOTS) -> Tensor:
    return torch.randint(-2, 3, (slots, 5, 15), generator=torch.Generator().manual_seed(seed), dtype=torch.int8)


def _step(
    stage: BandDetokenizer,
    state: DetokenizerState,
    tokens: list[Tensor],
    speaking: list[bool],
    active: list[bool] | None,
) -> Tensor:
    return stage.step(
        DetokenizerInput(torch.stack(tokens), torch.tensor(speaking)),
        state,
        torch.tensor([True] * len(tokens) if active is None else active),
    )


def _alone(stage: BandDetokenizer, tokens: Tensor, seed: int = 0) -> Tensor:
    state = stage.init_state(1, [seed])
    return torch.stack([_step(stage, state, [token], [True], None)[0] for token in tokens])


def test_full_slots_of_finite_samples(detokenizer: BandDetokenizer) -> None:
    pcm = _alone(detokenizer, _tokens(0))
    assert pcm.shape == (SLOTS, 4800)
    assert bool(torch.isfinite(pcm).all())
    assert float(pcm.abs().max()) > 0


def test_decoder_step_by_step_equals_whole(detokenizer: BandDetokenizer) -> None:
    tokens = _tokens(1).float()
    past = [kept.clone() for kept in detokenizer.init_state(1).rest]
    whole, _ = detokenizer.decoder(tokens.reshape(1, -1, 15), past)
    pieces = []
    for slot in tokens:
        frames, past = detokenizer.decoder(slot[None], past)
        pieces.append(frames)
    torch.testing.assert_close(torch.cat(pieces, 1), whole, rtol=1e-5, atol=1e-5)


def test_synthesis_slot_by_slot_equals_frame_by_frame(detokenizer: BandDetokenizer) -> None:
    """Without noise, whose draws are per slot."""
    frames = torch.randn(1, 30, 98, generator=torch.Generator().manual_seed(2))
    frames[..., 64:96], frames[..., 96], frames[..., 97] = -60.0, 5.2 + frames[..., 96] / 10, 1.0
    voice = detokenizer.synthesis
    states = voice.init_state([0]), voice.init_state([0])
    slots = torch.cat([voice.step(part, states[0], [0]) for part in frames.split(15, 1)], 1)
    single = torch.cat([voice.step(part, states[1], [0]) for part in frames.split(1, 1)], 1)
    torch.testing.assert_close(slots, single, rtol=1e-4, atol=1e-5)


def test_later_tokens_change_no_earlier_sample(detokenizer: BandDetokenizer) -> None:
    first, second = _tokens(3), _tokens(3)
    second[4:] = -second[4:] + 1
    assert torch.equal(_alone(detokenizer, first)[:4], _alone(detokenizer, second.clamp(-2, 2))[:4])


def test_rows_are_independent_of_their_batch(detokenizer: BandDetokenizer) -> None:
    tokens = [_tokens(4), _tokens(5)]
    alone = [_alone(detokenizer, tokens[0], 11), _alone(detokenizer, tokens[1], 12)]
    state = detokenizer.init_state(2, [11, 12])
    for slot in range(SLOTS):
        pcm = _step(detokenizer, state, [tokens[0][slot], tokens[1][slot]], [True, True], None)
        for row in range(2):
            torch.testing.assert_close(pcm[row], alone[row][slot], rtol=1e-4, atol=1e-5)


def test_same_session_gives_the_same_samples(detokenizer: BandDetokenizer) -> None:
    assert torch.equal(_alone(detokenizer, _tokens(6), 5), _alone(detokenizer, _tokens(6), 5))
    assert not torch.equal(_alone(detokenizer, _tokens(6), 5), _alone(detokenizer, _tokens(6), 6))


def test_inactive_row_stays_as_it_is(detokenizer: BandDetokenizer) -> None:
    tokens = _tokens(7)
    expected = _alone(detokenizer, tokens, 1)
    state = detokenizer.init_state(2, [0, 1])
    for slot in range(2 * SLOTS):
        second = slot % 2 == 1
        pcm = _step(detokenizer, state, [tokens[slot // 2], tokens[slot // 2]], [True, True], [True, second])
        if second:
            torch.testing.assert_close(pcm[1], expected[slot // 2], rtol=1e-4, atol=1e-5)
        else:
            assert not pcm[1].any()


def test_reset_row_is_a_fresh_one(detokenizer: BandDetokenizer) -> None:
    tokens = _tokens(8)
    state = detokenizer.init_state(1, [9])
    for token in _tokens(9):
        _step(detokenizer, state, [token], [True], None)
    state.reset(torch.tensor([True]))
    again = torch.stack([_step(detokenizer, state, [token], [True], None)[0] for token in tokens])
    assert torch.equal(again, _alone(detokenizer, tokens, 9))


def test_mute_is_exact_silence(detokenizer: BandDetokenizer) -> None:
    state = detokenizer.init_state(1)
    for token in _tokens(10):
        assert not _step(detokenizer, state, [token], [False], None).any()


def test_cut_fades_within_ten_milliseconds_then_is_zero(detokenizer: BandDetokenizer) -> None:
    state = detokenizer.init_state(1)
    for token in _tokens(11):
        before = _step(detokenizer, state, [token], [True], None)[0]
    cut = _step(detokenizer, state, [_tokens(12)[0]], [False], None)[0]
    assert cut[:100].any()
    assert not cut[240:].any()
    assert not _step(detokenizer, state, [_tokens(12)[0]], [False], None).any()
    _assert_no_click(torch.cat([before, cut]), at=4800, reach=300)


def test_answer_after_a_cut_starts_from_rest(detokenizer: BandDetokenizer) -> None:
    state = detokenizer.init_state(1, [3])
    for token in _tokens(13):
        _step(detokenizer, state, [token], [True], None)
    _step(detokenizer, state, [_tokens(13)[0]], [False], None)
    state.synthesis.slots[:] = 0
    again = torch.stack([_step(detokenizer, state, [token], [True], None)[0] for token in _tokens(14)])
    assert torch.equal(again, _alone(detokenizer, _tokens(14), 3))


def test_joins_of_slots_are_no_louder_than_the_inside(detokenizer: BandDetokenizer) -> None:
    pcm = _alone(detokenizer, _tokens(15, 40)).flatten()
    bend = _bend(pcm)
    joins = np.arange(1, 40) * 4800
    at_joins = np.array([bend[join - 3 : join + 3].max() for join in joins])
    elsewhere = np.array([bend[join + 2400 - 3 : join + 2400 + 3].max() for join in joins])
    assert at_joins.mean() < 1.5 * elsewhere.mean()


def _bend(pcm: Tensor) -> np.ndarray[tuple[int], np.dtype[np.float32]]:
    """Size of the second difference: a click is a place where it stands out."""
    return np.abs(np.diff(pcm.numpy(), 2))


def _assert_no_click(pcm: Tensor, at: int, reach: int) -> None:
    """Around `at` the waveform bends no more than in the second before."""
    bend = _bend(pcm)
    assert bend[at - 2 : at + reach].max() <= 1.1 * bend[: at - reach].max()
