"""The unit HiFi-GAN as a stage from units to sound, slot by slot, and the loading of published checkpoints.

A row that stops speaking still plays what the network held back, unless it is cut. The next utterance starts from rest.
Nothing here depends on text or playout.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from pickle import UnpicklingError
from typing import Any, Self

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from configs.audio import AUDIO
from configs.base import ConfigError
from configs.model.speech_tokens import UnitVocoderConfig
from duplex.io.whole_files import parse_json
from duplex.model.stages.polyphase import Resampler, ResamplerState
from duplex.model.stages.unit_network import Passage, UnitNetwork, endless

_NORMS = ((".weight_g", ".weight_v"), (".parametrizations.weight.original0", ".parametrizations.weight.original1"))


@dataclass(frozen=True)
class VocoderInput:
    """One slot for B rows: `units` [B, U], `speaking` [B], and `cut` [B]: a row that stops speaking ends in a fade."""

    units: Tensor
    speaking: Tensor
    cut: Tensor


@dataclass
class UnitVocoderState:
    """State of B voices.

        Attributes:
    kept: what each layer keeps, [B, C, K].
        fed: [B] number of units of the utterance so far.
        rest: [B, held] sound of a finished utterance that is still to be played.
        sounding: [B] whether the row spoke in its last slot.
    """

    kept: list[Tensor]
    fed: Tensor
    rest: Tensor
    sounding: Tensor

    def reset(self, rows: Tensor) -> None:
        """New conversations in the rows that are True in `rows [B]`."""
        self.still(rows)
        self.rest[rows] = 0

    def still(self, rows: Tensor) -> None:
        """Bring rows to rest; what they still have to play is kept."""
        for kept in self.kept:
            kept[rows] = 0
        self.fed[rows] = 0
        self.sounding[rows] = False


class UnitVocoder(nn.Module):
    """The stage, at the vocoder's own rate."""

    fade: Tensor

    def __init__(self, config: UnitVocoderConfig) -> None:
        super().__init__()
        self.config = config
        self.network = UnitNetwork(config)
        ahead = config.lookahead_ms
        held = self.network.delay if ahead is None else config.sample_rate * ahead // 1000
        self.held = min(max(held, config.fade_samples), self.network.delay)
        faded = min(config.fade_samples, self.held)
        fade = torch.cos(torch.linspace(0, torch.pi / 2, faded)).square()
        self.register_buffer("fade", nn.functional.pad(fade, (0, self.held - faded)), persistent=False)

    @classmethod
    def load(cls, checkpoint: Path, config: UnitVocoderConfig | None = None) -> Self:
        """Load a published checkpoint (.pt or .safetensors); without `config` the `config.json` in its folder is read.

        Raises:
            ConfigError: a file is missing or broken, or the weights are not those of the configuration.
        """
        if config is None:
            config = read_published(checkpoint.with_name("config.json"))
        vocoder = cls(config)
        weights = fold_weight_norm(_read(checkpoint))
        _check(weights, vocoder.network.state_dict(), checkpoint)
        vocoder.network.load_state_dict(weights)
        return vocoder.eval().requires_grad_(False)

    @property
    def delay_ms(self) -> float:
        """How long a sample waits for the future, ms."""
        return self.held * 1000 / self.config.sample_rate

    @torch.inference_mode()
    def speak(self, units: Tensor, predict_lengths: bool = False) -> Tensor:
        """Synthesise a whole utterance: units [T] -> samples; `predict_lengths` is for units whose repetitions were
        removed."""
        units = units.to(self.fade.device)
        if predict_lengths:
            units = torch.repeat_interleave(units, self.lengths(units))
        samples: Tensor = self.network(self.network.embed(units[None], self.config.speaker))
        return samples[0]

    @torch.inference_mode()
    def lengths(self, units: Tensor) -> Tensor:
        """Predict how many frames each of units [T] lasts.

        Raises:
            ConfigError: this vocoder has no duration predictor.
        """
        if self.config.duration is None:
            raise ConfigError("this unit vocoder predicts no lengths; give units with their repetitions")
        out: Tensor = self.network.dur_predictor(self.network.dict(units[None]))[0]
        return out

    @torch.no_grad()
    def init_state(self, batch: int) -> UnitVocoderState:
        """Fresh state for `batch` conversations."""
        device = self.fade.device
        one = torch.zeros(1, dtype=torch.int64, device=device)
        passage = Passage(None, one, endless(1, device))
        self.network.step(self.network.embed(one[None], self.config.speaker), passage)
        return UnitVocoderState(
            kept=[kept.new_zeros(batch, *kept.shape[1:]) for kept in passage.kept],
            fed=one.repeat(batch),
            rest=torch.zeros(batch, self.held, device=device),
            sounding=torch.zeros(batch, dtype=torch.bool, device=device),
        )

    @torch.inference_mode()
    def step(self, x: VocoderInput, state: UnitVocoderState, active: Tensor) -> Tensor:
        """Make [B, U * hop] samples of one slot, `delay_ms` late; zeros where a row is inactive or has nothing to
        say."""
        active, speaking = active.to(state.fed.device), x.speaking.to(state.fed.device)
        self._end(active & ~speaking & state.sounding, state)
        state.rest[active & ~speaking & x.cut.to(state.fed.device)] *= self.fade
        pcm = self._play_rest(state, active, x.units.shape[1] * self.config.hop)
        rows = (active & speaking).nonzero()[:, 0]
        if len(rows):
            pcm[rows] += self._speak(x.units.to(rows.device)[rows], state, rows)
        state.sounding |= active & speaking
        return pcm

    def _end(self, ending: Tensor, state: UnitVocoderState) -> None:
        """End the utterance of these rows: compute its remaining sound and bring the network to rest."""
        rows = ending.nonzero()[:, 0]
        if len(rows):
            state.rest[rows] += self._ahead(self.network.delay, state, rows)[:, self.network.delay - self.held :]
            state.still(ending)

    def _play_rest(self, state: UnitVocoderState, active: Tensor, count: int) -> Tensor:
        pcm = state.rest.new_zeros(len(active), count)
        played = min(count, self.held)
        pcm[:, :played] = state.rest[:, :played] * active[:, None]
        state.rest[active] = nn.functional.pad(state.rest[active][:, played:], (0, played))
        return pcm

    def _speak(self, units: Tensor, state: UnitVocoderState, rows: Tensor) -> Tensor:
        """Map units [R, U] to samples [R, U * hop]; with a shorter look-ahead the newest samples assume silence to
        follow."""
        passage = Passage([kept[rows] for kept in state.kept], state.fed[rows], endless(len(rows), rows.device))
        pcm = self.network.step(self.network.embed(units, self.config.speaker), passage)
        for kept, new in zip(state.kept, passage.kept, strict=True):
            kept[rows] = new
        state.fed[rows] += units.shape[1]
        early = self.network.delay - self.held
        return torch.cat([pcm, self._ahead(early, state, rows)], 1)[:, early:]

    def _ahead(self, count: int, state: UnitVocoderState, rows: Tensor) -> Tensor:
        """Samples [R, count] that would still follow if the utterance ended here. Changes nothing."""
        missing = -(-count // self.config.hop)
        if not missing:
            return state.rest.new_zeros(len(rows), 0)
        passage = Passage([kept[rows] for kept in state.kept], state.fed[rows], state.fed[rows])
        nothing = state.rest.new_zeros(len(rows), self.config.width, missing)
        return self.network.step(nothing, passage)[:, :count]


@dataclass
class UnitDetokenizerState:
    """Memory of B voices."""

    voice: UnitVocoderState
    rate: ResamplerState

    def reset(self, rows: Tensor) -> None:
        """New conversations in the rows that are True in `rows [B]`."""
        self.voice.reset(rows)
        self.rate.reset(rows)


class UnitDetokenizer(nn.Module):
    """The vocoder as the model's detokenizer: slots of 4,800 samples at 24 kHz."""

    def __init__(self, vocoder: UnitVocoder) -> None:
        super().__init__()
        self.vocoder = vocoder
        self.rate = Resampler(vocoder.config.sample_rate, AUDIO.output_rate)

    @property
    def delay_ms(self) -> float:
        """The vocoder's look-ahead plus half the resampler's filter, ms."""
        return self.vocoder.delay_ms + self.rate.delay_ms

    def init_state(self, batch: int) -> UnitDetokenizerState:
        """Fresh state for `batch` conversations."""
        return UnitDetokenizerState(self.vocoder.init_state(batch), self.rate.init_state(batch))

    @torch.inference_mode()
    def step(self, x: VocoderInput, state: UnitDetokenizerState, active: Tensor) -> Tensor:
        """[B, 4800] samples of one slot; x.units [B, slot_units]."""
        assert x.units.shape[1] == self.vocoder.config.slot_units, f"units of a slot, not {x.units.shape}"
        pcm = self.vocoder.step(x, state.voice, active)
        return self.rate.step(pcm, state.rate, active.to(pcm.device)).cpu()


def read_published(path: Path) -> UnitVocoderConfig:
    """Read a vocoder's published `config.json`.

    Raises:
        ConfigError: the file is missing, is not a JSON object, or is not of a vocoder that needs only units.
    """
    try:
        values = parse_json(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read ({error.strerror}); it belongs in the checkpoint's folder") from None
    except ValueError as error:
        raise ConfigError(f"{path}: is not valid JSON ({error}); download it again") from None
    if not isinstance(values, dict):
        raise ConfigError(f"{path}: must hold one JSON object; is this the config.json of a unit vocoder?")
    return UnitVocoderConfig.from_published(values, str(path))


def fold_weight_norm(weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Fold weight normalization, w = g v / |v| (Salimans and Kingma 2016, eq. 2), under either of torch's names, in
    float32."""
    folded = {name: value.float() for name, value in weights.items()}
    for name in weights:
        for magnitude, direction in _NORMS:
            stem = name.removesuffix(direction)
            if stem != name and stem + magnitude in folded:
                value = folded.pop(name)
                length = value.flatten(1).norm(dim=1).view(-1, 1, 1)
                folded[stem + ".weight"] = value * (folded.pop(stem + magnitude) / length)
    return folded


def _read(path: Path) -> Mapping[str, Tensor]:
    try:
        values: Mapping[str, Any] = load_file(path) if path.suffix == ".safetensors" else _read_torch(path)
    except FileNotFoundError:
        raise ConfigError(f"{path}: there is no such file; download the vocoder's checkpoint") from None
    except (OSError, RuntimeError, EOFError, UnpicklingError, SafetensorError) as error:
        reason = " ".join(str(error).split())[:120]
        raise ConfigError(f"{path}: cannot be read as a checkpoint of plain tensors ({reason})") from None
    weights: Mapping[str, Any] = values.get("generator", values)
    if not all(isinstance(value, Tensor) for value in weights.values()):
        raise ConfigError(f"{path}: holds more than tensors; give the checkpoint of a unit vocoder's generator")
    return weights


def _read_torch(path: Path) -> Mapping[str, Any]:
    values = torch.load(path, map_location="cpu", weights_only=True)
    return values if isinstance(values, dict) else {"": values}


def _check(weights: Mapping[str, Tensor], expected: Mapping[str, Tensor], path: Path) -> None:
    missing = sorted(expected.keys() - weights.keys())
    unknown = sorted(weights.keys() - expected.keys())
    shared = expected.keys() & weights.keys()
    wrong = sorted(name for name in shared if weights[name].shape != expected[name].shape)
    if missing or unknown or wrong:
        raise ConfigError(
            f"{path}: does not fit its configuration: {len(missing)} weights missing, {len(unknown)} unexpected, "
            f"{len(wrong)} of another shape ({', '.join([*missing, *unknown, *wrong][:3])}); check config.json"
        )
