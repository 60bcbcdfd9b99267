"""Recipe: trains the speech tokenizer and the band decoder together on the teacher's bands (FSQ, Mentzer et al. 2023).

This module handles bands and digits; it does not depend on text.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from configs.model.voice import BandConfig, VoiceConfig
from configs.train.voice_training import TokenizerTraining
from duplex.model.stages.band_decoder import BandDecoder
from duplex.model.stages.bands import normalisation, silence
from duplex.model.stages.speech_tokenizer import SpeechTokenizer
from duplex.train.training_loop import Loop, Optimization, cosine
from duplex.train.voice.teacher_shards import Utterance, load

_PAUSE_FRAMES = (6, 60)
_EDGE_FRAMES = 4


@dataclass
class Codec:
    """Encoder and decoder of one training run."""

    encoder: SpeechTokenizer
    decoder: BandDecoder

    @classmethod
    def fresh(cls, voice: VoiceConfig) -> "Codec":
        """Random weights."""
        encoder = SpeechTokenizer(voice.bands, voice.tokenizer)
        return cls(encoder, BandDecoder(voice.bands, voice.tokenizer, voice.detokenizer))

    def modules(self) -> nn.ModuleDict:
        """Both as one module, for optimizers and checkpoints."""
        return nn.ModuleDict({"encoder": self.encoder, "decoder": self.decoder})


def run(voice: VoiceConfig, config: TokenizerTraining, speech: Path, out: Path) -> Codec:
    """Train on the shards in `speech`; checkpoints and the result (`tokenizer.pt`) go to `out`."""
    torch.manual_seed(config.seed)
    frames = torch.from_numpy(with_pauses(load(speech), voice.bands, config.seed))
    codec = Codec.fresh(voice)
    loop = Loop(codec.modules(), Optimization(config.rate), config.steps, out / "tokenizer.pt", "tokenizer")
    length = config.crop_tokens * voice.bands.frames_per_token
    places = torch.arange(length)
    for step in loop.steps(cosine(config.warmup, config.steps)):
        torch.manual_seed(config.seed * config.steps + step)
        crop = frames[torch.randint(0, len(frames) - length, (config.batch, 1)) + places].float()
        loop.update(reconstruction_loss(_noisy_pass(codec, crop, config, step), crop, voice.bands))
    return codec


def load_codec(voice: VoiceConfig, out: Path) -> Codec:
    """The trained codec of `run`, in evaluation mode."""
    codec = Codec.fresh(voice)
    modules = codec.modules()
    modules.load_state_dict(torch.load(out / "tokenizer.pt", weights_only=True)["model"])
    modules.eval()
    return codec


def with_pauses(utterances: Iterable[Utterance], bands: BandConfig, seed: int) -> NDArray[np.float16]:
    """Frames [T, 98] of all utterances in sequence, with soft edges and pauses of pure silence between them."""
    rng = np.random.default_rng(seed)
    quiet = silence(bands).numpy()
    rows: list[NDArray[np.float16]] = []
    for utterance in utterances:
        pause = np.tile(quiet, (int(rng.integers(*_PAUSE_FRAMES)), 1))
        rows += [fade(utterance.bands.astype(np.float32), quiet).astype(np.float16), pause.astype(np.float16)]
    return np.concatenate(rows)


def fade(frames: NDArray[np.float32], quiet: NDArray[np.float32]) -> NDArray[np.float32]:
    """Fade both ends of the frames to the frame `quiet` over four frames; F0 does not change."""
    count = min(_EDGE_FRAMES, len(frames) // 2)
    ramp = (np.arange(count) + 0.5) / count
    weight = np.ones(len(frames), np.float32)
    weight[:count] = ramp
    weight[len(frames) - count :] = ramp[::-1]
    mixed = np.asarray(frames * weight[:, None] + quiet * (1 - weight[:, None]), np.float32)
    mixed[:, -2] = frames[:, -2]
    return mixed


def _noisy_pass(codec: Codec, crop: Tensor, config: TokenizerTraining, step: int) -> Tensor:
    """Pass bands [B, T, 98] through rounded digits, some of them noisy so that the decoder tolerates wrong ones."""
    top = codec.decoder.top
    with torch.autocast("cpu", torch.bfloat16):
        real = codec.encoder(crop)
        rounded = real + (torch.round(real) - real).detach()
        noisy = real + torch.rand_like(real) - 0.5
        digits = torch.where(torch.rand(len(crop), 1, 1) < config.noise_share, noisy, rounded)
        if step > config.warmup:
            bumps = (torch.rand_like(digits) < config.bump_share) * (torch.randint(0, 2, digits.shape) * 2 - 1)
            digits = (digits + bumps).clamp(-top, top)
        frames, _ = codec.decoder(digits)
    return frames.float()


def reconstruction_loss(frames: Tensor, target: Tensor, bands: BandConfig) -> Tensor:
    """Distance of bands [B, T, 98], weighted by loudness: tone where voiced, noise where unvoiced, and their change
    over time. The weighting is ours."""
    _, scale = normalisation(bands)
    error = (frames - target) / scale
    tones, hisses = slice(0, bands.harmonic), slice(bands.harmonic, bands.harmonic + bands.noise)
    voiced = target[..., -1:]
    loud_tone, loud_hiss = _loudness(target[..., tones]), _loudness(target[..., hisses]) * (1 - 0.6 * voiced)
    moved = error[:, 1:] - error[:, :-1]
    return (
        (_size(error[..., tones]) * loud_tone * (0.1 + 0.9 * voiced)).mean()
        + 0.8 * (_size(error[..., hisses]) * loud_hiss).mean()
        + 0.3 * (moved[..., tones].abs() * loud_tone[:, 1:] * voiced[:, 1:]).mean()
        + 0.2 * (moved[..., hisses].abs() * loud_hiss[:, 1:]).mean()
        + 0.8 * (_size(error[..., -2:-1]) * voiced).mean()
        + 0.3 * _size(error[..., -1:]).mean()
    )


def _loudness(levels: Tensor) -> Tensor:
    return 0.2 + torch.sigmoid((levels + 3.0) / 1.2)


def _size(error: Tensor) -> Tensor:
    return error.abs() + 0.5 * error * error
