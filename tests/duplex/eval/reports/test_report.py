"""A report is strict JSON, the same for the same run, and is read back unchanged."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from configs.eval.statistics import StatisticsConfig
from duplex.eval.errors import EvaluationError
from duplex.eval.measures.figures import number, rate, sum_up
from duplex.eval.reports.report import plain, report, table, write_json
from duplex.eval.reports.schema import SCHEMA, Report, read_report
from tests.duplex.eval.reports.made import MACHINE, SETTINGS, figures, row, rows, values, write


def strict(path: Path) -> Any:
    def refuse(token: str) -> None:
        raise AssertionError(f"{token} is not JSON")

    return json.loads(path.read_text(), parse_constant=refuse)


def test_a_report_is_read_back_with_its_figures(tmp_path: Path) -> None:
    found = rows(12)
    path = write(tmp_path / "run" / "report.json", found)
    read = read_report(path)
    assert read == read_report(tmp_path / "run")
    assert read.version == SCHEMA
    assert [part.figure(read.statistics) for part in read.figures] == figures(found)
    assert [part.figure(read.statistics).numbers for part in read.figures] == [f.numbers for f in figures(found)]
    assert read.dialogues[3].events[1].start == 2.5
    assert read.dialogues[3].trace.answers[0].unheard == "so"


def test_figures_come_with_the_values_of_every_dialogue(tmp_path: Path) -> None:
    success, response, errors, clicks = strict(write(tmp_path / "r.json", rows(12)))["figures"]
    assert (success["kind"], success["n"], success["hits"], success["share"]) == ("rate", 12, 9, 0.75)
    assert success["bars"] == [{"of": "share", "sense": ">=", "limit": 0.5, "met": True}]
    assert success["values"][:2] == [["d0", 0.0], ["d1", 1.0]]
    assert response["p50_low"] == 0.5
    assert errors["over"] == list(range(4, 16))
    assert "values" not in clicks


def test_numbers_without_a_word_in_json_have_one(tmp_path: Path) -> None:
    read = strict(write(tmp_path / "r.json", [row("a", trace={"p_speak": [float("nan")]})]))
    assert read["settings"]["definitions"] == {"limits": [1.0, "inf"], "click": 0.00002}
    assert read["dialogues"][0]["trace"]["p_speak"] == [None]
    assert plain([-np.inf, np.float32(0.5), np.int64(3), (1,)]) == ["-inf", 0.5, 3, [1]]


def test_only_results_are_rounded() -> None:
    found = report("made", {"tiny": 0.000012}, {}, [], [row("a", response=0.123456)])
    assert found["settings"]["tiny"] == 0.000012
    assert found["dialogues"][0]["measures"]["response_s"] == [0.1235, None]
    assert found["dialogues"][0]["events"][1]["start"] == 2.1235


def test_equal_runs_give_equal_bytes(tmp_path: Path) -> None:
    found = [row(f"d{i}", response=0.1 * i) for i in range(30)]
    one, two = (write(tmp_path / name, found).read_bytes() for name in ("a.json", "b.json"))
    assert one == two


def test_every_dialogue_and_every_figure_has_its_line(tmp_path: Path) -> None:
    lines = write(tmp_path / "r.json", rows(3)).read_text().splitlines()
    assert sum(line.startswith('  {"id": "d') for line in lines) == 3
    assert sum(line.startswith('  {"name": ') for line in lines) == 4


def test_how_values_became_numbers_is_kept(tmp_path: Path) -> None:
    config = StatisticsConfig(least_n=2, resamples=200)
    found = rows(3)
    write_json(report("made", SETTINGS, MACHINE, sum_up(figures(found), config), found), tmp_path / "r.json")
    read = read_report(tmp_path / "r.json")
    assert read.statistics == config
    assert read.figures[0].figure(read.statistics).numbers["share"] == pytest.approx(2 / 3, abs=1e-4)


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("{", r"is not JSON \(Expecting property name"),
        ('{"schema": 2, "x": NaN}', "NaN is not a JSON number"),
        ("[1]", "is not a report; give the report.json"),
        ('{"figures": []}', "is not a report; give the report.json"),
        ('{"schema": 1}', "is a report of schema 1, but schema 2 is read here; run the suite again"),
        ('{"schema": 2, "suite": "x"}', "is not a report of schema 2 \\('settings': Field required\\)"),
    ],
)
def test_what_is_no_report_is_one_line(text: str, line: str, tmp_path: Path) -> None:
    path = tmp_path / "report.json"
    path.write_text(text)
    with pytest.raises(EvaluationError, match=line) as error:
        read_report(tmp_path)
    assert str(error.value).startswith(f"{path}: ")
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("path", ["nowhere", "."])
def test_a_missing_report_is_one_line(path: str, tmp_path: Path) -> None:
    with pytest.raises(EvaluationError, match=r"cannot be read \(No such file"):
        read_report(tmp_path / path)


def test_unknown_keys_and_double_ids_are_refused(tmp_path: Path) -> None:
    extra = values(rows(1))
    extra["figures"][0]["shar"] = 1
    write_json(extra, tmp_path / "extra.json")
    with pytest.raises(EvaluationError, match=r"figures.0.rate.shar"):
        read_report(tmp_path / "extra.json")
    with pytest.raises(EvaluationError, match="two dialogues have the same id"):
        read_report(write(tmp_path / "double.json", [row("a"), row("a")]))


def test_a_place_that_cannot_be_written_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(EvaluationError, match=r"r.json: cannot be written \(.*\); choose another place"):
        write_json({}, tmp_path / "file" / "r.json")


def test_the_schema_is_published() -> None:
    schema = Report.model_json_schema()
    assert schema["properties"]["schema"]["const"] == SCHEMA
    assert {"RateFigure", "SpreadFigure", "RatioFigure", "NumberFigure"} <= set(schema["$defs"])


def test_the_table_hides_small_rates_and_leaves_details_out() -> None:
    small = rate("few", "clips", [("a", True)], (figures(rows(1))[0].bars))
    shown = table("title", [small, replace(number("hidden", "clips", 1, 1.0), detail=True)])
    assert shown.row_count == 1
    cells = [next(iter(column.cells)) for column in shown.columns]
    assert cells[:2] == ["few", "n < 10"]
    assert cells[2] == ""
    assert cells[4] == "1 of 1 clips"
    assert str(cells[5]) == "≥ 50.0 % no data "
