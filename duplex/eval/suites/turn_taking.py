"""Suite `turn-taking`: two questions of one user, following OmniDRCA (Appendix A.2), with every limit stated.

`TurnTaking`: the second question starts `gap_s` after the first. `ReactiveTurnTaking`: the first turn asks for a long
answer, and the second starts soon after the assistant has begun it.
"""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from configs.eval.evaluation import Bar, EvaluationConfig
from duplex.eval.conversation_record import SlotTrace
from duplex.eval.measures import timing
from duplex.eval.measures.activity import AudibleSegment
from duplex.eval.measures.figures import Figure, rate, spread
from duplex.eval.measures.timing import UserTurn
from duplex.eval.suite import DialogueRow, Example, Facts, FinishedDialogue
from duplex.eval.suites.requests import long_requests
from duplex.eval.users.clip import Clip
from duplex.eval.users.data_folder import DataFolder, Question
from duplex.eval.users.user import After, AfterStart, Event, EventKind, Script, WhenSilent

FIRST, SECOND = "first", "second"
_FAILED = 100.0

ScoredConversation = tuple[str, Facts]
"""Id and measures of a conversation."""


@dataclass(frozen=True)
class TurnTaking:
    """Pairs of Llama Questions, `gap_s` apart."""

    config: EvaluationConfig
    data: Path
    seed: int = 0
    name: str = "turn-taking"

    def examples(self) -> Sequence[Example]:
        """`pairs` pairs; no question is repeated while there are enough."""
        limits = self.config.turn_taking
        drawn = _draw(DataFolder(self.data).llama_questions(), 2 * limits.pairs, random.Random(self.seed))
        return [
            _example(f"{a.id}-{b.id}", a.clip, a.text, b, After(limits.gap_s), self.config)
            for a, b in zip(drawn[::2], drawn[1::2], strict=True)
        ]

    def score(self, dialogue: FinishedDialogue) -> tuple[Facts, float]:
        """See `measures`."""
        return measures(dialogue, self.config)

    def figures(self, rows: Sequence[DialogueRow]) -> list[Figure]:
        """Success for every grace and limit; latencies of both questions."""
        return _figures(rows, self.config, self.config.turn_taking.bars, ())


@dataclass(frozen=True)
class ReactiveTurnTaking:
    """A long answer, interrupted by a Llama Question `barge_in_s` after the assistant began to speak."""

    config: EvaluationConfig
    data: Path
    trials: Path
    seed: int = 0
    name: str = "turn-taking-reactive"

    def examples(self) -> Sequence[Example]:
        """`pairs` pairs of a request for a long answer and a question."""
        limits, rng = self.config.turn_taking, random.Random(self.seed)
        requests = long_requests(self.config, self.data, self.trials)
        questions = _draw(DataFolder(self.data).llama_questions(), limits.pairs, rng)
        when = AfterStart(limits.barge_in_s)
        return [
            _example(f"{i:03d}-{question.id}", *requests[i % len(requests)], question, when, self.config)
            for i, question in enumerate(questions)
        ]

    def score(self, dialogue: FinishedDialogue) -> tuple[Facts, float]:
        """See `measures`."""
        return measures(dialogue, self.config)

    def figures(self, rows: Sequence[DialogueRow]) -> list[Figure]:
        """Success for every grace and limit; stop and response latencies."""
        limits = self.config.turn_taking
        return _figures(rows, self.config, limits.reactive_bars, limits.stop_bars)


def _draw(questions: list[Question], count: int, rng: random.Random) -> list[Question]:
    """`count` questions in random order; all are drawn before any is drawn again."""
    drawn: list[Question] = []
    while len(drawn) < count:
        drawn += rng.sample(questions, len(questions))
    return drawn[:count]


def _example(
    name: str, first: Clip, text: str, second: Question, when: After | AfterStart, config: EvaluationConfig
) -> Example:
    limits = config.turn_taking
    kind: EventKind = "interrupt" if isinstance(when, AfterStart) else "turn"
    events = (Event(FIRST, first, After(limits.lead_s)), Event(SECOND, second.clip, when, kind))
    facts = {"first": text, "second": second.text, "answer": second.answer}
    return Example(name, "pair", Script(events, limits.silence_s, WhenSilent(limits.quiet_s)), facts)


def measures(dialogue: FinishedDialogue, config: EvaluationConfig) -> tuple[Facts, float]:
    """Mute for each grace period, response and stop latencies of one conversation, and how far it is from success."""
    first, second = dialogue.clip(FIRST), dialogue.clip(SECOND)
    if first is None or second is None:
        return {**dialogue.example.facts, "played": False}, 2 * _FAILED
    speech = dialogue.recording.speech(config.gate)
    turns = UserTurn(first.start_s, first.end_s, second.start_s), UserTurn(second.start_s, second.end_s)
    held = timing.speaking_at(speech, turns[1].start)
    found = {
        "played": True,
        "mute": [[timing.mute(speech, t, g, config.timing) for g in config.turn_taking.graces] for t in turns],
        "response_s": [_round_seconds(timing.response(speech, turn, config.timing)) for turn in turns],
        "interrupted": held is not None,
        "stop_s": _round_seconds(timing.stop(speech, turns[1].start)),
        "silenced_by": _find_silencer(held, dialogue.recording.slots, config),
        "preempted": turns[1].start - turns[0].end < config.turn_taking.limit_s,
    }
    return {**dialogue.example.facts, **found}, _worst(found, config)


def _find_silencer(held: AudibleSegment | None, slots: Sequence[SlotTrace], config: EvaluationConfig) -> str:
    return timing.why_silent(slots, held.end, config.gate.join_s) if held else ""


def _worst(found: Facts, config: EvaluationConfig) -> float:
    late = [latency for latency in (*found["response_s"], found["stop_s"]) if latency is not None]
    right = _success(found, config.turn_taking.grace_s, config.turn_taking.limit_s, config)
    return max([*late, 0.0]) + (0.0 if right else _FAILED)


def _success(found: Facts, grace: float, limit: float, config: EvaluationConfig) -> bool:
    """Success (OmniDRCA, Appendix A.2): mute in both turns, and an answer to the second."""
    if not found["played"]:
        return False
    place = config.turn_taking.graces.index(grace)
    answer = found["response_s"][1]
    return all(mute[place] for mute in found["mute"]) and answer is not None and answer <= limit


def _figures(
    rows: Sequence[DialogueRow], config: EvaluationConfig, bars: tuple[Bar, ...], stop_bars: tuple[Bar, ...]
) -> list[Figure]:
    limits = config.turn_taking
    found = [(row.id, row.measures) for row in rows]
    heard = [(who, f) for who, f in found if f["played"]]
    true = [(who, f) for who, f in heard if f["interrupted"]]
    latencies = [(who, latency) for who, f in heard for latency in f["response_s"]]
    return [
        _rate("success", "pairs", found, config, bars),
        *_sweep(found, "", "pairs", config),
        *_sweep(true, " where it was speaking", "true interruptions", config),
        _rate("success, first turn answered too", "pairs", found, config, strict=True),
        rate("second turn before the answer to the first", "pairs", ((who, _is_preempted(f)) for who, f in heard)),
        _rate("success where it was speaking", "true interruptions", true, config),
        spread("response", "answered turns", latencies, limits.response_bars),
        spread("stop", "true interruptions", ((who, _stop(f, limits.grace_s)) for who, f in true), stop_bars),
    ]


def _sweep(found: Sequence[ScoredConversation], where: str, of: str, config: EvaluationConfig) -> Iterator[Figure]:
    """Success for every grace period and limit except those of the headline."""
    limits = config.turn_taking
    for grace in limits.graces:
        for limit in limits.limits:
            if (grace, limit) != (limits.grace_s, limits.limit_s):
                name = f"success{where}, grace {grace:g} s, answer within {limit:g} s"
                figure = rate(name, of, ((who, _success(f, grace, limit, config)) for who, f in found))
                yield replace(figure, detail=True)


def _rate(
    name: str,
    of: str,
    found: Sequence[ScoredConversation],
    config: EvaluationConfig,
    bars: tuple[Bar, ...] = (),
    strict: bool = False,
) -> Figure:
    grace, limit = config.turn_taking.grace_s, config.turn_taking.limit_s
    wanted = (
        (who, _success(f, grace, limit, config) and not (strict and f["response_s"][0] is None)) for who, f in found
    )
    return rate(f"{name}, grace {grace:g} s, answer within {limit:g} s", of, wanted, bars)


def _is_preempted(found: Facts) -> bool:
    """Whether the second turn began while there was still time to answer the first."""
    return found["response_s"][0] is None and bool(found["preempted"])


def _stop(found: Facts, grace: float) -> float | None:
    """The stop latency; void (None) if the assistant fell silent by itself within the grace period."""
    latency: float = found["stop_s"]
    return None if found["silenced_by"] in ("end", "pause") and latency <= grace else latency


def _round_seconds(value: float | None) -> float | None:
    return None if value is None else round(value, 4)
