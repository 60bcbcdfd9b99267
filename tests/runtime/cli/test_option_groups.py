"""Shared options: typer sees the fields of a dataclass, the command gets the dataclass."""

from dataclasses import dataclass
from typing import Annotated

import pytest
import typer
from typer.testing import CliRunner

from runtime.cli.option_groups import with_option_groups


@dataclass(frozen=True)
class Shared:
    """Two options."""

    name: Annotated[str, typer.Option("--name")]
    count: Annotated[int, typer.Option("--times")] = 2


@dataclass(frozen=True)
class More(Shared):
    """One more."""

    loud: Annotated[bool, typer.Option("--loud")] = False


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["x", "--name", "a"], "x a 2 False 0"),
        (["x", "--name", "a", "--times", "3", "--loud", "--last", "5"], "x a 3 True 5"),
    ],
)
def test_fields_become_options(arguments: list[str], said: str) -> None:
    app = typer.Typer()

    @app.command()
    @with_option_groups
    def command(
        first: Annotated[str, typer.Argument()], shared: More, last: Annotated[int, typer.Option()] = 0
    ) -> None:
        """What it does."""
        typer.echo(f"{first} {shared.name} {shared.count} {shared.loud} {last}")

    result = CliRunner().invoke(app, arguments)
    assert (result.exit_code, result.output.strip()) == (0, said)
    assert "What it does." in CliRunner().invoke(app, ["--help"]).output
    assert CliRunner().invoke(app, ["x"]).exit_code == 2
