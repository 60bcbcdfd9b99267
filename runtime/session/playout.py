"""Cuts the assistant's slots into exact packets; audio that was committed but not yet played can be taken back.

There is no clock here: the caller pulls packets when they are due. Nothing here depends on networks.

At a cut, the generator's MUTE slot begins with the faded tail of its own audio, which continues the *end* of the last
slot. Because the cut comes before that end was played, the buffer joins both, keeps the first `fade_ms` under a falling
raised cosine, and drops the rest. An answer that ends by itself is played to its end.
"""

from collections import deque
from dataclasses import dataclass

import numpy as np

from configs.audio import AUDIO
from configs.runtime.runtime import PlayoutConfig
from duplex.model.concealment import fading_echo, falling, rising
from duplex.model.interface import Samples, SlotResult
from tdm.slots import State

PACKET = AUDIO.packet_output_samples


@dataclass(frozen=True)
class Packet:
    """20 ms for the network or the sound card.

    Attributes:
        pcm: [480] samples at 24 kHz, -1..1.
        begun: assistant slots that begin in this packet (or whose beginning was skipped just before it).
        underrun: whether the assistant speaks and (part of) this packet was not there in time.
    """

    pcm: Samples
    begun: tuple[int, ...] = ()
    underrun: bool = False


@dataclass(frozen=True)
class PlayoutStatistics:
    """Counts since the session's start, in samples at 24 kHz except `packets` and `underruns`.

    `played`: the assistant's audio that was played. `flushed`: taken back at cuts. `skipped`: dropped because too much
    was waiting. `waiting`: not played yet.
    """

    packets: int = 0
    played: int = 0
    flushed: int = 0
    skipped: int = 0
    underruns: int = 0
    waiting: int = 0


@dataclass
class _Piece:
    """Waiting samples of one assistant slot; `fresh`: whether its first sample is still among them."""

    slot: int
    pcm: Samples
    fresh: bool = True


class PlayoutBuffer:
    """Takes slots and returns packets; at most one slot and the look-ahead wait."""

    def __init__(self, config: PlayoutConfig) -> None:
        self.config = config
        self._pieces: deque[_Piece] = deque()
        self._speaking = False
        self._prime = 0
        self._dry = False
        self._begun: list[int] = []
        self._last: Samples = np.zeros(config.conceal_samples, dtype=np.float32)
        self._packets = self._played = self._flushed = self._skipped = self._underruns = 0

    @property
    def waiting(self) -> int:
        """Number of samples that are committed and not played."""
        return sum(len(piece.pcm) for piece in self._pieces)

    @property
    def statistics(self) -> PlayoutStatistics:
        """Counts so far."""
        return PlayoutStatistics(
            self._packets, self._played, self._flushed, self._skipped, self._underruns, self.waiting
        )

    def push(self, result: SlotResult) -> int:
        """Take the audio of assistant slot `result.slot + 1`.

        Returns:
            Number of committed samples that are taken back (0 except at a cut), not including the fade.
        """
        speaks = result.state is State.SPEAK
        flushed = 0
        if speaks:
            self._speak(_Piece(result.slot + 1, result.pcm))
        elif result.event == "cut":
            flushed = self._cut(result)
        elif self._speaking:
            self._append(_Piece(result.slot + 1, _without_silent_end(result.pcm)))
        self._speaking = speaks
        return flushed

    def clear(self) -> None:
        """Take back everything that waits, without a fade: nobody heard what comes before it."""
        self._flushed += self.waiting
        self._pieces.clear()
        self._prime = 0

    def pull(self) -> Packet:
        """The next packet; silence if nothing is waiting."""
        self._packets += 1
        if self._prime:
            self._prime -= 1
            return Packet(np.zeros(PACKET, dtype=np.float32))
        pcm, begun = self._take()
        short = PACKET - len(pcm)
        underrun = bool(short) and self._speaking
        self._underruns += underrun
        if short:
            pcm = np.concatenate([pcm, self._bridge(pcm, short)])
        self._dry = underrun
        self._last = pcm[-self.config.conceal_samples :]
        return Packet(pcm, begun, underrun)

    def _speak(self, piece: _Piece) -> None:
        if not self._speaking and not self._pieces:
            self._prime = self.config.prime_packets
        if self._dry:
            fade = min(self.config.conceal_samples, len(piece.pcm))
            ramp = np.concatenate([rising(fade), np.ones(len(piece.pcm) - fade, dtype=np.float32)])
            piece.pcm = piece.pcm * ramp
            self._dry = False
        self._append(piece)
        self._bound()

    def _append(self, piece: _Piece) -> None:
        if len(piece.pcm):
            self._pieces.append(piece)

    def _bound(self) -> None:
        """Drop the oldest samples beyond the capacity; the joint is faded on both sides."""
        excess = self.waiting - self.config.capacity_samples
        if excess <= 0:
            return
        self._skipped += excess
        head = np.concatenate([piece.pcm for piece in self._pieces])[: self.config.conceal_samples]
        self._drop_front(excess)
        first = self._pieces[0]
        fade = min(len(head), len(first.pcm))
        mixed = first.pcm[:fade] * rising(fade) + head[:fade] * falling(fade)
        first.pcm = np.concatenate([mixed, first.pcm[fade:]])

    def _drop_front(self, count: int) -> None:
        while count:
            piece = self._pieces[0]
            if piece.fresh:
                self._begun.append(piece.slot)
            taken = min(count, len(piece.pcm))
            piece.pcm, piece.fresh = piece.pcm[taken:], False
            count -= taken
            if not len(piece.pcm):
                self._pieces.popleft()

    def _cut(self, result: SlotResult) -> int:
        waiting = self.waiting
        tail = _without_silent_end(result.pcm)
        joined = np.concatenate([*(piece.pcm for piece in self._pieces), tail])[: self.config.fade_samples]
        slot = self._pieces[0].slot if self._pieces else result.slot + 1
        self._pieces.clear()
        self._prime = 0
        self._append(_Piece(slot, joined * falling(len(joined)), fresh=False))
        flushed = max(0, waiting - len(joined))
        self._flushed += flushed
        return flushed

    def _take(self) -> tuple[Samples, tuple[int, ...]]:
        """Up to one packet of waiting samples, and the slots that begin in it."""
        parts: list[Samples] = []
        room = PACKET
        while room and self._pieces:
            part = self._pieces[0].pcm[:room]
            parts.append(part)
            room -= len(part)
            self._drop_front(len(part))
        pcm = np.concatenate(parts) if parts else np.zeros(0, dtype=np.float32)
        self._played += len(pcm)
        begun, self._begun = tuple(self._begun), []
        return pcm, begun

    def _bridge(self, pcm: Samples, length: int) -> Samples:
        """`length` samples after `pcm` where none arrived: one fading echo, then silence."""
        silence = np.zeros(length, dtype=np.float32)
        before = np.concatenate([self._last, pcm])[-self.config.conceal_samples :]
        echo = fading_echo(before, length)
        silence[: len(echo)] = echo
        return silence


def _without_silent_end(pcm: Samples) -> Samples:
    """The samples up to the last nonzero one."""
    loud = np.flatnonzero(pcm)
    return pcm[: loud[-1] + 1] if len(loud) else pcm[:0]
