"""Our Whisper equals transformers' on the same weights; in int8 it stays close; a row does not depend on its batch."""

import pytest
import torch
from torch import Tensor

from configs.base import ConfigError
from configs.model.ears import DecodingConfig
from duplex.model.stages.matrices import matrix
from duplex.model.stages.whisper_decoder import TextDecoder
from duplex.model.stages.whisper_decoding import DecodingResult, Whisper, load_whisper
from duplex.model.stages.whisper_weights import load_audio_encoder
from duplex.model.weights.quantize import pack
from tests.duplex.model.stages.pieces import VOCABULARY
from tests.duplex.model.stages.whispers import SHAPE, reference, weights

MODEL = reference()
WEIGHTS = weights(MODEL)
TOKENS = torch.tensor([[VOCABULARY.start, 1, 2, 3, 8, VOCABULARY.first_time + 5]])


def _features(rows: int) -> Tensor:
    return torch.randn(rows, 40, SHAPE.dim, generator=torch.Generator().manual_seed(3))


def _noise(rows: int, seconds: float) -> Tensor:
    return 0.1 * torch.randn(rows, round(16_000 * seconds), generator=torch.Generator().manual_seed(4))


def _whisper(packed: dict[str, Tensor]) -> Whisper:
    return load_whisper(packed, VOCABULARY, SHAPE, DecodingConfig())


@torch.no_grad()
def test_encoder_equals_transformers() -> None:
    mel = torch.randn(2, SHAPE.mel.bands, 2 * SHAPE.source_positions, generator=torch.Generator().manual_seed(2))
    ours = load_audio_encoder(WEIGHTS, SHAPE, torch.float32)(mel)
    wanted = MODEL.model.encoder(mel).last_hidden_state
    torch.testing.assert_close(ours, wanted, atol=1e-4, rtol=1e-4)


@torch.no_grad()
def test_decoder_equals_transformers() -> None:
    decoder, features = TextDecoder(WEIGHTS, SHAPE), _features(1)
    hidden = decoder(TOKENS, decoder.listen(features, 8))
    wanted = MODEL(decoder_input_ids=TOKENS, encoder_outputs=(features,)).logits
    torch.testing.assert_close(decoder.logits(hidden[0]), wanted[0], atol=1e-4, rtol=1e-4)


@torch.no_grad()
def test_token_by_token_equals_the_whole_and_later_tokens_change_nothing() -> None:
    decoder, features = TextDecoder(WEIGHTS, SHAPE), _features(1)
    whole = decoder(TOKENS, decoder.listen(features, 8))
    memory = decoder.listen(features, 8)
    steps = torch.cat([decoder(TOKENS[:, place : place + 1], memory) for place in range(TOKENS.shape[1])], dim=1)
    torch.testing.assert_close(steps, whole, atol=1e-5, rtol=1e-5)
    part = decoder(TOKENS[:, :3], decoder.listen(features, 8))
    torch.testing.assert_close(part, whole[:, :3], atol=1e-5, rtol=1e-5)


@torch.no_grad()
def test_rows_do_not_know_their_batch_and_can_be_selected() -> None:
    decoder, features = TextDecoder(WEIGHTS, SHAPE), _features(3)
    tokens = TOKENS.repeat(3, 1)
    memory = decoder.listen(features, 8)
    both = decoder(tokens[:, :4], memory)
    memory = memory.select(torch.tensor([2, 0]))
    after = decoder(tokens[:2, 4:], memory)
    alone = decoder(TOKENS, decoder.listen(features[2:], 8))[0]
    torch.testing.assert_close(torch.cat([both[2], after[0]]), alone, atol=1e-5, rtol=1e-5)


@torch.no_grad()
def test_int8_stays_near() -> None:
    exact, packed = TextDecoder(WEIGHTS, SHAPE), TextDecoder(pack(WEIGHTS), SHAPE)
    features = _features(2)
    tokens = TOKENS.repeat(2, 1)
    wanted = exact.logits(exact(tokens, exact.listen(features, 8))[:, -1])
    got = packed.logits(packed(tokens, packed.listen(features, 8))[:, -1])
    assert (got - wanted).abs().max() < 0.05 * wanted.abs().max()


@pytest.mark.parametrize("rows", [1, 16, 17, 40])
def test_int8_matrix_of_any_number_of_rows(rows: int) -> None:
    generator = torch.Generator().manual_seed(5)
    state = {
        "a.weight": torch.randn(8, 16, generator=generator),
        "a.bias": torch.randn(8, generator=generator),
        "b.weight": torch.randn(4, 16, generator=generator),
    }
    x = torch.randn(rows, 16, generator=generator)
    got = matrix(pack(state), "a", "b")(x)
    wanted = torch.cat([x @ state["a.weight"].T + state["a.bias"], x @ state["b.weight"].T], dim=1)
    torch.testing.assert_close(matrix(state, "a", "b")(x), wanted)
    assert (got - wanted).abs().max() < 0.15


def test_transcribing_is_pure_and_a_clip_does_not_know_its_batch() -> None:
    whisper, pcm = _whisper(WEIGHTS), _noise(3, 1.0)
    together = whisper.transcribe(pcm, [1.0, 1.0, 1.0])
    again = whisper.transcribe(pcm, [1.0, 1.0, 1.0])
    assert together == again
    for row, transcript in enumerate(together):
        (alone,) = whisper.transcribe(pcm[row : row + 1], [1.0])
        assert alone.tokens == transcript.tokens
        assert alone.logprob == pytest.approx(transcript.logprob, abs=1e-3)
        assert VOCABULARY.is_text(alone.tokens[1])
        assert alone.tokens[0] >= VOCABULARY.first_time


def test_a_transcript_goes_on_from_its_beginning() -> None:
    whisper, pcm = _whisper(pack(WEIGHTS)), _noise(1, 2.0)
    beginning = (VOCABULARY.first_time, 1, 2)
    (transcript,) = whisper.transcribe(pcm, [2.0], beginning)
    assert transcript.tokens[:3] == beginning


@pytest.mark.parametrize(
    ("logprob", "no_speech", "believed"),
    [
        (-0.1, 0.0, True),
        (-1.2, 0.1, True),
        (-1.4, 0.0, False),
        (-0.8, 0.7, True),
        (-0.8, 0.9, False),
        (-0.1, 1.0, True),
    ],
)
def test_transcripts_are_doubted_where_nobody_may_speak(logprob: float, no_speech: float, believed: bool) -> None:
    assert _whisper(WEIGHTS).is_believed(DecodingResult((VOCABULARY.first_time, 1), logprob, no_speech)) is believed


def test_missing_weights_are_named() -> None:
    part = {name: value for name, value in WEIGHTS.items() if "layers.1.fc2" not in name}
    with pytest.raises(ConfigError, match=r"layers\.1\.fc2"):
        TextDecoder(part, SHAPE)
    with pytest.raises(ConfigError, match="convert them again"):
        load_audio_encoder(part, SHAPE)
