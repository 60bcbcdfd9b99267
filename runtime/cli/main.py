"""The command line. A command's module is imported only when it runs, so that help and errors come at once.

Errors that the user can fix are one line on stderr: exit code 2 for a wrong option or configuration, otherwise 1.
"""

import sys
from collections.abc import Mapping
from typing import Annotated, Any, ClassVar

import typer

from configs.base import ConfigError
from runtime.cli.common import show_error
from runtime.cli.lazy import Lazy, LazyGroup, application
from runtime.errors import USER_ERRORS, MissingPackage, exit_code

INTERRUPTED = 130
DEBUG = "--debug"
EXTRAS = {"train": "train", "data": "train"}
"""Command -> extra of the distribution with the packages that only this command needs."""
CHECKED = "Value error, "
"""Prefix that pydantic adds to the message of a check."""
OURS = ("configs", "tdm", "duplex", "runtime", "demos")


class BenchCommands(LazyGroup):
    """Commands of `duplex bench`."""

    table: ClassVar[Mapping[str, Lazy]] = {
        "step": Lazy("runtime.cli.bench.command:step", "Time the steps of a model, or of a shape with random weights."),
        "serve": Lazy(
            "runtime.cli.bench.serve:command", "Measure packets and latencies of a served model with several clients."
        ),
        "soak": Lazy(
            "runtime.cli.bench.soak.command:command",
            "Serve long conversations with drifting clocks, and fail if memory or lag grows or something leaks.",
        ),
        "detokenizer": Lazy(
            "runtime.cli.bench.detokenizer:command",
            "Compute per second of sound of the CosyVoice3 detokenizer, and of the authors' streaming.",
        ),
    }


bench_app = application(BenchCommands, "Measure speed on this machine.")


class Commands(LazyGroup):
    """Commands of `duplex`."""

    table: ClassVar[Mapping[str, Lazy]] = {
        "serve": Lazy("runtime.cli.serve:app", "Serve the page: talk to the model in the browser."),
        "talk": Lazy("runtime.cli.talk:command", "Talk to the model with this machine's microphone and loudspeaker."),
        "converse": Lazy(
            "runtime.cli.converse:command",
            "Let the model hear recordings; writes the conversation's four files for each.",
        ),
        "chat": Lazy("runtime.cli.chat:command", "Chat in turns: once with --text or --in, else line by line (/help)."),
        "evaluate": Lazy(
            "runtime.cli.evaluate.app:app", "Measure turn-taking, understanding and speech: docs/evaluation.md."
        ),
        "replay": Lazy(
            "runtime.cli.replay:command",
            "Replay the logged user audio, and compare tokens and samples with the log.",
        ),
        "repair": Lazy(
            "runtime.cli.repair:command",
            "Repair the files of a killed conversation: headers of the recordings, transcript from the log.",
        ),
        "bench": Lazy("runtime.cli.main:bench_app", "Measure speed on this machine."),
        "doctor": Lazy(
            "runtime.cli.doctor.command:command",
            "Check the machine and a model's files, without loading its weights, and ask a language model (--llm).",
        ),
        "convert": Lazy(
            "runtime.cli.convert:command",
            "Write Fun-Audio-Chat or CosyVoice3 as safetensors with one configuration file; nothing is unpickled.",
        ),
        "init": Lazy(
            "runtime.cli.init:command",
            "Make a training start: published weights, special tokens, and fresh weights for everything else.",
        ),
        "data": Lazy(
            "runtime.cli.data.app:app", "Training examples: import them, mix patterns, make dialogues of two channels."
        ),
        "train": Lazy("runtime.cli.train.app:app", "The recipe of the embedded model, step by step."),
    }


def root(debug: Annotated[bool, typer.Option(DEBUG, help="Show tracebacks.")] = False) -> None:
    """Options that precede the command."""


app = application(Commands, "A voice assistant that listens while it speaks.", root)


def main() -> None:
    """The console script."""
    sys.exit(run(sys.argv[1:]))


def run(arguments: list[str]) -> int:
    """Run one command; returns its exit code."""
    try:
        code: Any = app(arguments, prog_name="duplex", standalone_mode=False)
    except typer.Exit as end:
        return end.exit_code
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else int(end.code is not None)
    except (KeyboardInterrupt, typer.Abort):
        return INTERRUPTED
    except Exception as error:
        if DEBUG in arguments:
            raise
        return _tell(error, arguments)
    return code if isinstance(code, int) else 0


def _tell(error: Exception, arguments: list[str]) -> int:
    """Print an error; returns its exit code."""
    if isinstance(error, typer.TyperException):
        return _tell_usage(error)
    if isinstance(error, ModuleNotFoundError):
        error = _missing(error, arguments)
    show_error(error if isinstance(error, USER_ERRORS) else _describe_unexpected(error))
    return exit_code(error)


def _tell_usage(error: typer.TyperException) -> int:
    """Print a wrong option, unless help was shown instead of a missing command; returns the exit code."""
    if error.format_message().strip():
        show_error(ConfigError(_usage(error)))
    return error.exit_code


def _usage(error: typer.TyperException) -> str:
    """What is wrong with an option, in one line that begins with its name."""
    if (param := getattr(error, "param", None)) is not None and error.message:
        names = param.opts if param.param_type_name == "option" else [param.metavar or str(param.name).upper()]
        return f"{' / '.join(names)}: {error.message.removeprefix(CHECKED)}"
    context = getattr(error, "ctx", None)
    command = "duplex" if context is None else context.command_path
    return f"{error.format_message().strip().rstrip('.')}; see {command} --help"


def _missing(error: ModuleNotFoundError, arguments: list[str]) -> Exception:
    """The error for a package that is not installed; a missing module of this project is an unexpected error."""
    package = str(error.name).partition(".")[0]
    if package in OURS:
        return error
    command = next((argument for argument in arguments if not argument.startswith("-")), "")
    extra = f"[{EXTRAS[command]}]" if command in EXTRAS else ""
    return MissingPackage(
        f"the package {package} is not installed; get what {command} needs with: pip install 'duplex-voice{extra}'"
    )


def _describe_unexpected(error: Exception) -> Exception:
    return RuntimeError(f"unexpected {type(error).__name__}: {error} (add {DEBUG} right after duplex for its origin)")
