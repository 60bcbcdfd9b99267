"""What commands share: the consoles, common options, the configuration, JSON files."""

import json
from pathlib import Path
from typing import Annotated, Any

import typer
import yaml
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from configs.base import ConfigError
from configs.runtime.runtime import RuntimeConfig
from runtime.errors import user_line

Model = Annotated[str, typer.Option("--model", help="Name, folder, hub id, or .yaml description: docs/models.md.")]
ConfigFile = Annotated[Path | None, typer.Option("--config", help="YAML file with values of the runtime.")]
Set = Annotated[
    list[str] | None,
    typer.Option("--set", help="KEY=VALUE of a large model: device, dtype, detokenizer, speakers, live.policy ..."),
]
Pattern = Annotated[
    str | None, typer.Option("--pattern", help="Interaction pattern of a large model: S2M, STC, ... (docs/chat.md).")
]
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


def changes(given: list[str] | None) -> dict[str, Any]:
    """Values of `--set` by their keys.

    Raises:
        ConfigError: one has no `=`, or is no YAML value.
    """
    values: dict[str, Any] = {}
    for one in given or []:
        key, equals, value = one.partition("=")
        if not (key and equals):
            raise ConfigError(f"--set {one}: write it as KEY=VALUE, for example --set device=cuda")
        try:
            values[key] = yaml.safe_load(value)
        except yaml.YAMLError:
            raise ConfigError(f"--set {one}: '{value}' is not a YAML value; put quotes around it") from None
    return values


def write_json(path: Path, values: Any) -> None:
    """Write plain values.

    Raises:
        ConfigError: the file cannot be written.
    """
    try:
        path.write_text(json.dumps(values, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    except OSError as error:
        raise ConfigError(f"{path}: cannot be written ({error.strerror}); choose another path for --json") from None
