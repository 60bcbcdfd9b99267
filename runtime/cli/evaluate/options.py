"""Options that the commands of `duplex evaluate` share."""

from pathlib import Path
from typing import Annotated

import typer

from configs.eval.evaluation import EvaluationConfig
from duplex.eval.errors import EvaluationError
from duplex.eval.users.conditions import EXAMPLES

LONGEST_GAP = 60.0
DATA, TRIALS, OUT = Path("../shared/data"), Path("runs/trials"), Path("runs/evaluation")

Data = Annotated[Path, typer.Option("--data", help="Folder of real audio with its manifest.jsonl.")]
Trials = Annotated[Path, typer.Option("--trials", help="Folder of synthesized trials with their trials.jsonl.")]
Seed = Annotated[int, typer.Option("--seed", help="Seeds the choice of examples and the model.")]
Out = Annotated[Path, typer.Option("--out", help="Folder for the results; a killed run goes on from it.")]
Limit = Annotated[int | None, typer.Option("--limit", min=1, help="Only the first examples of every group.")]
Jobs = Annotated[int, typer.Option("--jobs", min=1, help="Processes at once.")]
Fresh = Annotated[bool, typer.Option("--fresh", help="Forget finished conversations.")]
Audio = Annotated[bool, typer.Option("--audio", help="Keep the sound of every conversation.")]
Check = Annotated[bool, typer.Option("--check", help="Exit with 1 when a bar is missed.")]
Definitions = Annotated[Path | None, typer.Option("--config", help="YAML file with other limits and windows.")]

_CONDITIONS = f"Between user and system: {', '.join(EXAMPLES.values())}. Several values are a run each."
ConditionTexts = Annotated[list[str] | None, typer.Option("--condition", help=_CONDITIONS)]
Gap = Annotated[
    str | None, typer.Option("--gap", help="Seconds between the questions, or several: 0.5,1,2,3,4; a run each.")
]


def gaps_of(text: str) -> list[float]:
    """The numbers of `--gap`.

    Raises:
        EvaluationError: one is no number of seconds.
    """
    try:
        gaps = [float(part) for part in text.split(",")]
    except ValueError:
        gaps = [-1.0]
    if any(not 0.0 <= gap < LONGEST_GAP for gap in gaps):
        raise EvaluationError(f"--gap '{text}': must be seconds from 0 to {LONGEST_GAP:g}, like 0.5,1,2,3,4")
    return gaps


def definitions(path: Path | None) -> EvaluationConfig:
    """The definitions of a file, or the default ones.

    Raises:
        ConfigError: see `configs.base.Config.from_yaml`.
    """
    return EvaluationConfig.from_yaml(path) if path else EvaluationConfig()
