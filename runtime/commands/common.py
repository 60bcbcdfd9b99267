"""What commands share: the consoles, common options, the configuration, JSON files."""

import json
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from configs.base import ConfigError
from configs.runtime import RuntimeConfig
from runtime.errors import user_line

Model = Annotated[str, typer.Option("--model", help="Model: mini, tiny, or a folder.")]
ConfigFile = Annotated[Path | None, typer.Option("--config", help="YAML file with values of the runtime.")]
JsonFile = Annotated[Path | None, typer.Option("--json", help="Also write the figures to this file.")]
PolicyName = Annotated[str, typer.Option("--policy", help="When to start and stop: responsive, balanced, patient.")]


def out() -> Console:
    """Where results go. Made anew, so that it follows a redirected stdout."""
    return Console(highlight=False, soft_wrap=True, markup=False)


def err() -> Console:
    """Where notes, errors and progress go."""
    return Console(stderr=True, highlight=False, soft_wrap=True, markup=False)


def show_error(error: BaseException) -> None:
    """One line for the user."""
    err().print(f"error: {user_line(error)}", style="red")


def progress() -> Progress:
    """A progress bar on stderr; vanishes when done."""
    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
    return Progress(*columns, console=err(), transient=True)


def runtime_config(path: Path | None) -> RuntimeConfig:
    """The configuration of a file, or the defaults.

    Raises:
        ConfigError: see `configs.base.Config.from_yaml`.
    """
    return RuntimeConfig.from_yaml(path) if path else RuntimeConfig()


def write_json(path: Path, values: Any) -> None:
    """Write plain values.

    Raises:
        ConfigError: the file cannot be written.
    """
    try:
        path.write_text(json.dumps(values, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    except OSError as error:
        raise ConfigError(f"{path}: cannot be written ({error.strerror}); choose another path for --json") from None
