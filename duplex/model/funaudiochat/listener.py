"""Encodes the user's speech while it arrives: samples in, groups for the LLM out, chunk by chunk.

A chunk is encoded once it is full, which needs 2.5 ms of the next one (half a window); the end of a turn flushes the
rest. The spectrum is clipped relative to the loudest value heard so far, because the rest of a stream is unknown; the
authors clip relative to the whole clip, and so does `whole`. There are two more intended differences: their processor
drops everything beyond 30 s, and for 60 lengths below 38 s it counts one speech token too few (1.16 s * 25 is 28.999...
in floating point). Nothing here depends on turns or text.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

import torch
from torch import Tensor
from torch.nn import functional as F

from configs.audio import AUDIO
from configs.model.funaudiochat import FunAudioChatConfig
from duplex.model.funaudiochat.multimodal_llm import FunAudioChatNetwork
from duplex.model.funaudiochat.spectrum import Spectrum


@dataclass
class _Heard:
    """A turn so far: samples from half a window before the unfinished chunk on, and counts of what was encoded."""

    pcm: Tensor = field(default_factory=lambda: torch.zeros(0))
    samples: int = 0
    chunks: int = 0
    given: int = 0
    top: Tensor = field(default_factory=lambda: torch.tensor(-torch.inf))


@dataclass
class ListeningState:
    """Turns of B conversations."""

    rows: list[_Heard]

    def reset(self, rows: Tensor) -> None:
        """Begin a new turn for the rows that are True in `rows [B]`."""
        for row in rows.nonzero().flatten().tolist():
            self.rows[row] = _Heard()


@dataclass(frozen=True)
class _Piece:
    """A chunk of one row, full or not: samples with half a window around them, frames, and the groups wanted from
    it."""

    row: int
    segment: Tensor
    frames: int
    first: int
    last: int


class Listener:
    """Converts user audio at 16 kHz to groups [n, D], five per second."""

    def __init__(self, network: FunAudioChatNetwork, unfinished: Literal["wait", "slot"]) -> None:
        self._network = network
        self._slots = unfinished == "slot"
        self._config: FunAudioChatConfig = network.config
        self._spectrum = Spectrum(network.config.encoder.mel).to(network.device)

    @property
    def delay_ms(self) -> float:
        """How far the groups may lag behind the audio: a chunk or a slot."""
        groups = 1 if self._slots else self._config.chunk_groups
        return groups * self._group_samples * 1000 / AUDIO.input_rate

    def init_state(self, batch: int) -> ListeningState:
        """Fresh state in which no turn has begun."""
        return ListeningState([_Heard() for _ in range(batch)])

    @torch.inference_mode()
    def step(self, pcm: Tensor, state: ListeningState, active: Sequence[bool]) -> list[Tensor]:
        """Take samples [B, n] of the active rows; returns for every row the groups that became known, [g, D]."""
        for row, is_active in enumerate(active):
            if is_active:
                heard = state.rows[row]
                heard.pcm = torch.cat([heard.pcm, pcm[row].float().cpu()])
                heard.samples += pcm.shape[1]
        out: list[list[Tensor]] = [[] for _ in active]
        while full := [row for row, is_active in enumerate(active) if is_active and self._is_full(state.rows[row])]:
            self._collect([self._chunk(row, state.rows[row]) for row in full], state, out)
            for row in full:
                self._next_chunk(state.rows[row])
        if self._slots:
            pieces = [self._prefix(row, state.rows[row]) for row, is_active in enumerate(active) if is_active]
            self._collect(pieces, state, out)
        return [self._join(groups) for groups in out]

    @torch.inference_mode()
    def end(self, state: ListeningState, rows: Sequence[int]) -> list[Tensor]:
        """The remaining groups [g, D] of each of `rows`, if its turn ends now.

        The state is kept, so that a turn that had not ended after all can continue.
        """
        out: list[list[Tensor]] = [[] for _ in state.rows]
        ended = ListeningState([replace(heard) for heard in state.rows])
        self._collect([self._rest(row, ended.rows[row]) for row in rows], ended, out)
        return [self._join(out[row]) for row in rows]

    @torch.inference_mode()
    def whole(self, pcm: Tensor) -> Tensor:
        """Encode a complete recording [N] to groups [g, D], with the authors' spectrum."""
        groups = -(-(len(pcm) // self._token_samples) // self._config.group)
        if not groups:
            return self._join([])
        size = self._config.encoder.chunk_frames
        chunks = self._spectrum.whole(pcm).split(size, dim=1)
        padded = torch.stack([F.pad(chunk, (0, size - chunk.shape[1])) for chunk in chunks])
        return self._groups(padded, [chunk.shape[1] for chunk in chunks]).flatten(0, 1)[:groups]

    def _is_full(self, heard: _Heard) -> bool:
        beyond = self._spectrum.half_window - self._config.encoder.mel.hop
        return self._count_unfinished(heard) >= self._config.encoder.chunk_samples + beyond

    def _count_unfinished(self, heard: _Heard) -> int:
        """Number of samples in the unfinished chunk."""
        return heard.samples - heard.chunks * self._config.encoder.chunk_samples

    def _chunk(self, row: int, heard: _Heard) -> _Piece:
        frames = self._config.encoder.chunk_frames
        return _Piece(row, self._segment(heard, frames), frames, heard.given, self._config.chunk_groups)

    def _prefix(self, row: int, heard: _Heard) -> _Piece:
        """The complete groups of the unfinished chunk; the last half window may reach 2.5 ms beyond the known
        samples."""
        groups = self._count_unfinished(heard) // self._group_samples
        frames = groups * self._config.group_frames
        return _Piece(row, self._segment(heard, frames), frames, heard.given, groups)

    def _rest(self, row: int, heard: _Heard) -> _Piece:
        config = self._config
        frames = -(-heard.samples // config.encoder.mel.hop) - heard.chunks * config.encoder.chunk_frames
        groups = -(-(heard.samples // self._token_samples) // config.group) - heard.chunks * config.chunk_groups
        return _Piece(row, self._segment(heard, max(frames, 0)), frames, heard.given, groups)

    def _next_chunk(self, heard: _Heard) -> None:
        before = self._config.encoder.chunk_samples - (self._spectrum.half_window if heard.chunks == 0 else 0)
        heard.pcm = heard.pcm[before:]
        heard.chunks += 1
        heard.given = 0

    def _segment(self, heard: _Heard, frames: int) -> Tensor:
        """Samples under `frames` frames of the unfinished chunk."""
        return (self._spectrum.begin if heard.chunks == 0 else self._spectrum.cut)(heard.pcm, frames)

    def _collect(self, pieces: list[_Piece], state: ListeningState, out: list[list[Tensor]]) -> None:
        """Encode pieces together and append their new groups to `out`."""
        pieces = [piece for piece in pieces if piece.last > piece.first]
        if not pieces:
            return
        longest = max(piece.frames for piece in pieces)
        spectra = []
        for piece, mel in zip(pieces, self._spectrum.compute([piece.segment for piece in pieces]), strict=True):
            heard, mel = state.rows[piece.row], mel[:, : piece.frames]
            heard.top = torch.maximum(heard.top.to(mel.device), mel.amax())
            heard.given = piece.last
            mel = torch.maximum(mel, heard.top - self._spectrum.dynamic_range)
            spectra.append(F.pad(mel, (0, longest - piece.frames)))
        groups = self._groups(torch.stack(spectra), [piece.frames for piece in pieces])
        for piece, vectors in zip(pieces, groups, strict=True):
            out[piece.row].append(vectors[piece.first : piece.last])

    def _groups(self, spectra: Tensor, frames: list[int]) -> Tensor:
        features = self._network.encoder(spectra, torch.tensor(frames, device=spectra.device))
        return self._network.grouping.group_features(features)

    def _join(self, groups: list[Tensor]) -> Tensor:
        like = self._network.table.weight
        return torch.cat(groups) if groups else like.new_zeros(0, like.shape[1])

    @property
    def _token_samples(self) -> int:
        return self._config.token_frames * self._config.encoder.mel.hop

    @property
    def _group_samples(self) -> int:
        return self._config.group * self._token_samples
