"""Parity with the reference's golden tensors: noise, F0, mel with and without chunks, samples, its stream."""

import hashlib

import pytest
import torch
from torch import Tensor

from configs.model.cosyvoice import COSYVOICE3, ENDLESS, AttentionWindowConfig, CosyVoiceConfig
from duplex.model.stages.cosyvoice.checkpoint import build_flow, build_vocoder
from duplex.model.stages.cosyvoice.convolution import StreamCache
from duplex.model.stages.cosyvoice.randomness import SourceNoise, flow_noise
from duplex.model.stages.cosyvoice.stage import CosyVoice
from tests.duplex.model.stages.cosyvoice.golden import Golden, golden

EXACT = 1e-5
BAR = 1e-4
FRAMES_PER_SECOND = 50


@pytest.fixture(scope="module")
def expected() -> Golden:
    return golden()


@pytest.fixture(scope="module")
def stage(expected: Golden) -> CosyVoice:
    config = expected.config
    speakers = {"golden": expected.tensors["embedding"][0]}
    return CosyVoice(config, build_flow(expected.flow, config.flow), build_vocoder(expected.hift, config), speakers)


@pytest.mark.parametrize(("size", "config"), [("tiny", None), ("released", COSYVOICE3)])
def test_noise_is_the_references(expected: Golden, size: str, config: CosyVoiceConfig | None) -> None:
    config = config or expected.config
    notes = expected.notes["noise"][size]
    noise = SourceNoise(config.flow, config.vocoder)
    assert _digest(noise.read(0, FRAMES_PER_SECOND)) == notes["source_first_second"]
    torch.testing.assert_close(flow_noise(config.flow)[::20, :4], torch.tensor(notes["flow"]), rtol=0, atol=1e-6)


def test_last_second_of_noise_is_the_references(expected: Golden) -> None:
    config = expected.config
    noise = SourceNoise(config.flow, config.vocoder)
    last = config.vocoder.noise_seconds * FRAMES_PER_SECOND - FRAMES_PER_SECOND
    assert _digest(noise.read(last, FRAMES_PER_SECOND)) == expected.notes["noise"]["tiny"]["source_last_second"]
    assert torch.equal(noise.read(last + FRAMES_PER_SECOND, 3), noise.read(0, 3))


def test_uniform_numbers_do_not_depend_on_how_they_are_read(expected: Golden) -> None:
    config = expected.config
    pieces = SourceNoise(config.flow, config.vocoder)
    parts = torch.cat([pieces.read(40, 3), pieces.read(43, 20), pieces.read(63, 1)])
    assert torch.equal(SourceNoise(config.flow, config.vocoder).read(40, 24), parts)


@torch.inference_mode()
def test_f0(stage: CosyVoice, expected: Golden) -> None:
    mel = expected.tensors["mel_endless"]
    padded = torch.nn.functional.pad(mel, (0, stage.config.vocoder.f0_right))
    torch.testing.assert_close(stage.vocoder.f0.step(padded, StreamCache()), expected.tensors["f0"], rtol=0, atol=EXACT)


@pytest.mark.parametrize(
    ("name", "window"), [("mel_endless", ENDLESS), ("mel_chunks", AttentionWindowConfig(chunk=25, left=None))]
)
@torch.inference_mode()
def test_mel(stage: CosyVoice, expected: Golden, name: str, window: AttentionWindowConfig) -> None:
    state = stage.flow.init_state(stage.voice()[None])
    mel = stage.flow.step(expected.tensors["tokens"], state, window, True, stage.config.flow.lookahead)
    torch.testing.assert_close(mel, expected.tensors[name], rtol=0, atol=EXACT)


@torch.inference_mode()
def test_samples_of_the_references_mel(stage: CosyVoice, expected: Golden) -> None:
    mel = expected.tensors["mel_endless"]
    sound = stage.vocoder.step(mel, stage.vocoder.init_state(1), True)
    torch.testing.assert_close(sound, expected.tensors["sound"], rtol=0, atol=EXACT)


def test_whole_utterance(stage: CosyVoice, expected: Golden) -> None:
    sound = stage.whole(expected.tensors["tokens"][0], stage.voice())
    assert sound.shape == (960 * expected.notes["tokens"],)
    assert float(expected.tensors["sound"].abs().max()) > 0.1
    torch.testing.assert_close(sound, expected.tensors["sound"][0], rtol=0, atol=BAR)


@torch.inference_mode()
def test_stream_of_the_reference(stage: CosyVoice, expected: Golden) -> None:
    """Fun-Audio-Chat's: every hop recomputes all frames and sends the new ones."""
    hop, tokens = expected.notes["hop"], expected.tensors["tokens"]
    flow, vocoder = stage.flow.init_state(stage.voice()[None]), stage.vocoder.init_state(1)
    pieces, fed = [], 0
    while fed < tokens.shape[1]:
        end = fed + hop + (expected.notes["lookahead"] if fed == 0 else 0)
        final = end >= tokens.shape[1]
        mel = stage.flow.step(tokens[:, fed:end], flow, ENDLESS, final, stage.config.flow.lookahead)
        pieces.append(stage.vocoder.step(mel, vocoder, final))
        fed = end
    torch.testing.assert_close(torch.cat(pieces, 1), expected.tensors["stream"], rtol=0, atol=BAR)


def _digest(numbers: Tensor) -> str:
    return hashlib.sha256(numbers.contiguous().numpy().tobytes()).hexdigest()[:16]
