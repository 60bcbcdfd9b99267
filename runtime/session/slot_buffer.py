"""Places the user's audio by sample position and cuts it into slots.

A slot closes when it is complete, or at its deadline: missing audio is concealed and marked, and audio that arrives
later is dropped and counted, so that lag never accumulates. Positions and times are arguments.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from configs.audio import AUDIO
from configs.runtime.runtime import SlotBufferConfig
from duplex.model.concealment import Concealer, find_spans
from runtime.pcm import Pcm16
from runtime.records import UserSlot
from runtime.session.sender_clock import SenderClock

SLOT = AUDIO.slot_input_samples


@dataclass(frozen=True)
class SlotBufferStatistics:
    """Counts since the session's start, in samples at 16 kHz except `slots` and `resyncs`.

    `placed`: arrived in time. `duplicate`: arrived twice. `late`: arrived after their slot was closed.
    `ahead`: arrived before they can have been spoken. `discarded`: came so late, or twice, that they were not decoded.
    `concealed`: synthesized here. `recovered`: those of `placed` that the decoder recovered or synthesized. `resyncs`:
    how often the sender's positions were moved.
    """

    slots: int = 0
    placed: int = 0
    duplicate: int = 0
    late: int = 0
    ahead: int = 0
    discarded: int = 0
    concealed: int = 0
    recovered: int = 0
    resyncs: int = 0


class SlotBuffer:
    """Takes samples by position and returns slots in order; holds at most `max_ahead_slots` slots."""

    def __init__(self, config: SlotBufferConfig, first: int = 0) -> None:
        """`first`: number of the first slot."""
        self.config = config
        self._length = config.max_ahead_slots * SLOT
        self._pcm: Pcm16 = np.zeros(self._length, dtype=np.int16)
        self._have: NDArray[np.bool_] = np.zeros(self._length, dtype=np.bool_)
        self._made: NDArray[np.bool_] = np.zeros(self._length, dtype=np.bool_)
        self._dropped = 0
        self._next = first
        self._clock = SenderClock(config)
        self._clock.shift(first * SLOT)
        self._concealer = Concealer(config.fade_samples)
        self._counts: dict[str, int] = {}

    @property
    def statistics(self) -> SlotBufferStatistics:
        """Counts so far."""
        return SlotBufferStatistics(slots=self._next, **self._counts)

    def push(self, position: int, pcm: Pcm16, now: float, concealed: bool = False) -> bool:
        """Place samples.

        Args:
            position: position of the first sample, counted at 16 kHz from the session's first sample.
            pcm: [n] 16-bit samples.
            now: when they arrived, seconds on the clock.
            concealed: the decoder has recovered or synthesized them.

        Returns:
            Whether any of them arrived in time.
        """
        if not len(pcm):
            return False
        self._clock.settle(position + len(pcm), now)
        begin = self._clock.place(position)
        if not self._fits(begin, len(pcm), now) and self._clock.on_unused(begin + len(pcm), now):
            self._count("resyncs", 1)
            begin = self._clock.place(position)
        late, ahead = self._misfit(begin, len(pcm), now)
        self._drop("late", late)
        self._drop("ahead", ahead)
        if late + ahead == len(pcm):
            return False
        self._clock.on_used(begin + len(pcm), now)
        self._place(begin + late - self._next * SLOT, pcm[late : len(pcm) - ahead], concealed)
        return True

    def discard(self, amount: int) -> None:
        """So many samples came too late, or twice, and were not decoded."""
        self._drop("discarded", amount)

    def align(self, end: int, now: float, moment: float) -> None:
        """Begin with up to a slot of silence, so that slots end when those of another session do, to the packet.

        Args:
            end: where the first audio, which is about to be pushed, ends by its sender's positions.
            now: when it arrives, seconds on the clock.
            moment: when a slot of the other session ends, past or future.
        """
        behind = (now + (SLOT - end) / AUDIO.input_rate - moment) % AUDIO.slot_seconds
        packets = round(behind * 1000 / AUDIO.packet_ms) % AUDIO.packets_per_slot
        lead = packets * SLOT // AUDIO.packets_per_slot
        self._clock.shift(lead)
        self._have[:lead] = True

    def rejoin(self) -> None:
        """The user's audio comes over a new connection: its positions begin again, the slots go on."""
        self._clock.rejoin()

    def pop(self, now: float) -> list[UserSlot]:
        """Take all slots that close at `now` (seconds), in order."""
        slots = []
        while self._complete() or self._due(now):
            slots.append(self._close(now))
        return slots

    @property
    def slot_end(self) -> float | None:
        """When the next slot ends, seconds on the clock, by the network's present delay; None before any audio."""
        origin = self._clock.origin
        return None if origin is None else origin + (self._next + 1) * AUDIO.slot_seconds

    def next_deadline(self) -> float | None:
        """The latest time at which the next slot closes, seconds on the clock; None before any audio."""
        end = self.slot_end
        return None if end is None else end + self.config.grace_ms / 1000

    def closing_end(self, now: float) -> int | None:
        """Where the next slot ends, by the sender's positions, if it closes at `now` (seconds) with holes, or None."""
        due = self._due(now) and not self._complete()
        return (self._next + 1) * SLOT - self._clock.place(0) if due else None

    def _fits(self, begin: int, length: int, now: float) -> bool:
        return sum(self._misfit(begin, length, now)) < length

    def _misfit(self, begin: int, length: int, now: float) -> tuple[int, int]:
        """How many of `length` samples from the session's position `begin` are too late, and how many too early."""
        start = self._next * SLOT
        stop, limit = start + self._length, self._clock.limit(now)
        if limit is not None and begin + length > limit:
            stop = min(stop, begin)
        late = min(max(0, start - begin), length)
        return late, min(max(0, begin + length - stop), length - late)

    def _place(self, offset: int, pcm: Pcm16, concealed: bool) -> None:
        span = slice(offset, offset + len(pcm))
        fresh = ~self._have[span]
        self._pcm[span][fresh] = pcm[fresh]
        self._have[span] = True
        self._made[span] |= fresh & concealed
        self._count("placed", int(fresh.sum()))
        self._count("recovered", int(fresh.sum()) * concealed)
        self._drop("duplicate", len(pcm) - int(fresh.sum()))

    def _complete(self) -> bool:
        return bool(self._have[:SLOT].all())

    def _due(self, now: float) -> bool:
        deadline = self.next_deadline()
        return deadline is not None and now >= deadline

    def _close(self, now: float) -> UserSlot:
        pcm, have = self._pcm[:SLOT].copy(), self._have[:SLOT].copy()
        holes = self._concealer.fill(pcm, ~have)
        self._count("concealed", sum(stop - start for start, stop in holes))
        slot = UserSlot(self._next, pcm, holes, now, concealed=find_spans(self._made[:SLOT]), dropped=self._dropped)
        self._dropped = 0
        self._roll()
        self._next += 1
        return slot

    def _roll(self) -> None:
        for ring in (self._pcm, self._have, self._made):
            ring[:-SLOT] = ring[SLOT:].copy()
            ring[-SLOT:] = 0

    def _drop(self, name: str, amount: int) -> None:
        self._dropped += amount
        self._count(name, amount)

    def _count(self, name: str, amount: int) -> None:
        self._counts[name] = self._counts.get(name, 0) + amount
