"""`duplex evaluate policy` on a stand-in for a model: both plots, a report, and no conversation run twice."""

import json
from pathlib import Path

import pytest

from runtime.cli.main import run
from tests.duplex.eval.fakes import trial, write_data, write_trials
from tests.runtime.fakes import load_fake

GRID = """
start: {probability: [0.5, 0.9, 0.99], slots: [1, 2]}
stop: {probability: [0.005, 0.4], slots: [1, 2], at_once: [0.0]}
"""


@pytest.fixture
def arguments(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    monkeypatch.setattr("runtime.engine.worker.load_model", load_fake)
    data = write_data(tmp_path / "data", {"Who?": "I", "When?": "Now"}, clips=1, noises=1)
    asks = [trial("ask", "question_voice", 1.0, long=True, answer="word " * 30)]
    turns = [trial("turn", "pause", 3.0, pause=0.6, pause_start=1.6)]
    streams = [trial("silence", "silence", 2.0), trial("room", "room", 2.0)]
    trials = write_trials(tmp_path / "trials", [*asks, *turns, *streams])
    grid, early = tmp_path / "grid.yaml", tmp_path / "early.yaml"
    grid.write_text(GRID)
    early.write_text("overlap: {into_answer_s: 0.5}\n")
    options: dict[str, object] = {
        "--data": data,
        "--trials": trials,
        "--grid": grid,
        "--config": early,
        "--model": "fake",
    }
    options |= {"--out": tmp_path / "out"}
    return ["evaluate", "policy", *(str(part) for pair in options.items() for part in pair)]


def test_policies_are_compared_and_plotted(arguments: list[str], tmp_path: Path) -> None:
    assert run([*arguments, "--json", str(tmp_path / "policy.json")]) == 0
    report = json.loads((tmp_path / "policy.json").read_text())
    stops = {(p["policy"]["stop"]["probability"], p["policy"]["stop"]["slots"]): p for p in report["stop"]["points"]}
    assert {key: point["y"] for key, point in stops.items()} == {
        (0.005, 1): 0.0, (0.005, 2): 0.0, (0.4, 1): 1.0, (0.4, 2): 1.0,
    }  # fmt: skip
    quick, slow = (stops[0.4, slots]["figures"]["latency"]["p50"] for slots in (1, 2))
    assert slow == pytest.approx(quick + 0.2, abs=0.01)
    assert [key for key, point in stops.items() if point["best"]] == [(0.005, 1)]
    assert stops[0.4, 1]["figures"]["ignores noise"]["hits"] == 0
    folder = tmp_path / "out" / "policy-fake"
    assert {path.name for path in folder.iterdir()} == {
        "overlap.jsonl", "pauses.jsonl", "policy.json", "start.svg", "stop.svg",
    }  # fmt: skip
    assert (folder / "policy.json").read_bytes() == (tmp_path / "policy.json").read_bytes()


def test_what_was_had_is_not_had_again(arguments: list[str], tmp_path: Path) -> None:
    assert run(arguments) == 0
    folder = tmp_path / "out" / "policy-fake"
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    examples = {json.loads(line)["row"]["id"] for line in (folder / "pauses.jsonl").read_text().splitlines()[1:]}
    assert len((folder / "pauses.jsonl").read_text().splitlines()) - 1 == 3 * len(examples)
    assert not examples & {"silence", "room"}
    assert run(arguments) == 0
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before
