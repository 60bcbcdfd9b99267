"""`duplex evaluate compare` on files: a table, a JSON file, notes on stderr, an exit code."""

import json
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from duplex.eval.errors import EvaluationError
from runtime.cli.evaluate.compare import command
from tests.duplex.eval.reports.made import SETTINGS, row, write

app = typer.Typer()
app.command()(command)


def run(*arguments: str | Path) -> tuple[int, str, str]:
    found = CliRunner().invoke(app, [str(argument) for argument in arguments], catch_exceptions=False)
    return found.exit_code, found.stdout, found.stderr


@pytest.fixture
def runs(tmp_path: Path) -> tuple[Path, Path]:
    """The second run is 0.4 s slower; the first has one dialogue more."""
    fast = [row(f"d{i}", response=0.5 + i / 100) for i in range(21)]
    slow = [row(f"d{i}", response=0.9 + i / 90) for i in range(20)]
    write(tmp_path / "a" / "report.json", fast)
    return tmp_path / "a", write(tmp_path / "b.json", slow, {**SETTINGS, "policy": "patient"})


def test_a_table_says_what_differs(runs: tuple[Path, Path]) -> None:
    code, out, err = run(*runs)
    assert code == 0
    line = next(line for line in out.splitlines() if "response, mean" in line)
    assert [cell.strip() for cell in line.strip("│").split("│")] == [
        "response, mean", "0.595", "1.01", "0.411", "[0.408, 0.413]", "0.0002", "worse",
    ]  # fmt: skip
    assert "20 dialogues in both" in out
    assert "1 dialogues are only in A and were left out" in err
    assert "settings that differ: policy" in err
    assert "warning" not in err


def test_worse_figures_are_an_exit_code_if_asked(runs: tuple[Path, Path]) -> None:
    assert run(*runs, "--fail-on-worse")[0] == 1
    assert run(*reversed(runs), "--fail-on-worse")[0] == 0


def test_programs_get_the_same(runs: tuple[Path, Path], tmp_path: Path) -> None:
    run(*runs, "--json", tmp_path / "c.json")
    values = json.loads((tmp_path / "c.json").read_text())
    response = next(one for one in values["differences"] if (one["name"], one["number"]) == ("response", "p50"))
    assert response["verdict"] == "worse"
    assert response["n"] == [20, 20]
    assert values["only_first"] == ["d20"]


def test_other_definitions_are_a_warning(runs: tuple[Path, Path], tmp_path: Path) -> None:
    other = {**SETTINGS, "definitions": {"limits": [2.0]}, "data_sha256": "x"}
    path = write(tmp_path / "c.json", [row("d1"), row("d2")], other)
    _, _, err = run(runs[0], path)
    assert "warning: not the same measurement" in err
    assert "data_sha256, definitions.click, definitions.limits" in err


def test_how_runs_are_compared_is_configured(runs: tuple[Path, Path], tmp_path: Path) -> None:
    path = tmp_path / "rules.yaml"
    path.write_text("alike: [policy]\nstatistics: {least_n: 30}\n")
    _, out, err = run(*runs, "--config", path)
    assert "warning: not the same measurement, these differ: policy" in err
    assert "too few" in next(line for line in out.splitlines() if "success" in line)


def test_two_suites_are_not_compared(runs: tuple[Path, Path], tmp_path: Path) -> None:
    with pytest.raises(EvaluationError, match="give two reports of one suite"):
        run(runs[0], write(tmp_path / "c.json", [row("d1")], suite="other"))
