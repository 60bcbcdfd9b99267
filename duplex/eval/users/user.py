"""A simulated user that reacts: a script of clips, each played at a given time or in response to the assistant.

    script = Script((Event("question", clip, After(0.5)), Event("next", other, WhileSpeaking(2.0))), silence_s=10.0)
    user = SimulatedUser(script, config)
    while (slot := user.next_slot(assistant_slot)) is not None: ...
    user.played      # what was played where, to the sample

A user is deterministic: the same assistant gives the same user. Nothing here depends on models or clocks.
"""

from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np

from configs.audio import AUDIO
from configs.eval.evaluation import EvaluationConfig
from duplex.eval.measures.activity import Gate, speech_bounds
from duplex.eval.users.sounds import Sound
from duplex.model.interface import Samples

RATE = AUDIO.input_rate
SLOT = AUDIO.slot_input_samples


@dataclass(frozen=True)
class At:
    """At this time of the conversation, seconds, but not before the previous clip has ended."""

    seconds: float


@dataclass(frozen=True)
class After:
    """This long after the end of the speech in the previous clip (for the first clip: after the conversation's start),
    s."""

    seconds: float


@dataclass(frozen=True)
class WhileSpeaking:
    """When the assistant has been speaking for this long and still does, seconds."""

    seconds: float


@dataclass(frozen=True)
class AfterStart:
    """This long after the assistant began to answer the previous clip, seconds, whether it still speaks or not."""

    seconds: float


@dataclass(frozen=True)
class WhenSilent:
    """When the assistant has spoken since the previous clip ended, and has been silent for this long, seconds."""

    seconds: float


When = At | After | WhileSpeaking | AfterStart | WhenSilent


EventKind = Literal["turn", "interrupt", "backchannel", "pause", "vocal_tic", "non_directed", "noise"]
"""The kind of a sound of the user, by the names of labels."""


@dataclass(frozen=True)
class Event:
    """Play `clip` under the name `name`; `kind` says what it is, `pause` is the span of a pause in it, seconds."""

    name: str
    clip: Sound
    when: When
    kind: EventKind = "turn"
    pause: tuple[float, float] | None = None


@dataclass(frozen=True)
class Script:
    """What the user does.

    Attributes:
        events: one after the other.
        silence_s: silence after the last clip, after which the conversation ends.
        until: condition that also ends it: `WhenSilent` waits for the end of the answer to the last clip, however long
            the silence; `AfterStart` ends it soon after the answer has begun.
    """

    events: tuple[Event, ...]
    silence_s: float
    until: WhenSilent | AfterStart | None = None


@dataclass(frozen=True)
class PlayedClip:
    """A clip that was played, in samples of the user's channel at 16 kHz.

    Attributes:
        name, kind: those of its event.
        start, end: those of the clip. speech_start, speech_end: those of the speech in it.
        rate: tempo of the clip.
    """

    name: str
    start: int
    end: int
    speech_start: int
    speech_end: int
    kind: EventKind = "turn"
    rate: float = 1.0

    @property
    def start_s(self) -> float:
        """When its speech begins, seconds."""
        return self.speech_start / RATE

    @property
    def end_s(self) -> float:
        """When its speech ends, seconds."""
        return self.speech_end / RATE

    @property
    def clip_start_s(self) -> float:
        """When the clip begins, seconds."""
        return self.start / RATE

    def at(self, seconds: float) -> float:
        """When this place in the clip sounds, seconds of the conversation.

        Args:
            seconds: time from the clip's beginning, before its rate is changed.
        """
        return self.clip_start_s + seconds / self.rate


class User(Protocol):
    """Anything that a system can talk to: a simulated user, or one behind a channel."""

    @property
    def played(self) -> tuple[PlayedClip, ...]:
        """What was played so far, and when."""
        ...

    @property
    def skipped(self) -> tuple[str, ...]:
        """Names of the events that were given up."""
        ...

    def next_slot(self, assistant: Samples) -> Samples | None:
        """What the system hears in the next slot, [3200] at 16 kHz, or None when the conversation is over.

        Args:
            assistant: what the assistant says in this same slot, [4800] at 24 kHz.
        """
        ...


class SimulatedUser:
    """One user in one conversation."""

    def __init__(self, script: Script, config: EvaluationConfig) -> None:
        self.played: tuple[PlayedClip, ...] = ()
        self.skipped: tuple[str, ...] = ()
        self._script = script
        self._config = config
        self._gate = Gate(config.gate)
        self._join = round(config.gate.join_s * RATE)
        self._slot = 0
        self._armed = 0
        self._clip: Samples = np.zeros(0, dtype=np.float32)

    def next_slot(self, assistant: Samples) -> Samples | None:
        """The user's next slot, [3200] at 16 kHz, or None when the conversation is over.

        Args:
            assistant: what the assistant says in this same slot, [4800] at 24 kHz.
        """
        begin, end = self._slot * SLOT, (self._slot + 1) * SLOT
        if self._over(begin):
            return None
        self._gate.add(assistant)
        while not self._all_done and (start := self._next_start(begin, end)) is not None:
            self._play(start)
        self._slot += 1
        return self._audio(begin, end)

    def ahead(self) -> Samples:
        """What is certain of the slot after the last one, [3200]: the rest of a clip, but not one that begins in it."""
        return self._audio(self._slot * SLOT, (self._slot + 1) * SLOT)

    @property
    def _all_done(self) -> bool:
        return len(self.played) + len(self.skipped) == len(self._script.events)

    def _audio(self, begin: int, end: int) -> Samples:
        out = np.zeros(SLOT, dtype=np.float32)
        held = self._clip[begin:end]
        out[: len(held)] = held
        return out

    def _play(self, start: int) -> None:
        event = self._script.events[len(self.played) + len(self.skipped)]
        samples = event.clip.samples()
        first, last = (0, len(samples)) if event.clip.exact else speech_bounds(samples, self._config.clips)
        end = start + len(samples)
        self._clip = np.concatenate([self._clip, np.zeros(start - len(self._clip), np.float32), samples])
        self.played += (PlayedClip(event.name, start, end, start + first, start + last, event.kind, event.clip.rate),)
        self._armed = end

    def _next_start(self, begin: int, end: int) -> int | None:
        """Sample in [begin, end) at which the next event starts; an event that waited too long is skipped."""
        event = self._script.events[len(self.played) + len(self.skipped)]
        start = self._start(event.when)
        if start is not None and start < end:
            return max(start, begin, self._armed)
        waits = isinstance(event.when, WhileSpeaking | AfterStart | WhenSilent)
        if waits and end - self._armed > self._config.user.patience_s * RATE:
            self.skipped += (event.name,)
        return None

    def _start(self, when: When) -> int | None:
        """Sample at which the event's condition is met, from what is known at the end of this slot."""
        match when:
            case At(seconds):
                return max(self._armed, round(seconds * RATE))
            case After(seconds):
                said = self.played[-1].speech_end if self.played else 0
                return max(self._armed, said + round(seconds * RATE))
            case WhileSpeaking(seconds):
                return self._speaking_for(round(seconds * RATE))
            case AfterStart(seconds):
                return self._after_start(round(seconds * RATE))
            case WhenSilent(seconds):
                return self._silent_for(round(seconds * RATE))

    def _speaking_for(self, samples: int) -> int | None:
        for first, last in self._gate.runs:
            start = max(self._armed, _at_input_rate(first) + samples)
            if start <= _at_input_rate(last) + self._join:
                return start
        return None

    def _after_start(self, samples: int) -> int | None:
        said = self.played[-1].speech_end if self.played else 0
        early = round(self._config.timing.early_s * RATE)
        starts = (start for first, _ in self._gate.runs if (start := _at_input_rate(first)) > said - early)
        began = next(starts, None)
        return None if began is None else max(self._armed, began + samples)

    def _silent_for(self, samples: int) -> int | None:
        if not self._gate.runs:
            return None
        spoken = _at_input_rate(self._gate.runs[-1][1])
        return spoken + samples if spoken > self._armed else None

    def _over(self, begin: int) -> bool:
        """Whether the conversation ends before sample `begin`."""
        if not self._all_done:
            return False
        waited = begin - self._armed
        enough = None if self._script.until is None else self._start(self._script.until)
        if enough is None:
            return waited >= self._script.silence_s * RATE
        return begin >= enough or waited >= self._config.user.longest_s * RATE


def _at_input_rate(sample: int) -> int:
    """Convert a position at the assistant's rate to the user's rate, rounded to the nearest."""
    return (2 * sample * AUDIO.input_rate + AUDIO.output_rate) // (2 * AUDIO.output_rate)
