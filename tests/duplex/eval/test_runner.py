"""Runs resume where they stopped, in one process or in several, and report what is wrong."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from configs.eval.evaluation import EvaluationConfig
from duplex.eval.conversation_record import Recording, System
from duplex.eval.errors import EvaluationError
from duplex.eval.measures.figures import Figure, rate
from duplex.eval.reports.page import page
from duplex.eval.reports.report import report, write_json
from duplex.eval.reports.schema import read_report
from duplex.eval.runner import Experiment, limit_groups, run
from duplex.eval.store import RowStore
from duplex.eval.suite import DialogueRow, Example, Facts, FinishedDialogue
from duplex.eval.users.clip import Clip
from duplex.eval.users.data_folder import DataFolder, TrialFolder
from duplex.eval.users.user import At, Event, Script, SimulatedUser
from tests.duplex.eval.fakes import KnownAssistant, write_clip, write_data

CONFIG = EvaluationConfig()
SETTINGS = {"model": "fake", "policy": "balanced", "fingerprint": "f", "seed": 0, "limit": [1.0, None]}


@dataclass(frozen=True)
class Answered:
    """A suite that asks whether there was any sound."""

    clip: Clip
    name: str = "answered"

    def examples(self) -> list[Example]:
        script = Script((Event("clip", self.clip, At(0.2)),), 1.0)
        return [Example(f"{group}{i}", group, script) for group in ("a", "b") for i in range(3)]

    def score(self, dialogue: FinishedDialogue) -> tuple[Facts, float]:
        speech = dialogue.recording.speech(CONFIG.gate)
        return {"answered": bool(speech)}, float(dialogue.example.id == "b1")

    def figures(self, rows: Sequence[DialogueRow]) -> list[Figure]:
        return [rate("answered", "clips", ((row.id, row.measures["answered"]) for row in rows))]


@dataclass
class Counted:
    """Loads an assistant that counts its conversations and remembers their seeds."""

    seeds: list[int] = field(default_factory=list)
    breaks_at: int | None = None

    def __call__(self) -> System:
        return System(self.converse)

    def converse(self, user: SimulatedUser, seed: int) -> Recording:
        if len(self.seeds) == self.breaks_at:
            raise RuntimeError("the power is gone")
        self.seeds.append(seed)
        return KnownAssistant(says="yes").converse(user, seed)


def load_known() -> System:
    """Importable by name, as processes need it."""
    return System(KnownAssistant(says="yes").converse)


def load_broken() -> System:
    """A system that does not exist."""
    raise RuntimeError("the system is not there")


@pytest.fixture
def suite(tmp_path: Path) -> Answered:
    return Answered(Clip(write_clip(tmp_path / "one.wav", 0.5)))


def test_a_broken_run_goes_on_without_redoing_anything(suite: Answered, tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    broken = Counted(breaks_at=2)
    with pytest.raises(RuntimeError, match="power"):
        run(Experiment(suite, broken, CONFIG), suite.examples(), RowStore(path, SETTINGS))
    rest, whole = Counted(), Counted()
    rows = run(Experiment(suite, rest, CONFIG), suite.examples(), RowStore(path, SETTINGS))
    assert len(rest.seeds) == len(rows) - 2
    again = run(Experiment(suite, whole, CONFIG), suite.examples(), RowStore(tmp_path / "whole.jsonl", SETTINGS))
    assert rows == again
    assert broken.seeds + rest.seeds == whole.seeds


def test_a_line_cut_off_in_writing_is_done_again(suite: Answered, tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    rows = run(Experiment(suite, Counted(), CONFIG), suite.examples(), RowStore(path, SETTINGS))
    path.write_text(path.read_text()[:-20])
    counted = Counted()
    assert run(Experiment(suite, counted, CONFIG), suite.examples(), RowStore(path, SETTINGS)) == rows
    assert len(counted.seeds) == 1


def test_rows_of_other_settings_are_not_mixed_in(suite: Answered, tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    run(Experiment(suite, Counted(), CONFIG), suite.examples(), RowStore(path, SETTINGS))
    with pytest.raises(EvaluationError, match=r"other settings.*--fresh"):
        RowStore(path, {**SETTINGS, "policy": "patient"})
    assert RowStore(path, {**SETTINGS, "policy": "patient"}, fresh=True).rows == {}


def test_a_foreign_file_is_not_taken_for_rows(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_text("not json\n")
    with pytest.raises(EvaluationError, match="not a result file"):
        RowStore(path, SETTINGS)


def test_processes_give_the_same_rows(suite: Answered, tmp_path: Path) -> None:
    one = run(Experiment(suite, load_known, CONFIG), suite.examples(), RowStore(tmp_path / "1", SETTINGS))
    two = run(Experiment(suite, load_known, CONFIG), suite.examples(), RowStore(tmp_path / "2", SETTINGS), jobs=2)
    assert one == two


def test_a_process_that_fails_says_why(suite: Answered, tmp_path: Path) -> None:
    with pytest.raises(EvaluationError, match="the system is not there"):
        run(Experiment(suite, load_broken, CONFIG), suite.examples(), RowStore(tmp_path / "1", SETTINGS), jobs=2)


def test_seeds_depend_on_the_run_and_the_example(suite: Answered, tmp_path: Path) -> None:
    first, second = Counted(), Counted()
    run(Experiment(suite, first, CONFIG), suite.examples(), RowStore(tmp_path / "1", SETTINGS))
    run(Experiment(suite, second, CONFIG), suite.examples()[::-1], RowStore(tmp_path / "2", SETTINGS))
    assert len(set(first.seeds)) == len(first.seeds)
    assert first.seeds == second.seeds[::-1]


def test_a_limit_counts_by_group(suite: Answered) -> None:
    assert [example.id for example in limit_groups(suite.examples(), 2)] == ["a0", "a1", "b0", "b1"]
    assert limit_groups(suite.examples(), None) == suite.examples()


def test_rows_of_a_run_can_be_reported_and_shown(suite: Answered, tmp_path: Path) -> None:
    rows = run(Experiment(suite, Counted(), CONFIG), suite.examples(), RowStore(tmp_path / "1", SETTINGS))
    figures = suite.figures(rows)
    write_json(report("answered", SETTINGS, {}, figures, rows), tmp_path / "report.json")
    assert [dialogue.id for dialogue in read_report(tmp_path).dialogues] == [row.id for row in rows]
    text = page(json.loads((tmp_path / "report.json").read_text()), figures)
    assert text.index('data-id="b1"') < text.index('data-id="a0"')
    assert "said at 1.10 s (end): yes" in text


def test_missing_folders_and_files_are_named(tmp_path: Path) -> None:
    with pytest.raises(EvaluationError, match=r"manifest.jsonl: there is no such file; .*--data"):
        DataFolder(tmp_path)
    with pytest.raises(EvaluationError, match=r"trials.jsonl: there is no such file; .*--trials"):
        TrialFolder(tmp_path)
    with pytest.raises(EvaluationError, match=r"names no wav in noise/"):
        DataFolder(write_data(tmp_path, {"Who?": "I"})).files("noise")


@pytest.mark.parametrize(("line", "why"), [('{"name": "x"}', "a line is not a trial"), ("{", "line 1 is not JSON")])
def test_broken_trials_are_named(tmp_path: Path, line: str, why: str) -> None:
    (tmp_path / "trials.jsonl").write_text(line + "\n")
    with pytest.raises(EvaluationError, match=why):
        TrialFolder(tmp_path)
