"""The command line. Imports of heavy rooms wait for the command that needs them.

Errors the user can mend are one line on stderr: exit code 2 for a wrong option or configuration, else 1.
"""

import sys
from importlib import import_module
from typing import Annotated

import typer

from runtime.cli import converse, convert, init, repair, replay
from runtime.cli.bench import command as bench
from runtime.cli.common import show_error
from runtime.cli.doctor import command as doctor
from runtime.errors import USER_ERRORS, MissingPackage, exit_code

INTERRUPTED = 130
TRAIN_PACKAGES = "get what the recipe needs with: pip install 'duplex-voice[train]'"
DEBUG = "--debug"
FORWARD = {"allow_extra_args": True, "ignore_unknown_options": True, "help_option_names": []}

app = typer.Typer(name="duplex", no_args_is_help=True, pretty_exceptions_enable=False, add_completion=False)
bench_app = typer.Typer(no_args_is_help=True, help="Measure speed on this machine.")


@app.callback()
def root(debug: Annotated[bool, typer.Option(DEBUG, help="Show tracebacks.")] = False) -> None:
    """A voice assistant that listens while it speaks."""


@app.command("serve", context_settings=FORWARD, add_help_option=False)
def serve(context: typer.Context) -> None:
    """Serve the page: talk to the model in the browser."""
    _forward("runtime.cli.serve", "serve", context)


@app.command("talk", context_settings=FORWARD, add_help_option=False)
def talk(context: typer.Context) -> None:
    """Talk to the model with this machine's microphone and speaker."""
    _forward("runtime.cli.talk", "talk", context)


app.command("converse")(converse.command)


@app.command("chat", context_settings=FORWARD, add_help_option=False)
def chat(context: typer.Context) -> None:
    """Chat in turns: text or a recording in, text and speech out."""
    single = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
    single.command()(import_module("runtime.cli.chat").command)
    single(context.args, prog_name="duplex chat")


@app.command("evaluate", context_settings=FORWARD, add_help_option=False)
def evaluate(context: typer.Context) -> None:
    """Measure turn-taking, understanding and speech."""
    _forward("runtime.cli.evaluate.app", "evaluate", context)


app.command("replay")(replay.command)
app.command("repair")(repair.command)
app.add_typer(bench_app, name="bench")
bench_app.command("step")(bench.step)
app.command("doctor")(doctor.command)
app.command("convert")(convert.command)
app.command("init")(init.command)


@app.command("train", context_settings=FORWARD, add_help_option=False)
def train(context: typer.Context) -> None:
    """Train the parts of the embedded model."""
    try:
        _forward("runtime.cli.train", "train", context)
    except ModuleNotFoundError as error:
        package = str(error.name).partition(".")[0]
        raise MissingPackage(f"the package {package} is not installed; {TRAIN_PACKAGES}") from error


@bench_app.command("serve", context_settings=FORWARD, add_help_option=False)
def bench_serve(context: typer.Context) -> None:
    """Measure packets and latencies of a served model with several clients."""
    _forward("runtime.cli.bench.serve", "bench serve", context)


@bench_app.command("detokenizer", context_settings=FORWARD, add_help_option=False)
def bench_detokenizer(context: typer.Context) -> None:
    """Measure compute per second of sound of the CosyVoice3 detokenizer."""
    _forward("runtime.cli.bench.detokenizer", "bench detokenizer", context)


def main() -> None:
    """The console script."""
    sys.exit(run(sys.argv[1:]))


def run(arguments: list[str]) -> int:
    """Run one command; returns its exit code."""
    try:
        app(arguments, prog_name="duplex")
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else int(end.code is not None)
    except KeyboardInterrupt:
        return INTERRUPTED
    except Exception as error:
        if DEBUG in arguments:
            raise
        show_error(error if isinstance(error, USER_ERRORS) else _unexpected(error))
        return exit_code(error)
    return 0


def _unexpected(error: Exception) -> Exception:
    return RuntimeError(f"unexpected {type(error).__name__}: {error} (add {DEBUG} right after duplex for its origin)")


def _forward(module: str, name: str, context: typer.Context) -> None:
    """Give the arguments to the typer application `app` of `module`, imported now."""
    import_module(module).app(context.args, prog_name=f"duplex {name}")
