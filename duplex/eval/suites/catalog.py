"""Creates every suite; their names are in `duplex.eval.suites.suite_names`."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from configs.eval.evaluation import EvaluationConfig
from duplex.eval.suite import Suite
from duplex.eval.suites.overlap import Overlap
from duplex.eval.suites.pauses import Pauses
from duplex.eval.suites.speech import Speech
from duplex.eval.suites.spoken_qa import SpokenQa
from duplex.eval.suites.suite_names import REACTIVE, TURN_TAKING
from duplex.eval.suites.turn_taking import ReactiveTurnTaking, TurnTaking
from duplex.eval.suites.turn_taking_at_k import TurnTakingAtK
from duplex.eval.suites.understanding import Understanding


@dataclass(frozen=True)
class Sources:
    """Inputs of a suite: definitions, folders of real audio and of synthesized trials, a seed for its choices."""

    config: EvaluationConfig
    data: Path
    trials: Path
    seed: int


SUITES: Final[Mapping[str, Callable[[Sources], Suite]]] = {
    TURN_TAKING: lambda s: TurnTaking(s.config, s.data, s.seed),
    REACTIVE: lambda s: ReactiveTurnTaking(s.config, s.data, s.trials, s.seed),
    "turn-taking@k": lambda s: TurnTakingAtK(s.config, s.data, s.trials, s.seed),
    "overlap": lambda s: Overlap(s.config, s.data, s.trials, s.seed),
    "pauses": lambda s: Pauses(s.config, s.data, s.trials),
    "understanding": lambda s: Understanding(s.config, s.data, s.trials),
    "spoken-qa": lambda s: SpokenQa(s.config, s.data),
    "speech": lambda s: Speech(s.config, s.trials),
}
"""Name -> function that creates the suite, in the order of `QUESTIONS`."""
