"""The mel front end: equal to transformers' on whole clips, independent of the rest of the audio on streams."""

import torch
from transformers import WhisperFeatureExtractor

from configs.model.ears import MelConfig
from duplex.model.stages.logmel import LogMel, mel_filters

MEL = MelConfig()


def _noise(samples: int) -> torch.Tensor:
    return torch.randn(2, samples, generator=torch.Generator().manual_seed(0)) * 0.1


def test_filters_and_clip_form_equal_transformers() -> None:
    reference = WhisperFeatureExtractor(feature_size=MEL.bands)
    torch.testing.assert_close(mel_filters(MEL, 16_000), torch.tensor(reference.mel_filters).float())
    pcm = _noise(16_000)
    wanted = reference(list(pcm.numpy()), sampling_rate=16_000, return_tensors="pt", padding="do_not_pad")
    torch.testing.assert_close(LogMel(MEL).clip(pcm), wanted.input_features, atol=1e-4, rtol=1e-4)


def test_streaming_form_is_the_same_whatever_else_is_said() -> None:
    pcm = _noise(3_200)
    loud = torch.cat([pcm, 100 * pcm], dim=1)
    whole = LogMel(MEL).streaming(loud)
    part = LogMel(MEL).streaming(pcm)
    assert part.shape == (2, MEL.bands, 1 + (3_200 - MEL.window) // MEL.hop)
    torch.testing.assert_close(whole[..., : part.shape[2]], part, atol=1e-5, rtol=1e-5)


def test_silence_lies_on_the_floor() -> None:
    assert torch.all(LogMel(MEL).streaming(torch.zeros(1, 800)) == (MEL.floor_log10 + 4) / 4)
