"""The encoder: digits within range, one token of future, a steady token of silence."""

import torch

from configs.model.voice import BandConfig, TokenizerConfig
from duplex.model.stages.bands import silence
from duplex.model.stages.speech_tokenizer import SpeechTokenizer


def _encoder() -> SpeechTokenizer:
    torch.manual_seed(0)
    return SpeechTokenizer(BandConfig(), TokenizerConfig(width=16, inner=32)).eval()


def _frames(tokens: int) -> torch.Tensor:
    return torch.randn(2, 3 * tokens, 98, generator=torch.Generator().manual_seed(0)) * 3 - 4


def test_digits() -> None:
    digits = _encoder().encode(_frames(10))
    assert digits.shape == (2, 10, 15)
    assert digits.dtype is torch.int8
    assert int(digits.abs().max()) <= 2


def test_future_reaches_one_token_back() -> None:
    changed = _frames(12)
    changed[:, 3 * 8 : 3 * 9] += 3.0
    encoder = _encoder()
    differs = (encoder(changed) - encoder(_frames(12))).abs().amax((0, 2)) > 0
    assert torch.nonzero(differs).flatten()[0] == 7


def test_silence_token_is_what_silence_gives() -> None:
    encoder = _encoder()
    digits = encoder.encode(silence(BandConfig()).repeat(1, 150, 1))
    assert torch.equal(digits[0, 25], encoder.silence_token())
