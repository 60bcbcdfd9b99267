"""The whole command tree: help imports nothing heavy, every number has bounds, wrong values give one line."""

import math
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer

from runtime.cli import main as cli
from runtime.cli.lazy import LazyGroup
from runtime.cli.values import NumberParser, NumbersParser

HEAVY = ("torch", "transformers", "numpy", "fastapi", "uvicorn", "aiortc", "av", "soundfile", "sounddevice")
OUTSIDE = ("inf", "-inf", "nan", "1e999", "-1", "9" * 400, "-" + "9" * 400, "", "five")


def walk(name: str, command: Any) -> Iterator[tuple[str, Any]]:
    """Every command by its path, loaded."""
    yield name, command
    context = typer.Context(command, info_name=name)
    for child in getattr(command, "list_commands", lambda _: [])(context):
        loaded = command.load(child) if isinstance(command, LazyGroup) else command.get_command(context, child)
        yield from walk(f"{name} {child}", loaded)


TREE = dict(walk("duplex", typer.main.get_command(cli.app)))
VALUED = [
    (path, parameter)
    for path, command in TREE.items()
    for parameter in command.params
    if parameter.opts[0] != "--help" and not getattr(parameter, "is_flag", False)
]


def info(parameter: Any) -> Any:
    """What the option was declared with."""
    return parameter.type_descriptor.parameter_info


def is_numeric(parameter: Any) -> bool:
    """Whether its annotation is a number, a list of numbers, or its parser reads numbers."""
    kind = str(parameter.type_descriptor.annotation)
    return any(word in kind for word in ("int", "float", "complex", "Number")) and "<locals>" not in kind


NUMERIC = [(path, parameter) for path, parameter in VALUED if is_numeric(parameter)]
ONE_A_COMMAND = list({path: (path, parameter) for path, parameter in NUMERIC}.values())


def test_the_tree_is_whole() -> None:
    assert {"duplex serve", "duplex evaluate all", "duplex bench step", "duplex train mix"} <= set(TREE)
    assert len(NUMERIC) > 60


@pytest.mark.parametrize(("path", "parameter"), NUMERIC, ids=lambda one: getattr(one, "name", one))
def test_every_number_has_bounds(path: str, parameter: Any) -> None:
    parser = info(parameter).parser
    if isinstance(parser, NumbersParser):
        parser = parser.each
    low, high = (parser.lowest, parser.highest) if isinstance(parser, NumberParser) else (parameter.min, parameter.max)
    assert low is not None
    assert high is not None
    assert -math.inf < low < high < math.inf


@pytest.mark.parametrize(("path", "parameter"), NUMERIC, ids=lambda one: getattr(one, "name", one))
def test_a_value_outside_is_refused_with_the_bounds(path: str, parameter: Any) -> None:
    context = typer.Context(TREE[path], info_name=path)
    bound = info(parameter).parser
    high = bound.each.highest if isinstance(bound, NumbersParser) else parameter.max
    for value in OUTSIDE:
        with pytest.raises(typer.BadParameter) as raised:
            parameter.process_value(context, [value] if parameter.multiple else value)
        message = raised.value.message
        assert "\n" not in message
        assert f"{high:,g}" in message or f"{high:,}" in message or bound is None


@pytest.mark.parametrize("value", ["inf", "-1"])
@pytest.mark.parametrize(("path", "parameter"), ONE_A_COMMAND, ids=lambda one: getattr(one, "name", one))
def test_a_value_outside_is_one_line(path: str, parameter: Any, value: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run([*path.split()[1:], f"{parameter.opts[-1]}={value}"]) == 2
    said = capsys.readouterr()
    assert said.out == ""
    (line,) = said.err.splitlines()
    assert line.startswith(f"error: {parameter.opts[-1]}: ")


@pytest.mark.parametrize(
    ("option", "values"),
    [
        ("--at", ["0001-01-01", "9999-12-31T23:59:59", "1969-01-01", "noon", "2026-13-01", ""]),
        ("--pattern", ["S2X", "inf", ""]),
    ],
)
def test_dates_and_names_have_bounds_too(option: str, values: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    for value in values:
        assert cli.run(["converse", "a.wav", "--out", "o", f"{option}={value}"]) == 2
        (line,) = capsys.readouterr().err.splitlines()
        assert line.startswith(f"error: {option}: ")


@pytest.mark.parametrize("command", ["chat", "doctor", "bench step --shape funaudiochat-8b"])
@pytest.mark.parametrize("value", ["gpu", "cuda:999999999999999999999", "cuda:-1", ""])
def test_devices_have_bounds(command: str, value: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run([*command.split(), f"--device={value}"]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("error: --device: must be auto, cpu, cuda, or cuda:0 to cuda:99")


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["sevre"], "error: there is no command 'sevre'; choose one of serve, talk, "),
        (["bench", "steps"], "error: there is no command 'steps'; choose one of step, serve, soak, detokenizer"),
        (["converse", "--nonsense"], "error: No such option: --nonsense"),
        (["converse", "a.wav"], "error: Missing option '--out'; see duplex converse --help"),
        (["replay"], "error: Missing argument"),
        (["train", "mixx"], "error: No such command 'mixx'"),
    ],
)
def test_a_wrong_command_line_is_one_line(arguments: list[str], line: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(arguments) == 2
    (said,) = capsys.readouterr().err.splitlines()
    assert said.startswith(line)


@pytest.mark.parametrize("path", [path for path, command in TREE.items() if hasattr(command, "list_commands")])
def test_a_command_that_is_missing_shows_help(path: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(path.split()[1:]) == 2
    assert f"Usage: {path}" in capsys.readouterr().out


@pytest.mark.parametrize("path", TREE)
def test_help_of_every_command(path: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run([*path.split()[1:], "--help"]) == 0
    assert f"Usage: {path}" in capsys.readouterr().out


GROUPS = [(path, command) for path, command in TREE.items() if isinstance(command, LazyGroup)]


@pytest.mark.parametrize(("path", "group"), GROUPS, ids=lambda one: one if isinstance(one, str) else "")
def test_a_group_says_of_a_command_what_the_command_says(path: str, group: LazyGroup) -> None:
    for name, lazy in group.table.items():
        own = (group.load(name).help or "").strip().splitlines()[0]
        assert own == lazy.help, f"{path} {name}"


@pytest.mark.parametrize(
    "arguments", [["--help"], ["serve", "--help"], ["chat", "--help"], ["evaluate", "--help"], ["train", "--help"],
                  ["bench", "--help"], ["serve", "--port", "70000"]]
)  # fmt: skip
def test_help_and_refusals_import_nothing_heavy(arguments: list[str], tmp_path: Path) -> None:
    imported = f"[name for name in {HEAVY} if name in sys.modules]"
    code = f"import sys; from runtime.cli.main import run; run({arguments}); print({imported})"
    ended = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert ended.stdout.splitlines()[-1] == "[]"
    assert not list(tmp_path.iterdir())
