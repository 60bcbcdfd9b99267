"""All suites by name."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from configs.eval.evaluation import EvaluationConfig
from duplex.eval.suite import Suite
from duplex.eval.suites.overlap import Overlap
from duplex.eval.suites.pauses import Pauses
from duplex.eval.suites.speech import Speech
from duplex.eval.suites.spoken_qa import SpokenQa
from duplex.eval.suites.turn_taking import ReactiveTurnTaking, TurnTaking
from duplex.eval.suites.turn_taking_at_k import TurnTakingAtK
from duplex.eval.suites.understanding import Understanding


@dataclass(frozen=True)
class Sources:
    """What a suite is made of: definitions, folders of real audio and of synthesized trials, a seed for its choices."""

    config: EvaluationConfig
    data: Path
    trials: Path
    seed: int


@dataclass(frozen=True)
class SuiteEntry:
    """A suite on the command line: what it asks, and how it is made."""

    question: str
    make: Callable[[Sources], Suite]


TURN_TAKING, REACTIVE = "turn-taking", "turn-taking-reactive"
SUITES: dict[str, SuiteEntry] = {
    TURN_TAKING: SuiteEntry(
        "Two questions of one user: is it silent while the user speaks, and does it answer?",
        lambda s: TurnTaking(s.config, s.data, s.seed),
    ),
    REACTIVE: SuiteEntry(
        "A question while it gives a long answer: does it stop, and answer the question?",
        lambda s: ReactiveTurnTaking(s.config, s.data, s.trials, s.seed),
    ),
    "turn-taking@k": SuiteEntry(
        "OmniFlatten's Acc@K: who holds the turn 40, 200, 400 and 1,000 ms after it should change?",
        lambda s: TurnTakingAtK(s.config, s.data, s.trials, s.seed),
    ),
    "overlap": SuiteEntry(
        "Sounds while it speaks: does it stop for interruptions, and speak on for all others?",
        lambda s: Overlap(s.config, s.data, s.trials, s.seed),
    ),
    "pauses": SuiteEntry(
        "Pauses inside turns, human clips, nobody at all: does it wait, and answer soon after the end?",
        lambda s: Pauses(s.config, s.data, s.trials),
    ),
    "understanding": SuiteEntry(
        "Spoken questions: are the answers right, and does it say what it does not know?",
        lambda s: Understanding(s.config, s.data, s.trials),
    ),
    "spoken-qa": SuiteEntry(
        "Spoken questions with published answers: are they right as text, as speech, and when asked in writing?",
        lambda s: SpokenQa(s.config, s.data),
    ),
    "speech": SuiteEntry(
        "Its own voice: is it understood, does it sound clean, does it click?",
        lambda s: Speech(s.config, s.trials),
    ),
}
