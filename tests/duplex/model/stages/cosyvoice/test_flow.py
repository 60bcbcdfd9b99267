"""The flow: windows, chunks that close, and what may and may not influence a frame."""

import pytest
import torch
from torch import Tensor

from configs.model.cosyvoice import COSYVOICE3, ENDLESS, AttentionWindowConfig, StreamConfig
from duplex.model.stages.cosyvoice.conditioning import solver_times
from duplex.model.stages.cosyvoice.flow import Flow, FlowState
from tests.duplex.model.stages.cosyvoice.voices import ALIGNED, small_stage, tokens_of

TOLERANCE = 1e-5


@pytest.fixture(scope="module")
def flow() -> Flow:
    return small_stage().flow


@torch.inference_mode()
def _mel(flow: Flow, tokens: Tensor, window: AttentionWindowConfig, lengths: list[int] | None = None) -> Tensor:
    state = flow.init_state(small_stage().voice()[None])
    parts = tokens[None].split(lengths or [len(tokens)], 1)
    pieces = [flow.step(part, state, window, index == len(parts) - 1, 3) for index, part in enumerate(parts)]
    return torch.cat(pieces, 2)


def test_chunks_of_a_window() -> None:
    assert [AttentionWindowConfig(chunk=5, first=2).start(token) for token in (0, 1, 2, 6, 7, 11, 12)] == [
        0,
        0,
        2,
        2,
        7,
        7,
        12,
    ]
    assert [AttentionWindowConfig(chunk=5).start(token) for token in (0, 4, 5, 14)] == [0, 0, 5, 10]
    assert ENDLESS.start(1000) == 0


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ({"chunk": 0}, "chunk must be at least 1"),
        ({"chunk": 5, "first": 6}, "first needs a chunk"),
        ({"left": -1}, "left cannot be negative"),
    ],
)
def test_wrong_window_is_refused(values: dict[str, int], reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        AttentionWindowConfig(**values)


def test_endless_stream_is_refused() -> None:
    with pytest.raises(ValueError, match="cost grows with the utterance"):
        StreamConfig(window=ENDLESS)


def test_released_memory_and_delay() -> None:
    """What a conversation keeps in float32, and the look-ahead."""
    assert COSYVOICE3.delay_samples == 4803
    assert round(COSYVOICE3.cached_values * 4 / 2**20) == 177


def test_solver_begins_with_short_steps() -> None:
    times, lengths = solver_times(10)
    assert times[0] == 0
    assert lengths == sorted(lengths)
    assert sum(lengths) == pytest.approx(1, abs=1e-6)


@pytest.mark.parametrize(
    "window",
    [ALIGNED, AttentionWindowConfig(chunk=5, first=2, left=10), AttentionWindowConfig(chunk=5, first=2, left=0)],
)
def test_chunk_by_chunk_equals_whole(flow: Flow, window: AttentionWindowConfig) -> None:
    tokens = tokens_of(1, 45)
    whole = _mel(flow, tokens, window)
    assert whole.shape == (1, 80, 90)
    torch.testing.assert_close(_mel(flow, tokens, window, [5] * 9), whole, rtol=0, atol=TOLERANCE)
    torch.testing.assert_close(_mel(flow, tokens, window, [20, 5, 15, 5]), whole, rtol=0, atol=TOLERANCE)


@pytest.mark.parametrize("lengths", [[1] * 20, [7, 13], [20, 0], [3, 3, 3, 11]])
def test_any_lengths_give_every_frame_once(flow: Flow, lengths: list[int]) -> None:
    assert _mel(flow, tokens_of(2, 20), AttentionWindowConfig(chunk=6, left=6), lengths).shape == (1, 80, 40)


def test_tokens_beyond_the_lookahead_change_nothing(flow: Flow) -> None:
    tokens = tokens_of(3, 22)
    other = tokens.clone()
    other[10:] = (other[10:] + 1) % 64
    first, second = (_mel(flow, values, ALIGNED, [10, 12]) for values in (tokens, other))
    assert torch.equal(first[..., :14], second[..., :14])
    assert not torch.equal(first[..., 14:], second[..., 14:])


def test_left_context_is_bounded_by_the_window(flow: Flow) -> None:
    """Over two blocks a frame can see at most twice the window, plus what its convolutions saw."""
    tokens = tokens_of(4, 120)
    other = tokens.clone()
    other[:5] = (other[:5] + 1) % 64
    window = AttentionWindowConfig(chunk=5, left=5)
    first, second = (_mel(flow, values, window) for values in (tokens, other))
    assert not torch.equal(first[..., :40], second[..., :40])
    assert float((first - second)[..., -10:].abs().max()) < 1e-4


@torch.inference_mode()
def test_joined_states_equal_single_ones(flow: Flow) -> None:
    """Two utterances of different age and voice, in the same phase."""
    voices = [small_stage().voice(), small_stage().voice(torch.ones(flow.config.speaker))]
    tokens, ages = [tokens_of(5, 60), tokens_of(6, 60)], (35, 45)
    states, expected = [], []
    for voice, row, age in zip(voices, tokens, ages, strict=True):
        for later in (False, True):
            state = flow.init_state(voice[None])
            for part in row[None, :age].split(5, 1):
                flow.step(part, state, ALIGNED, False, 3)
            if later:
                expected.append(flow.step(row[None, age : age + 5], state, ALIGNED, False, 3))
            else:
                states.append(state)
    assert states[0].phase == states[1].phase
    joined = FlowState.join(states)
    new = torch.stack([row[age : age + 5] for row, age in zip(tokens, ages, strict=True)])
    found = flow.step(new, joined, ALIGNED, False, 3)
    torch.testing.assert_close(found, torch.cat(expected), rtol=0, atol=TOLERANCE)
    assert [state.closed for state in joined.split()] == [[2 * 37], [2 * 47]]


def test_noise_begins_again_after_its_end(flow: Flow) -> None:
    state = flow.init_state(small_stage().voice()[None])
    state.closed = [flow.config.noise_frames - 4]
    with torch.inference_mode():
        assert flow.step(tokens_of(7, 20)[None], state, ALIGNED, True, 3).shape[2] == 40
