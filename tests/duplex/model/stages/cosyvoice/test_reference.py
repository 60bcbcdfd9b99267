"""Live comparison with the authors' code, where DUPLEX_COSYVOICE names a checkout of FunAudioLLM/CosyVoice."""

import os
from pathlib import Path

import pytest
import torch

from configs.base import ConfigError
from configs.model.cosyvoice import COSYVOICE3_TINY, ENDLESS, AttentionWindowConfig
from duplex.model.stages.cosyvoice.checkpoint import build_flow, build_vocoder
from duplex.model.stages.cosyvoice.random_weights import random_flow, random_vocoder
from duplex.model.stages.cosyvoice.stage import CosyVoice
from runtime.cli.bench.reference_detokenizer import ReferenceDetokenizer
from tests.duplex.model.stages.cosyvoice.voices import tokens_of

VARIABLE = "DUPLEX_COSYVOICE"
BAR = 1e-4


@pytest.mark.skipif(VARIABLE not in os.environ, reason=f"{VARIABLE} does not name a checkout of FunAudioLLM/CosyVoice")
@torch.inference_mode()
def test_same_weights_same_sound() -> None:
    reference = ReferenceDetokenizer(Path(os.environ[VARIABLE]), COSYVOICE3_TINY)
    flow, hift = random_flow(COSYVOICE3_TINY, 5), random_vocoder(COSYVOICE3_TINY, 5)
    reference.load(flow, hift)
    embedding = torch.randn(24, generator=torch.Generator().manual_seed(5))
    config = COSYVOICE3_TINY
    stage = CosyVoice(config, build_flow(flow, config.flow), build_vocoder(hift, config), {"one": embedding})
    tokens = tokens_of(5, 40)
    assert torch.equal(stage.flow.noise, reference.flow.decoder.rand_noise[0])
    for streaming, window in ((False, ENDLESS), (True, AttentionWindowConfig(chunk=25, left=None))):
        expected = reference.mel(tokens[None], embedding[None], streaming)
        mel = stage.flow.step(tokens[None], stage.flow.init_state(stage.voice()[None]), window, True, 3)
        torch.testing.assert_close(mel, expected, rtol=0, atol=BAR)
        sound = stage.whole(tokens, stage.voice(), window)
        torch.testing.assert_close(sound, reference.sound(expected)[0], rtol=0, atol=BAR)


def test_a_folder_without_the_code_is_one_clear_line(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="is not a checkout of CosyVoice"):
        ReferenceDetokenizer(tmp_path, COSYVOICE3_TINY)
