"""CosyVoice3's flow and vocoder as one streaming stage from speech tokens to sound, and for whole utterances.

Every step takes `hop` tokens and gives the corresponding number of samples, `delay_ms` late; its cost does not depend
on the length of the utterance so far. An utterance begins with the first tokens of speech after silence. It either ends
in full (`ended`) or is cut, and then fades out within milliseconds. Nothing here depends on text, playout or sockets.
"""

from collections.abc import Hashable
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from configs.base import ConfigError, exact_div
from configs.model.cosyvoice import ENDLESS, AttentionWindowConfig, CosyVoiceConfig
from duplex.model.stages.cosyvoice.checkpoint import build_flow, build_vocoder, load_flow, load_vocoder, read_config
from duplex.model.stages.cosyvoice.flow import Flow, FlowState
from duplex.model.stages.cosyvoice.random_weights import random_flow, random_vocoder
from duplex.model.stages.cosyvoice.speakers import Speakers, load_speakers
from duplex.model.stages.cosyvoice.vocoder import Vocoder, VocoderState
from duplex.model.weights.hub import find_speakers


@dataclass(frozen=True)
class CosyVoiceInput:
    """One step for B rows: `tokens` [B, hop] ids, `speaking` [B] bool; `ended` [B] bool: a row that no longer speaks
    has finished, and its last samples are played in full. Ids that are not speech give silence."""

    tokens: Tensor
    speaking: Tensor
    ended: Tensor


@dataclass
class _VoiceRow:
    """One voice. Between utterances `flow` and `vocoder` are None. `queue` [n]: samples that are ready to be
    returned."""

    voice: Tensor
    queue: Tensor
    flow: FlowState | None = None
    vocoder: VocoderState | None = None


@dataclass
class CosyVoiceState:
    """Memory of B voices."""

    rows: list[_VoiceRow]

    def reset(self, rows: Tensor) -> None:
        """Begin new conversations in the rows that are True in `rows [B]`; they keep their voice."""
        for index in torch.nonzero(rows).flatten().tolist():
            row = self.rows[index]
            self.rows[index] = _VoiceRow(row.voice, row.queue[:0])

    def set_voice(self, row: int, voice: Tensor) -> None:
        """Set the voice of `row` from its next utterance on; `voice` [mel] as returned by `CosyVoice.voice`."""
        self.rows[row].voice = voice[None]


class CosyVoice(nn.Module):
    """The stage. `speakers`: embeddings by name; fresh rows have the configuration's voice, or else the first one."""

    ramp: Tensor
    fade: Tensor

    def __init__(self, config: CosyVoiceConfig, flow: Flow, vocoder: Vocoder, speakers: Speakers) -> None:
        super().__init__()
        self.config = config
        self.flow = flow
        self.vocoder = vocoder
        self.speakers = speakers
        self.register_buffer("fade", _quarter(config, config.stream.fade_ms).cos().square(), persistent=False)
        self.register_buffer("ramp", _quarter(config, config.stream.rise_ms).sin().square(), persistent=False)

    @classmethod
    def load(
        cls,
        folder: Path,
        speakers: Path | None = None,
        config: CosyVoiceConfig | None = None,
        device: str = "cpu",
        dtype: torch.dtype = torch.float32,
    ) -> Self:
        """Load released or converted weights: `flow`, `hift` (.pt or .safetensors), voices (`speakers` or in the
        folder).

        `dtype` is that of the flow and its cache; the vocoder stays in float32, its F0 in float64.

        Raises:
            ConfigError: a file is missing or broken, or tensors do not fit the configuration; the message names them.
        """
        config = read_config(folder) if config is None else config
        voices = load_speakers(find_speakers(folder) if speakers is None else speakers, config.flow.speaker)
        flow = load_flow(folder, config.flow).round_to(dtype)
        return cls(config, flow, load_vocoder(folder, config), voices).eval().to(device)

    @classmethod
    def random(cls, config: CosyVoiceConfig, seed: int = 0) -> Self:
        """Random weights, for tests and measurements."""
        speaker = torch.randn(config.flow.speaker, generator=torch.Generator().manual_seed(seed))
        flow = build_flow(random_flow(config, seed), config.flow)
        return cls(config, flow, build_vocoder(random_vocoder(config, seed), config), {"random": speaker}).eval()

    @property
    def delay_ms(self) -> float:
        """Look-ahead of the flow and of the vocoder, ms."""
        return 1000 * self.config.delay_samples / self.config.vocoder.sample_rate

    @torch.inference_mode()
    def voice(self, speaker: str | Tensor | None = None) -> Tensor:
        """Voice [mel] for `CosyVoiceState.set_voice`, from a speaker's name, an embedding [speaker], or the default
        speaker.

        Raises:
            ConfigError: there is no such speaker.
        """
        if speaker is None:
            speaker = self.config.voice or next(iter(self.speakers))
        if isinstance(speaker, str):
            if speaker not in self.speakers:
                raise ConfigError(f"no voice '{speaker}'; there are: {', '.join(self.speakers)}")
            speaker = self.speakers[speaker]
        return self.flow.voice(speaker[None].to(self.fade.device))[0]

    @torch.inference_mode()
    def whole(self, tokens: Tensor, voice: Tensor, window: AttentionWindowConfig = ENDLESS) -> Tensor:
        """Convert tokens [T] to all their samples [T * token_samples] at once; `window` limits what every frame
        sees."""
        state = self.flow.init_state(voice[None])
        mel = self.flow.step(tokens[None].to(voice.device), state, window, True, self.config.flow.lookahead)
        return self.vocoder.step(mel.float(), self.vocoder.init_state(1), True)[0]

    @torch.inference_mode()
    def init_state(self, batch: int) -> CosyVoiceState:
        """Fresh state for `batch` voices, all with the default speaker."""
        voice = self.voice()[None]
        return CosyVoiceState([_VoiceRow(voice, self.fade.new_zeros(0)) for _ in range(batch)])

    @torch.inference_mode()
    def step(self, x: CosyVoiceInput, state: CosyVoiceState, active: Tensor) -> Tensor:
        """Make [B, hop * token_samples] samples on the stage's device; zeros where a row is inactive or silent."""
        hop = self.config.stream.hop
        assert x.tokens.shape == (len(state.rows), hop), f"tokens {list(x.tokens.shape)}, not {[len(state.rows), hop]}"
        speech = (x.tokens >= 0) & (x.tokens < self.config.flow.vocabulary)
        tokens = torch.where(speech, x.tokens, self.config.stream.silence)
        said = x.speaking & speech.any(1)
        pcm = self.fade.new_zeros(len(active), hop * self.config.token_samples)
        indices = torch.nonzero(active).flatten().tolist()
        going: dict[tuple[bool, Hashable], list[int]] = {}
        for index in indices:
            row = state.rows[index]
            if row.flow is None and not said[index]:
                continue
            if row.flow is not None and not x.speaking[index] and not x.ended[index]:
                self._cut(row)
            else:
                going.setdefault((bool(x.speaking[index]), self._phase(row)), []).append(index)
        for (more, _), rows in going.items():
            self._advance([state.rows[index] for index in rows], tokens[rows, : hop if more else 0], not more)
        for index in indices:
            row = state.rows[index]
            due = row.queue[: pcm.shape[1]]
            pcm[index, : len(due)], row.queue = due, row.queue[pcm.shape[1] :]
        return pcm

    def _phase(self, row: _VoiceRow) -> tuple[Hashable, Hashable]:
        """Phase of the row's flow and vocoder, which are started if necessary; rows with equal phases run as one
        batch."""
        if row.flow is None or row.vocoder is None:
            row.flow, row.vocoder = self.flow.init_state(row.voice), self.vocoder.init_state(1)
            row.queue = F.pad(row.queue, (0, self.config.delay_samples - len(row.queue)))
        return row.flow.phase, row.vocoder.phase

    def _advance(self, rows: list[_VoiceRow], tokens: Tensor, final: bool) -> None:
        """Run the next tokens [R, T] of rows with equal phases; their samples go to the rows' queues."""
        stream = self.config.stream
        flow = FlowState.join([row.flow for row in rows if row.flow is not None])
        vocoder = VocoderState.join([row.vocoder for row in rows if row.vocoder is not None])
        fresh = vocoder.past is None
        mel = self.flow.step(tokens.to(self.fade.device), flow, stream.window, final, stream.lookahead)
        pcm = self.vocoder.step(mel.float(), vocoder, final)
        if fresh and pcm.shape[1]:
            pcm = torch.cat([pcm[:, : len(self.ramp)] * self.ramp, pcm[:, len(self.ramp) :]], 1)
        for row, flow_state, vocoder_state, new in zip(rows, flow.split(), vocoder.split(), pcm, strict=True):
            row.queue = torch.cat([row.queue, new])
            row.flow, row.vocoder = (None, None) if final else (flow_state, vocoder_state)

    def _cut(self, row: _VoiceRow) -> None:
        """Fade out what would sound next; if nothing has sounded yet, nothing will."""
        assert row.vocoder is not None
        sounded = row.vocoder.past is not None
        after = self.vocoder.step(row.vocoder.mel[..., :0], row.vocoder, True)[0]
        row.queue = torch.cat([row.queue, after])[: len(self.fade)] * self.fade if sounded else row.queue[:0]
        row.flow = row.vocoder = None


def _quarter(config: CosyVoiceConfig, milliseconds: int) -> Tensor:
    """Angles from 0 to a quarter turn, over `milliseconds` of samples."""
    return torch.linspace(0, torch.pi / 2, exact_div(config.vocoder.sample_rate * milliseconds, 1000))
