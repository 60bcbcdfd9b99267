"""Shared by all commands: the consoles, options of models and others, the configuration, JSON files."""

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from io import TextIOWrapper
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, TextIO

import typer
from rich.console import Console

from configs.base import ConfigError, parse_yaml
from configs.model.descriptions import find_llm
from configs.model.language_models import LLM, LanguageModelConfig
from duplex.io import whole_files as files
from duplex.io.whole_files import shorten
from runtime.cli.paths import file, new_file
from runtime.cli.values import HOTTEST, LARGEST_SEED, make_parser, number, pattern_name, policy_name
from runtime.errors import user_line

if TYPE_CHECKING:
    from rich.progress import Progress

    from configs.runtime.runtime import RuntimeConfig
    from duplex.model.interface import SlotGenerator
    from runtime.engine.worker import Loader

Model = Annotated[str, typer.Option("--model", help="Name, folder, hub id, or .yaml description: docs/models.md.")]
ConfigFile = Annotated[Path | None, file("--config", help="YAML file with settings of the runtime.")]
Set = Annotated[
    list[str] | None,
    typer.Option("--set", help="KEY=VALUE of a large model: device, dtype, detokenizer, speakers, live.policy ..."),
]
Pattern = Annotated[
    str | None,
    typer.Option(
        "--pattern",
        parser=make_parser(pattern_name),
        help="S2M, S2T, T2M, T2T, STC, SAC or SUC, if the model has it.",
    ),
]
Llm = Annotated[
    str | None,
    typer.Option(
        "--llm",
        help="Language model that writes the answers: smollm2, a folder, a hub id, a GGUF file, or the http address of "
        "an OpenAI-compatible server, with /v1.",
    ),
]
LlmModel = Annotated[str | None, typer.Option("--llm-model", help="Name of the model at that server.")]
LlmAnswers = Annotated[
    str | None,
    typer.Option(
        "--llm-answers", help="What it answers: all questions, or those that are unknown to the model itself."
    ),
]
Tools = Annotated[
    list[str] | None,
    typer.Option(
        "--tools",
        help="Functions that the language model may call: examples, time_in, calculate, roll_dice, or module:function; "
        "give several.",
    ),
]
Seed = Annotated[int, number(0, LARGEST_SEED, "Seed of all random choices.", "--seed", whole=True)]
Temperature = Annotated[float, number(0, HOTTEST, "Temperature of the text; 0 is greedy.", "--temperature")]
JsonFile = Annotated[Path | None, new_file("--json", help="Also write the figures to this file.")]
PolicyName = Annotated[
    str,
    typer.Option(
        "--policy", parser=make_parser(policy_name), metavar="NAME",
        help="When to start and stop: responsive, balanced, patient.",
    ),
]  # fmt: skip


@dataclass(frozen=True)
class ModelOptions:
    """Which model runs, and changes to its description; every command that runs a model has these options."""

    model: Model = "mini"
    values_set: Set = None
    llm: Llm = None
    llm_model: LlmModel = None
    llm_answers: LlmAnswers = None
    tools: Tools = None

    calls_itself: ClassVar[bool] = False
    """The command also takes functions for a model without a language model."""

    @cached_property
    def changes(self) -> dict[str, Any]:
        """Values of `--set` by their keys, and those of the language model.

        Raises:
            ConfigError: one has no `=`, its value is not YAML, it does not fit a language model, or a function cannot
                be loaded.
        """
        given = changes(self.values_set) | _llm_values(self.llm, self.llm_model, self.llm_answers)
        if self.tools or any(key.startswith(LLM) for key in given):
            given |= self._name_tools(find_llm(self.model, given))
        return given

    def _name_tools(self, llm: LanguageModelConfig | None) -> dict[str, Any]:
        """The functions as values of the language model, which is checked."""
        if llm is None and self.tools and not self.calls_itself:
            raise ConfigError(
                "--tools: no language model is named that could call functions; add --llm, for example "
                "--llm http://127.0.0.1:11434/v1"
            )
        names = self.tools or (llm.tools if llm else ())
        if llm is None or not names:
            return {}
        from duplex.model.tools.load_tools import load_tools

        load_tools(names, llm.tool_limits, live=True)
        return {f"{LLM}tools": list(self.tools)} if self.tools else {}

    @property
    def language_model(self) -> LanguageModelConfig | None:
        """The language model that writes the answers, None where there is none.

        Raises:
            ConfigError: a value is wrong, or the model's description cannot be read.
        """
        return find_llm(self.model, self.changes)

    def resolve_changes(self) -> dict[str, Any]:
        """`changes`, with the name of the model that the language model's server would take: reports tell which one it
        was.

        Raises:
            ConfigError: as `changes`. LlmError: the server does not answer, or has several models.
        """
        from duplex.model.language_models.server_model import name_model

        llm = self.language_model
        named = name_model(llm) if llm else None
        return self.changes if named == llm or named is None else {**self.changes, f"{LLM}model": named.model}

    @property
    def loader(self) -> "Loader":
        """A loader of the model with these changes, in this process or another."""
        from runtime.engine.worker import loader_with

        return loader_with(self.changes)

    def load(self, rows: int, threads: int = 1) -> "SlotGenerator":
        """Load the model in this process, with room for `rows` conversations.

        Raises:
            ConfigError: a value of `--set` is wrong. ModelLoadError: the model cannot be loaded.
        """
        from runtime.engine.worker import load

        return load(self.model, rows, self.loader, threads)


@dataclass(frozen=True)
class PatternOptions(ModelOptions):
    """A model, and the interaction pattern of its conversations."""

    pattern: Pattern = None


def out() -> Console:
    """Console for results. It is created each time, so that it follows a redirected stdout."""
    _let_escape(sys.stdout)
    return Console(highlight=False, soft_wrap=True, markup=False, emoji=False)


def err() -> Console:
    """Console for notes, errors and progress."""
    _let_escape(sys.stderr)
    return Console(stderr=True, highlight=False, soft_wrap=True, markup=False, emoji=False)


def _let_escape(stream: TextIO) -> None:
    """Make a stream escape what it cannot encode (a name that is not UTF-8) instead of failing."""
    if isinstance(stream, TextIOWrapper):
        stream.reconfigure(errors=files.ESCAPING)


def show_notes(notes: Sequence[str], path: Path | None = None) -> None:
    """Print a line for everything that was left out, changed or assumed; `path`: the file it is about."""
    for note in notes:
        err().print(f"note: {note}" if path is None else f"note: {path}: {note}")


def show_error(error: BaseException) -> None:
    """Print an error as one line for the user."""
    err().print(f"error: {user_line(error)}", style="red")


def progress() -> "Progress":
    """A progress bar on stderr that disappears when done."""
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

    text = TextColumn("{task.description}", markup=False)
    columns = (text, BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
    return Progress(*columns, console=err(), transient=True)


def runtime_config(path: Path | None) -> "RuntimeConfig":
    """Read the configuration from a file, or take the defaults.

    Raises:
        ConfigError: see `configs.base.Config.from_yaml`.
    """
    from configs.runtime.runtime import RuntimeConfig

    return RuntimeConfig.from_yaml(path) if path else RuntimeConfig()


def changes(drop_missing: list[str] | None) -> dict[str, Any]:
    """Values of `--set` by their keys.

    Raises:
        ConfigError: one has no `=`, or its value is not YAML.
    """
    values: dict[str, Any] = {}
    for one in drop_missing or []:
        key, equals, value = one.partition("=")
        if not (key and equals):
            raise ConfigError(f"--set {shorten(one)}: write it as KEY=VALUE, for example --set device=cuda")
        try:
            values[key] = parse_yaml(value)
        except ValueError:
            raise ConfigError(
                f"--set {shorten(one)}: '{shorten(value)}' is not a YAML value; put quotes around it"
            ) from None
    return values


def _llm_values(source: str | None, model: str | None, answers: str | None) -> dict[str, Any]:
    """Values of the language model's options.

    Raises:
        ConfigError: an option is empty or unknown.
    """
    if source is not None and not source.strip():
        raise ConfigError("--llm is empty; name a model, a folder or a server's address, for example --llm smollm2")
    if answers not in (None, "all", "unknown"):
        raise ConfigError(f"--llm-answers: must be all or unknown, not '{answers}'")
    named = {"source": source, "model": model, "answers": answers}
    return {LLM + key: value for key, value in named.items() if value is not None}


def drop_missing(values: Mapping[str, Any]) -> dict[str, Any]:
    """Drop options that were not given; returns plain values of a model's description."""
    plain = {name: value.value if isinstance(value, StrEnum) else value for name, value in values.items()}
    return {name: value for name, value in plain.items() if value is not None}


def write_json(path: Path, values: Any) -> None:
    """Write plain values as a whole file; creates the folder.

    Raises:
        ConfigError: the file cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        files.write_json(path, values)
    except OSError as error:
        raise ConfigError(f"{path}: cannot be written ({error.strerror}); choose another path for --json") from None
