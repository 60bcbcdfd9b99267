"""Options that the commands of `duplex evaluate` share."""

from pathlib import Path
from typing import Annotated

import typer

from configs.evaluation import EvaluationConfig

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


def definitions(path: Path | None) -> EvaluationConfig:
    """The definitions of a file, or the default ones.

    Raises:
        ConfigError: see `configs.base.Config.from_yaml`.
    """
    return EvaluationConfig.from_yaml(path) if path else EvaluationConfig()
