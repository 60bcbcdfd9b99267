"""Damaged files of runs, data and other projects give a value or one typed error, never another exception."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from configs.eval.protocols import FullDuplexBenchConfig
from configs.eval.statistics import StatisticsConfig
from duplex.eval.errors import EvaluationError
from duplex.eval.exchange.fdb_folder import scores
from duplex.eval.reports.schema import SCHEMA, read_report
from duplex.eval.store import RowStore
from duplex.eval.users.data_folder import DataFolder, TrialFolder
from tests.malformed import is_one_line, make_malformed, value_or_error

EMPTY: dict[str, Any] = {name: [] for name in ("user", "assistant", "p_speak", "decisions", "answers", "heard")}
TRACE = {"seconds": 1, "state": "", **EMPTY}
ROW = {"id": "a", "group": "g", "measures": {"x": 1}, "worst": 0.0, "events": [], "trace": TRACE}
REPORT = {
    "schema": SCHEMA, "suite": "s", "settings": {}, "machine": {}, "statistics": StatisticsConfig().model_dump(),
    "figures": [], "dialogues": [ROW],
}  # fmt: skip
WORDS = {"text": "one", "chunks": [{"text": "one", "timestamp": [0.5, None]}, {"text": "two", "timestamp": [0.9, 1.2]}]}
TRIAL = {"name": "a", "test": "pause", "start": 0.0, "end": 1.0, "text": "hi", "pause": 0.3, "pause_start": 0.2}


def fdb(path: Path) -> object:
    return scores(path.parent.parent, FullDuplexBenchConfig()).figures()


Case = tuple[str, list[Any], Callable[[Path], object]]
"""Where the file lies, its lines, and what reads it."""
CASES: dict[str, Case] = {
    "manifest": ("manifest.jsonl", [{"file": "pause/a.wav", "text": "hi"}] * 2, lambda path: DataFolder(path.parent)),
    "trials": ("trials.jsonl", [TRIAL, TRIAL], lambda path: TrialFolder(path.parent)),
    "rows": ("rows.jsonl", [{"settings": {"a": 1}}, ROW], lambda path: RowStore(path, {"a": 1}).rows),
    "report": ("report.json", [REPORT], read_report),
    "words": ("a/output.json", [WORDS], fdb),
}
PIECES = [
    *(b'"', b"{", b"}", b"[", b"]", b",", b":", b"null", b"[]", b"{}", b'"x"', b"1e999", b"9" * 400, b"\xff", b"\n"),
    *(b"\xe2\x80\xa8", b"[" * 5000, b"NaN", b"true", b'"\\ud800"', b'"file"', b'"schema"'),
]


def lines(rows: list[Any]) -> bytes:
    return "".join(json.dumps(row) + "\n" for row in rows).encode()


@pytest.mark.parametrize("name", CASES)
def test_a_good_file_is_read(tmp_path: Path, name: str) -> None:
    place, rows, read = CASES[name]
    path = tmp_path / place
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(lines(rows))
    assert read(path)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@pytest.mark.parametrize("name", CASES)
@given(drawn=st.data())
def test_any_file_is_read_or_a_typed_error(tmp_path: Path, name: str, drawn: st.DataObject) -> None:
    place, rows, read = CASES[name]
    path = tmp_path / place
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(drawn.draw(make_malformed([lines(rows)], PIECES)))
    found = value_or_error(lambda: read(path), EvaluationError)
    assert not isinstance(found, EvaluationError) or is_one_line(found, tmp_path)
