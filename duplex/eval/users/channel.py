"""The channel from a simulated user to the system: stages in the order in which sound passes them.

    channel = Channel(SimulatedUser(script, config), (Echo(...), Room(...), Bed(...), MuLaw(...), PacketLoss(...)))
    while (slot := channel.next_slot(assistant_slot)) is not None: ...

A `Channel` is a `User`: a system sees no difference. Its output is what the system hears; no stage adds a delay, so
that clips are where `played` says, to the sample. The user hears the assistant unchanged.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from duplex.eval.users.user import PlayedClip, SimulatedUser
from duplex.model.interface import Samples


@dataclass(frozen=True)
class Signal:
    """Sound in the channel: a slot `now`, and what is known of the next one, `ahead`, [3200] each at 16 kHz."""

    now: Samples
    ahead: Samples


class ChannelStage(Protocol):
    """A part of the channel. It keeps what it needs of the past."""

    def step(self, signal: Signal, assistant: Samples) -> Signal:
        """Process one slot; stages after the microphone may ignore what is ahead.

        Args:
            signal: the input.
            assistant: what the assistant says in this slot, [4800] at 24 kHz.
        """
        ...


class Channel:
    """A simulated user as the system hears it."""

    def __init__(self, user: SimulatedUser, stages: Sequence[ChannelStage]) -> None:
        self._user = user
        self._stages = tuple(stages)

    @property
    def played(self) -> tuple[PlayedClip, ...]:
        """What was played so far, and when."""
        return self._user.played

    @property
    def skipped(self) -> tuple[str, ...]:
        """Names of the events that were given up."""
        return self._user.skipped

    def next_slot(self, assistant: Samples) -> Samples | None:
        """What the system hears in the next slot, [3200] at 16 kHz, -1..1, or None when the conversation is over.

        Args:
            assistant: what the assistant says in this same slot, [4800] at 24 kHz.
        """
        said = self._user.next_slot(assistant)
        if said is None or not self._stages:
            return said
        signal = Signal(said, self._user.ahead())
        for stage in self._stages:
            signal = stage.step(signal, assistant)
        return np.clip(signal.now, -1.0, 1.0)
