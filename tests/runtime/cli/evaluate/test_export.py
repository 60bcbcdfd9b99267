"""`duplex evaluate export` and `fdb-agreement`, as a user calls them."""

import json
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner, Result

from duplex.eval.errors import EvaluationError
from duplex.eval.exchange.formats import FORMATS
from runtime.cli.evaluate.export import agreement_command, export_command
from tests.duplex.eval.exchange.runs import barge_in_row, question_row, turn_row, write_run

app = typer.Typer()
app.command("export")(export_command)
app.command("fdb-agreement")(agreement_command)


def call(*arguments: object) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


@pytest.mark.parametrize("name", FORMATS)
def test_every_format_is_written_and_its_figures_are_shown(name: str, tmp_path: Path) -> None:
    run = write_run(tmp_path / "run", "some", [question_row("q", "Paris", "it is Paris"), barge_in_row("b")])
    done = call("export", name, run, tmp_path / "out", "--json", tmp_path / "out.json")
    assert done.exit_code == 0, done.output
    facts = json.loads((tmp_path / "out.json").read_text())
    assert facts["format"] == name
    assert facts["conversations"] >= 1
    assert facts["figures"]
    assert f"{tmp_path / 'out'}: {facts['conversations']} conversations" in done.stdout
    assert all(note in done.stderr for note in facts["notes"])
    assert any((tmp_path / "out").iterdir())


def test_a_task_of_full_duplex_bench(tmp_path: Path) -> None:
    run = write_run(tmp_path / "run", "reactive", [barge_in_row("b")])
    done = call("export", "fdb", run, tmp_path / "out", "--task", "smooth_turn_taking")
    assert "  takeover rate: 1.0\n" in done.stdout
    assert (tmp_path / "out" / "b" / "turn_taking.json").is_file()


def test_wrong_names_are_one_line(tmp_path: Path) -> None:
    run = write_run(tmp_path / "run", "turns", [turn_row("a", 0.4)], audio=False)
    for arguments, line in (
        (("csv", run), "there is no format 'csv'; choose one of fdb, mtr, ultraeval, tau2, voicebench"),
        (("mtr", run, "--task", "x"), "--task is for fdb, not for mtr; leave it out"),
        (("fdb", tmp_path), "report.json: cannot be read"),
        (("fdb", run), "run the suite again with --audio"),
    ):
        done = call("export", *arguments[:2], tmp_path / "out", *arguments[2:])
        assert isinstance(done.exception, EvaluationError)
        assert line in str(done.exception)
        assert "\n" not in str(done.exception)


def checkout(folder: Path, rate: float) -> Path:
    for name in ("eval_pause_handling.py", "eval_smooth_turn_taking.py"):
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(f"print('Average take turn: ', {rate})\nprint('Average latency: ', 0.4)\n")
    return folder


@pytest.mark.parametrize(("rate", "code"), [(1.0, 0), (0.9, 1)])
def test_agreement_is_a_table_and_an_exit_code(tmp_path: Path, rate: float, code: int) -> None:
    run = write_run(tmp_path / "run", "turns", [turn_row("a", 0.4)])
    call("export", "fdb", run, tmp_path / "turns")
    done = call("fdb-agreement", checkout(tmp_path / "fdb", rate), tmp_path / "turns", "--json", tmp_path / "x.json")
    assert done.exit_code == code
    assert "eval_smooth_turn_taking.py" in done.stdout
    assert ("NO" in done.stdout) is bool(code)
    facts = json.loads((tmp_path / "x.json").read_text())
    assert facts["agree"] is not bool(code)
    assert [line["figure"] for line in facts["lines"]] == ["takeover rate", "takeover rate", "latency as published, s"]
