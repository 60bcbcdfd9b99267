"""Suite `turn-taking@k`: OmniFlatten's Acc@K in both directions, on answers that a question interrupts."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from configs.eval.evaluation import EvaluationConfig
from duplex.eval.measures import timing
from duplex.eval.measures.figures import Figure, rate, spread
from duplex.eval.protocols.omniflatten import TurnTaken, assistant_turn, user_turn
from duplex.eval.suite import DialogueRow, Example, Facts, FinishedDialogue
from duplex.eval.suites.turn_taking import FIRST, SECOND, ReactiveTurnTaking

_FAILED = 100.0
_WAYS = {"assistant": "turns of the user", "user": "true interruptions"}
"""Who takes the turn, and what is counted."""


@dataclass(frozen=True)
class TurnTakingAtK:
    """The dialogues of `turn-taking --reactive`, scored by frames of 40 ms."""

    config: EvaluationConfig
    data: Path
    trials: Path
    seed: int = 0
    name: str = "turn-taking@k"

    def examples(self) -> Sequence[Example]:
        """As `ReactiveTurnTaking`."""
        return ReactiveTurnTaking(self.config, self.data, self.trials, self.seed).examples()

    def score(self, dialogue: FinishedDialogue) -> tuple[Facts, float]:
        """The assistant's turn after each of the user's, and the user's turns that began while the assistant was
        speaking."""
        limits = self.config.protocols.omniflatten
        first, second = dialogue.clip(FIRST), dialogue.clip(SECOND)
        speech = dialogue.recording.speech(self.config.gate)
        found: dict[str, list[TurnTaken | None]] = {"assistant": [], "user": []}
        if first is not None:
            until = second.start_s if second else timing.NEVER
            before = [segment for segment in speech if segment.start < until]
            found["assistant"].append(assistant_turn(before, first.end_s, limits))
        if second is not None:
            found["assistant"].append(assistant_turn(speech, second.end_s, limits))
            if not self._fell_silent_itself(dialogue, second.start_s):
                found["user"].append(user_turn(speech, second.start_s, limits))
        taken = {side: [asdict(turn) for turn in turns if turn] for side, turns in found.items()}
        failures = sum(turn["latency"] is None for turns in taken.values() for turn in turns)
        return {**dialogue.example.facts, **taken}, _FAILED * failures

    def figures(self, rows: Sequence[DialogueRow]) -> list[Figure]:
        """Acc@K and mean latency, both directions."""
        return [figure for side in _WAYS for figure in self._of(side, rows)]

    def _of(self, side: str, rows: Sequence[DialogueRow]) -> Iterator[Figure]:
        turns = [(row.id, turn) for row in rows for turn in row.measures[side]]
        for place, k in enumerate(self.config.protocols.omniflatten.frames):
            yield rate(f"{side} turn-taking Acc@{k}", _WAYS[side], ((who, turn["hits"][place]) for who, turn in turns))
        yield spread(f"{side} turn-taking latency", "turns taken", ((who, turn["latency"]) for who, turn in turns))

    def _fell_silent_itself(self, dialogue: FinishedDialogue, onset: float) -> bool:
        """Whether the answer ended or paused by itself soon after the user's onset, so that no turn was yielded."""
        held = timing.speaking_at(dialogue.recording.speech(self.config.gate), onset)
        if held is None or held.end - onset > self.config.turn_taking.grace_s:
            return False
        why = timing.why_silent(dialogue.recording.slots, held.end, self.config.gate.join_s)
        return why in ("end", "pause")
