"""Recipe: trains the pointer head's two networks on simulated text arrival and the tokenizer's digits.

Each token and each unit is one independent sample, because the networks have no state. `live_samples` simulates the
arrival of text. The losses are L_SRM of OmniDRCA (cross-entropy of speech tokens), here per digit, and one for
durations, which is ours.
"""

import random
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from rich.progress import track
from torch import Tensor, nn

from configs.model.voice import VoiceConfig
from configs.train.voice_training import SrhTraining
from duplex.model.stages.bands import silence
from duplex.model.stages.speech_tokenizer import SpeechTokenizer
from duplex.model.stages.srh_networks import DigitNetwork, DurationNetwork
from duplex.train.training_loop import Loop, Optimization, cosine
from duplex.train.voice.live_samples import LiveSamples, Track
from duplex.train.voice.teacher_shards import Utterance, load

FOLLOWING: int = 6
"""Index of the following unit's duration among the scalars; live it is an estimate, so training adds noise to it."""
_LEAD_SLOTS = 2
_ENCODE_TOKENS = 4000
_ENCODE_MARGIN = 16


@dataclass(frozen=True)
class HeadSamples:
    """All samples of a corpus.

    Attributes:
        digits: [N, 15] int8, all tokens of the corpus in sequence, with silence between utterances.
        place: [M] index in `digits` of a token sample's target; its history precedes it.
        units, stress, scalars: [M, 9], [M, 9], [M, SCALARS] of the token samples.
        unit_units, unit_stress, unit_scalars, unit_classes: [K, ...] of the duration samples; class -1 means no target.
        slot: [M] row of `hidden` of the token samples, or None.
        hidden: [S, H] vectors of the language model for slots, or None: the head gets zeros.
    """

    digits: Tensor
    place: Tensor
    units: Tensor
    stress: Tensor
    scalars: Tensor
    unit_units: Tensor
    unit_stress: Tensor
    unit_scalars: Tensor
    unit_classes: Tensor
    slot: Tensor | None = None
    hidden: Tensor | None = None

    def gather_hidden(self, pick: Tensor, width: int) -> Tensor:
        """Hidden vectors [B, width] of the token samples `pick`; zeros if there are none."""
        if self.hidden is None or self.slot is None:
            return torch.zeros(len(pick), width)
        return self.hidden[self.slot[pick]].float()

    def save(self, path: Path) -> None:
        """Write all tensors to one file."""
        torch.save(vars(self), path)

    @classmethod
    def load(cls, path: Path) -> "HeadSamples":
        """Read what `save` wrote."""
        return cls(**torch.load(path, weights_only=True))


@dataclass(frozen=True)
class TrackLayout:
    """Tracks in sequence, with silence between them.

    Attributes:
        bands: [3N, 98] float16, what sounds.
        columns: the columns of `HeadSamples` after `digits`, without the optional ones.
        tokens: the number of tokens, N.
        firsts: index of each track's first token; a track begins with a slot.
        texts: `Track.text` of each track.
    """

    bands: Tensor
    columns: tuple[Tensor, ...]
    tokens: int
    firsts: list[int]
    texts: list[list[int]]

    def samples(self, digits: Tensor) -> HeadSamples:
        """Samples with the digits [N, 15]."""
        place, units, stress, scalars, *unit_columns = self.columns
        return HeadSamples(digits, place, units, stress, scalars, *unit_columns)


class HeadNetworks(nn.Module):
    """Both networks as one module; `PointerRefinedHead` loads its state dict."""

    def __init__(self, voice: VoiceConfig) -> None:
        super().__init__()
        self.digits = DigitNetwork(voice.srh, voice.tokenizer)
        self.durations = DurationNetwork(voice.srh)


def run(voice: VoiceConfig, config: SrhTraining, encoder: SpeechTokenizer, speech: Path, out: Path) -> HeadNetworks:
    """Train on the shards in `speech`; samples, checkpoints and the result (`srh.pt`) go to `out`."""
    path = out / "srh_samples.pt"
    if not path.exists():
        prepare(voice, config, encoder, load(speech)).save(path)
    return train(voice, config, HeadSamples.load(path), out)


def load_networks(voice: VoiceConfig, out: Path) -> HeadNetworks:
    """The trained networks of `run`, in evaluation mode."""
    modules = HeadNetworks(voice)
    modules.load_state_dict(torch.load(out / "srh.pt", weights_only=True)["model"])
    return modules.eval()


def prepare(
    voice: VoiceConfig, config: SrhTraining, encoder: SpeechTokenizer, utterances: Iterable[Utterance]
) -> HeadSamples:
    """Simulate the arrival of every utterance's text and encode what sounds."""
    layout = simulate(voice, config, utterances)
    return layout.samples(encode_all(encoder, layout.bands, voice))


def simulate(
    voice: VoiceConfig,
    config: SrhTraining,
    utterances: Iterable[Utterance],
    pieces: Callable[[str], int] | None = None,
) -> TrackLayout:
    """Simulate the arrival of every utterance's text; `pieces` as in `LiveSamples`."""
    arrival = LiveSamples(voice.srh, voice.bands, config, random.Random(config.seed), pieces)
    pause = np.tile(silence(voice.bands).numpy(), (_LEAD_SLOTS * voice.bands.frames_per_slot, 1)).astype(np.float16)
    bands, tracks, texts, firsts = [pause], [], [], [len(pause) // voice.bands.frames_per_token]
    for utterance in track(utterances, "simulating"):
        one = arrival.track(utterance)
        tracks.append(_pack(one, firsts[-1]))
        texts.append(one.text)
        bands += [one.bands.astype(np.float16), pause]
        firsts.append(firsts[-1] + (len(one.bands) + len(pause)) // voice.bands.frames_per_token)
    columns = tuple(torch.cat(column) for column in zip(*tracks, strict=True))
    return TrackLayout(torch.from_numpy(np.concatenate(bands)), columns, firsts[-1], firsts[:-1], texts)


@torch.inference_mode()
def encode_all(encoder: SpeechTokenizer, bands: Tensor, voice: VoiceConfig) -> Tensor:
    """Encode bands [3N, 98] to digits [N, 15], in overlapping pieces."""
    per = voice.bands.frames_per_token
    count, pieces = len(bands) // per, []
    for start in track(range(0, count, _ENCODE_TOKENS), "encoding"):
        begin, end = max(start - _ENCODE_MARGIN, 0), min(start + _ENCODE_TOKENS + _ENCODE_MARGIN, count)
        digits = encoder.encode(bands[begin * per : end * per].float()[None])[0]
        pieces.append(digits[start - begin : start - begin + _ENCODE_TOKENS])
    return torch.cat(pieces)[:count]


def train(voice: VoiceConfig, config: SrhTraining, samples: HeadSamples, out: Path) -> HeadNetworks:
    """Train both networks on prepared samples."""
    torch.manual_seed(config.seed)
    modules = HeadNetworks(voice)
    loop = Loop(modules, Optimization(config.rate), config.steps, out / "srh.pt", "srh")
    for step in loop.steps(cosine(config.warmup, config.steps)):
        torch.manual_seed(config.seed * config.steps + step)
        with torch.autocast("cpu", torch.bfloat16):
            loss = digit_loss(modules.digits, samples, config)
            if step % 2 == 0:
                loss = loss + config.duration_weight * duration_loss(modules.durations, samples, config)
        loop.update(loss)
    return modules.eval()


def digit_loss(network: DigitNetwork, samples: HeadSamples, config: SrhTraining) -> Tensor:
    """Cross-entropy per digit (L_SRM of OmniDRCA, with digits in place of tokens) on one random batch."""
    pick = torch.randint(0, len(samples.place), (config.batch,))
    place = samples.place[pick]
    scalars = samples.scalars[pick].float()
    scalars[:, FOLLOWING] *= torch.exp(config.following_noise * torch.randn(len(pick)))
    history = noisy_history(samples.digits, place, config, network)
    units, stress = samples.units[pick].long(), samples.stress[pick].long()
    hidden = samples.gather_hidden(pick, network.config.hidden)
    if samples.hidden is not None:
        hidden *= torch.rand(len(pick), 1) >= config.blind_share
    logits = network(units, stress, scalars, history, hidden)
    target = samples.digits[place].long() + logits.shape[-1] // 2
    return F.cross_entropy(logits.flatten(0, 1), target.flatten())


def noisy_history(digits: Tensor, place: Tensor, config: SrhTraining, network: DigitNetwork) -> Tensor:
    """Tokens [B, length, 15] before `place`, newest first, with errors like those of free running."""
    length, top = network.config.history, network.tokenizer.top
    back = torch.arange(1, length + 1)
    history = digits[place[:, None] - back].float()
    kind = torch.rand(len(place), 1, 1)
    bumps = (torch.rand_like(history) < config.digit_noise) * (torch.randint(0, 2, history.shape) * 2 - 1)
    history = (history + bumps * (kind < config.noisy_share)).clamp(-top, top)
    foreign = digits[torch.randint(length, len(digits), (len(place), 1)) - back].float()
    is_foreign = (kind >= config.noisy_share) & (kind < config.noisy_share + config.foreign_share)
    history = torch.where(is_foreign, foreign, history)
    return history * (torch.rand(len(place), 1, 1) >= config.blank_share)


def duration_loss(network: DurationNetwork, samples: HeadSamples, config: SrhTraining) -> Tensor:
    """Cross-entropy of the duration classes of a unit and the next one, on one random batch (our own loss)."""
    pick = torch.randint(0, len(samples.unit_classes), (config.batch,))
    scalars = samples.unit_scalars[pick].float()
    scalars[:, :3] *= torch.exp(config.following_noise * torch.randn(len(pick), 3))
    logits = network(samples.unit_units[pick].long(), samples.unit_stress[pick].long(), scalars)
    return F.cross_entropy(logits.flatten(0, 1), samples.unit_classes[pick].long().flatten(), ignore_index=-1)


def _pack(one: Track, first: int) -> tuple[Tensor, ...]:
    units, stress, scalars, place = zip(*one.tokens, strict=True)
    unit_units, unit_stress, unit_scalars, classes = zip(*one.units, strict=True)
    return (
        torch.tensor(place) + first,
        torch.tensor(units, dtype=torch.uint8),
        torch.tensor(stress, dtype=torch.uint8),
        torch.tensor(scalars, dtype=torch.float16),
        torch.tensor(unit_units, dtype=torch.uint8),
        torch.tensor(unit_stress, dtype=torch.uint8),
        torch.tensor(unit_scalars, dtype=torch.float16),
        torch.tensor(classes, dtype=torch.int8),
    )
