"""A tokenizer of clips that follows a stream: the same tokens live and whole, bounded windows, declared delay."""

import pytest
import torch
from torch import Tensor

from configs.base import ConfigError
from configs.model.speech_tokens import TokenWindowConfig
from duplex.model.stages.token_window import TokenStream

SLOT = 3200
WINDOW = TokenWindowConfig(left_ms=400, right_ms=80)


class FirstSamples:
    """A token is its first sample; a clip's first token gives the length of the clip."""

    vocabulary = 2**20
    token_samples = 640

    def __init__(self, margin: int = 0) -> None:
        self.margin_samples = margin
        self.heard: list[int] = []

    def encode(self, pcm: Tensor) -> Tensor:
        self.heard.append(pcm.shape[1])
        return pcm[:, : pcm.shape[1] - self.margin_samples : 640].long()


def _pcm(slots: int) -> Tensor:
    return torch.arange(1, slots * SLOT + 1).float()


def _live(stream: TokenStream, pcm: Tensor) -> Tensor:
    state = stream.init_state(1)
    return torch.cat([stream.step(slot[None], state, torch.tensor([True])) for slot in pcm.split(SLOT)])


@pytest.mark.parametrize("margin", [0, 80])
def test_tokens_describe_the_audio_of_the_declared_delay_ago(margin: int) -> None:
    stream = TokenStream(FirstSamples(margin), WINDOW)
    late = round(stream.delay_ms * 16)
    assert late == 80 * 16 + margin
    tokens = _live(stream, _pcm(4)).flatten()
    begins = torch.arange(20) * 640 - late
    assert torch.equal(tokens, torch.where(begins >= 0, begins + 1, 0))


def test_live_equals_the_whole_recording() -> None:
    stream = TokenStream(FirstSamples(), WINDOW)
    assert torch.equal(_live(stream, _pcm(5)), stream.encode(_pcm(5)))
    assert torch.equal(stream.encode(_pcm(5)[: 4 * SLOT + 7])[:4], stream.encode(_pcm(4)))


def test_a_step_hears_a_window_of_one_length() -> None:
    tokenizer = FirstSamples(80)
    _live(TokenStream(tokenizer, WINDOW), _pcm(30))
    assert set(tokenizer.heard) == {(400 + 200 + 80) * 16 + 80}


def test_inactive_rows_hear_nothing_and_keep_their_state() -> None:
    stream = TokenStream(FirstSamples(), WINDOW)
    state = stream.init_state(2)
    pcm = _pcm(3).reshape(3, 1, SLOT).expand(3, 2, SLOT)
    stream.step(pcm[0], state, torch.tensor([True, True]))
    before = state.history.clone()
    tokens = stream.step(pcm[1], state, torch.tensor([True, False]))
    assert tokens[1].tolist() == [stream.silence] * 5
    assert torch.equal(state.history[1], before[1])
    assert not torch.equal(state.history[0], before[0])


def test_reset_forgets_only_its_rows() -> None:
    stream = TokenStream(FirstSamples(), WINDOW)
    state = stream.init_state(2)
    stream.step(torch.ones(2, SLOT), state, torch.tensor([True, True]))
    state.reset(torch.tensor([True, False]))
    assert not state.history[0].any()
    assert state.history[1].any()


def test_a_window_must_fill_whole_tokens() -> None:
    with pytest.raises(ConfigError, match="not a multiple of 640"):
        TokenStream(FirstSamples(), TokenWindowConfig(left_ms=400, right_ms=100))
