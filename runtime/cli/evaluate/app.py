"""`duplex evaluate`: commands for every suite, for all suites together, and for recordings and reports.

A suite's command is in `runtime.cli.evaluate.suites`, a run of it in `runtime.cli.evaluate.suite_run`.
"""

from collections.abc import Mapping
from typing import ClassVar

from duplex.eval.suites.suite_names import QUESTIONS, TURN_TAKING
from runtime.cli.lazy import Lazy, LazyGroup, application

SUITES = "runtime.cli.evaluate.suites"


class EvaluateCommands(LazyGroup):
    """The suites and other commands."""

    kind = "suite"
    table: ClassVar[Mapping[str, Lazy]] = {
        "list": Lazy(f"{SUITES}:list_suites", "Name the suites."),
        TURN_TAKING: Lazy(f"{SUITES}:turn_taking", QUESTIONS[TURN_TAKING]),
        **{
            name: Lazy(f"{SUITES}:suite_command", question, of=name)
            for name, question in QUESTIONS.items()
            if name != TURN_TAKING
        },
        "all": Lazy(
            f"{SUITES}:all_suites", "Run all suites, one after the other; those that cannot run are left out and named."
        ),
        "score": Lazy(
            "runtime.cli.evaluate.score:command",
            "Score a recording of any system: who had the turn, how fast it answered, how fast it fell silent.",
        ),
        "compare": Lazy(
            "runtime.cli.evaluate.compare:command",
            "Compare two runs of a suite: differences with their 95 % intervals, dialogue by dialogue.",
        ),
        "export": Lazy(
            "runtime.cli.evaluate.export:export_command",
            "Write a run in the layout of another project, so that its own scorers run on it.",
        ),
        "fdb-agreement": Lazy(
            "runtime.cli.evaluate.export:agreement_command",
            "Run Full-Duplex-Bench's pause and smooth-turn scorers next to ours; fails if they differ.",
        ),
        "policy": Lazy(
            "runtime.cli.evaluate.policy:command",
            "Compare state policies; a conversation is held again only if the policy changes what the model hears.",
        ),
    }


app = application(EvaluateCommands, "Measure turn-taking, understanding and speech: docs/evaluation.md.")
