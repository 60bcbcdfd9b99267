"""Defines suites: examples for simulated users, a score per conversation, figures over all of them."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Protocol, Self

import numpy as np
from numpy.typing import NDArray

from configs.audio import AUDIO
from configs.eval.evaluation import EvaluationConfig
from configs.policy import PolicyConfig
from duplex.eval.conversation_record import Recording
from duplex.eval.measures.figures import Figure
from duplex.eval.users.user import PlayedClip, Script

Facts = dict[str, Any]
"""Plain JSON values by name."""

ENVELOPE_S = 0.05
_FULL = 99


@dataclass(frozen=True)
class Example:
    """One conversation to hold.

    Attributes:
        id: unique in its suite.
        group: what it is an example of; figures are computed by group.
        script: script of the simulated user.
        facts: what the score needs to know about it.
        written: question that is also asked in writing, or "".
        policy: state policy instead of the system's own, for systems that have one.
    """

    id: str
    group: str
    script: Script
    facts: Facts = field(default_factory=dict)
    written: str = ""
    policy: PolicyConfig | None = None


@dataclass(frozen=True)
class FinishedDialogue:
    """An example after the conversation. `written`: the written answer, None if it was not requested."""

    example: Example
    recording: Recording
    played: tuple[PlayedClip, ...]
    written: str | None = None

    def clip(self, name: str) -> PlayedClip | None:
        """The clip that was played under this name, or None."""
        return next((played for played in self.played if played.name == name), None)

    def pause(self, name: str) -> tuple[float, float] | None:
        """Start and end of the pause in the clip that was played under this name, seconds, or None."""
        played = self.clip(name)
        spans = [event.pause for event in self.example.script.events if event.name == name]
        if played is None or spans[0] is None:
            return None
        start, end = spans[0]
        return played.at(start), played.at(end)


@dataclass(frozen=True)
class DialogueRow:
    """The stored result of a conversation: one JSON line.

    Attributes:
        id, group: those of the example.
        measures: the suite's scores.
        worst: sort key for a reader, the highest first.
        events: {side, kind, name, start, end} of everything audible, seconds; `name` as in the script.
        trace: envelopes (0..99 per 50 ms), p(speak) and state per slot, texts.
    """

    id: str
    group: str
    measures: Facts
    worst: float
    events: tuple[Facts, ...]
    trace: Facts

    @classmethod
    def from_json(cls, values: Facts) -> Self:
        """Read the row that `to_json` wrote."""
        return cls(**{**values, "events": tuple(values["events"])})

    def to_json(self) -> Facts:
        """Plain values."""
        return asdict(self)


class Suite(Protocol):
    """One kind of measurement; picklable."""

    @property
    def name(self) -> str:
        """The name on the command line."""
        ...

    def examples(self) -> Sequence[Example]:
        """All conversations to hold, in a fixed order.

        Raises:
            EvaluationError: the data is missing.
        """
        ...

    def score(self, dialogue: FinishedDialogue) -> tuple[Facts, float]:
        """The measures of a conversation, and how much attention a reader should give it."""
        ...

    def figures(self, rows: Sequence[DialogueRow]) -> list[Figure]:
        """The result over all conversations."""
        ...


def row_of(suite: Suite, dialogue: FinishedDialogue, config: EvaluationConfig) -> DialogueRow:
    """Score a conversation and keep the data that a report shows."""
    measures, worst = suite.score(dialogue)
    return DialogueRow(
        dialogue.example.id,
        dialogue.example.group,
        measures,
        round(worst, 3),
        tuple(_events(dialogue, config)),
        _trace(dialogue.recording),
    )


def _events(dialogue: FinishedDialogue, config: EvaluationConfig) -> list[Facts]:
    user = [_event("user", clip.kind, clip.name, clip.start_s, clip.end_s) for clip in dialogue.played]
    pauses = ((clip.name, dialogue.pause(clip.name)) for clip in dialogue.played)
    user += [_event("user", "pause", name, *pause) for name, pause in pauses if pause]
    speech = dialogue.recording.speech(config.gate)
    assistant = [_event("assistant", "speech", "", segment.start, segment.end) for segment in speech]
    return sorted(user + assistant, key=lambda event: (event["start"], event["side"]))


def _event(side: str, kind: str, name: str, start: float, end: float) -> Facts:
    return {"side": side, "kind": kind, "name": name, "start": start, "end": end}


def _trace(recording: Recording) -> Facts:
    return {
        "seconds": recording.seconds,
        "user": envelope(recording.user, AUDIO.input_rate),
        "assistant": envelope(recording.assistant, AUDIO.output_rate),
        "p_speak": [round(slot.p_speak, 6) for slot in recording.slots],
        "state": "".join("S" if slot.speaks else "m" for slot in recording.slots),
        "decisions": [[round(slot.sounds_at, 3), slot.event] for slot in recording.slots if slot.event],
        "answers": [
            {**asdict(answer), "words": [asdict(word) for word in answer.words]} for answer in recording.answers
        ],
        "heard": list(recording.heard),
    }


def envelope(samples: NDArray[Any], rate: int) -> list[int]:
    """Peak of every 50 ms, scaled so that 99 is full scale."""
    frame = round(ENVELOPE_S * rate)
    count = -(-len(samples) // frame)
    padded = np.zeros(count * frame, dtype=np.float32)
    padded[: len(samples)] = np.abs(samples)
    peaks = padded.reshape(count, frame).max(axis=1, initial=0.0)
    return [min(_FULL, round(float(peak) * _FULL)) for peak in peaks]
