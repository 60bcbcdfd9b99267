"""Folders of Full-Duplex-Bench: our score, and the comparison with scripts that stand in for its own."""

import json
from pathlib import Path

import pytest

from configs.eval.protocols import FullDuplexBenchConfig
from duplex.eval.errors import EvaluationError
from duplex.eval.exchange.fdb_agreement import agreement
from duplex.eval.exchange.fdb_folder import scores

CONFIG = FullDuplexBenchConfig()
PAUSE, SMOOTH = "eval_pause_handling.py", "eval_smooth_turn_taking.py"


def sample(root: Path, name: str, *words: tuple[float, float | None], **annotations: object) -> None:
    folder = root / name
    folder.mkdir(parents=True)
    chunks = [{"text": "w", "timestamp": list(word)} for word in words]
    (folder / "output.json").write_text(json.dumps({"text": "", "chunks": chunks}))
    for key, value in annotations.items():
        (folder / f"{key}.json").write_text(json.dumps([value]))


def turns(root: Path) -> Path:
    sample(root, "1", (2.0, 3.5), turn_taking={"timestamp": [2.4, 9.0]})
    sample(root, "2", (3.0, 4.5), turn_taking={"timestamp": [2.0, 9.0]})
    sample(root, "3", turn_taking={"timestamp": [2.0, 9.0]})
    return root


def script(root: Path, name: str, *lines: str) -> Path:
    path = root / "evaluation" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(["import sys", "assert sys.argv[1] == '--root_dir'", *lines]))
    return root


def test_a_folder_is_scored_by_what_lies_in_it(tmp_path: Path) -> None:
    assert scores(turns(tmp_path / "a"), CONFIG).figures() == {
        "samples": 3,
        "takeover rate": pytest.approx(2 / 3),
        "latency as published, s": pytest.approx(0.5),
        "latency signed, s": pytest.approx(0.3),
    }
    sample(tmp_path / "b", "1", (13.5, 15.0), interrupt={"timestamp": [10.0, 13.0]})
    assert scores(tmp_path / "b", CONFIG).figures()["latency signed, s"] == 0.5
    sample(tmp_path / "c", "1", (1.0, 1.2), (2.0, None), pause={"timestamp": [1.0, 2.0]})
    assert scores(tmp_path / "c", CONFIG).figures()["takeover rate"] == 1.0
    assert scores(tmp_path / "c", CONFIG).figures()["latency signed, s"] is None


def test_a_folder_that_is_none(tmp_path: Path) -> None:
    with pytest.raises(EvaluationError, match=r"holds no ID/output\.json"):
        scores(tmp_path, CONFIG)
    sample(tmp_path, "1", turn_taking={"timestamp": []})
    with pytest.raises(EvaluationError, match=r"turn_taking\.json: has no time"):
        scores(tmp_path, CONFIG)
    (tmp_path / "1" / "turn_taking.json").unlink()
    (tmp_path / "1" / "output.json").write_text("{}")
    with pytest.raises(EvaluationError, match=r"output\.json: holds no words with times"):
        scores(tmp_path, CONFIG)
    (tmp_path / "1" / "output.json").write_text("{")
    with pytest.raises(EvaluationError, match=r"output\.json: cannot be read as JSON"):
        scores(tmp_path, CONFIG)


def test_equal_numbers_agree(tmp_path: Path) -> None:
    checkout = script(tmp_path, PAUSE, "print('Average take turn:  0.6666666666666666')")
    script(tmp_path, SMOOTH, "print('Average take turn:  0.6666666666666666')", "print('Average latency:  0.5')")
    lines = agreement(checkout, turns(tmp_path / "turns"), CONFIG)
    assert [(line.script, line.figure, line.agrees) for line in lines] == [
        (PAUSE, "takeover rate", True),
        (SMOOTH, "takeover rate", True),
        (SMOOTH, "latency as published, s", True),
    ]
    assert {line.samples for line in lines} == {3}


def test_other_numbers_do_not_agree(tmp_path: Path) -> None:
    checkout = script(tmp_path, PAUSE, "print('Average take turn:  0.6667')")
    sample(tmp_path / "x", "1", (0.0, 2.0), pause={"timestamp": [0.0, 1.0]})
    (line,) = agreement(checkout, tmp_path / "x", CONFIG)
    assert (line.theirs, line.ours, line.agrees) == (0.6667, 1.0, False)


def test_nothing_to_average_agrees_with_nothing(tmp_path: Path) -> None:
    checkout = script(tmp_path, PAUSE, "print('Average take turn:  0.0')")
    script(tmp_path, SMOOTH, "1 / 0")
    sample(tmp_path / "x", "1", turn_taking={"timestamp": [1.0, 2.0]})
    pause, smooth = agreement(checkout, tmp_path / "x", CONFIG)
    assert (pause.theirs, pause.agrees) == (0.0, True)
    assert (smooth.figure, smooth.theirs, smooth.ours, smooth.agrees) == ("latency as published, s", None, None, True)


def test_a_script_that_fails_and_none(tmp_path: Path) -> None:
    checkout = script(tmp_path, PAUSE, "import no_such_package")
    sample(tmp_path / "x", "1")
    with pytest.raises(EvaluationError, match=r"eval_pause_handling\.py: stopped .* No module named 'no_such_package'"):
        agreement(checkout, tmp_path / "x", CONFIG)
    with pytest.raises(EvaluationError, match=r"holds no eval_pause_handling\.py; give a checkout"):
        agreement(tmp_path / "x", tmp_path / "x", CONFIG)
