"""The dataset and the inferences that UltraEval-Audio reads."""

import json
from pathlib import Path
from typing import Any

import pytest
import soundfile
import yaml

from configs.eval.protocols import ProtocolsConfig
from duplex.eval.errors import EvaluationError
from duplex.eval.exchange.export_ultraeval import export_ultraeval
from duplex.eval.exchange.foreign_files import Exported
from duplex.eval.exchange.saved import SavedRun
from duplex.eval.suite import Facts
from tests.duplex.eval.exchange.runs import question_row, turn_row, write_run


def export(folder: Path, rows: list[Facts]) -> tuple[Exported, Path]:
    run, out = SavedRun.load(write_run(folder / "run", "spoken-qa", rows)), folder / "out"
    return export_ultraeval(run, out, lambda _: None, ProtocolsConfig()), out


def lines(path: Path) -> list[Any]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def test_the_dataset_is_registered(tmp_path: Path) -> None:
    _, out = export(tmp_path, [question_row("q/1", "São Paulo", "it is Sao Paulo")])
    entries = yaml.safe_load((out / "registry" / "dataset" / "duplex.yaml").read_text())
    assert entries["duplex-spoken-qa-s2t"] == {
        "class": "audio_evals.dataset.dataset.JsonlFile",
        "args": {"default_task": "loose-aqa", "f_name": str(out / "questions.jsonl"), "ref_col": "Answer"},
    }
    assert entries["duplex-spoken-qa"]["args"]["default_task"] == "s2s-aqa"
    assert list(yaml.safe_load((out / "registry" / "model" / "duplex.yaml").read_text())) == ["duplex-saved"]


def test_right_answers_are_always_a_list(tmp_path: Path) -> None:
    _, out = export(tmp_path, [question_row("q/1", "four | 4", "it is four"), question_row("q/2", "1912", "in 1912")])
    first, second = lines(out / "questions.jsonl")
    assert (first["Answer"], second["Answer"]) == (["four", "4"], ["1912"])
    assert first["WavPath"] == str(out / "audio" / "q_1.wav")
    assert soundfile.info(first["WavPath"]).samplerate == 16000


def test_inferences_name_text_and_sound(tmp_path: Path) -> None:
    _, out = export(tmp_path, [question_row("a", "x", "it is y"), question_row("b", "x", "it is x")])
    found = lines(out / "inference-audio.jsonl")
    assert [(line["type"], line["id"]) for line in found] == [
        *(("prompt", 0), ("inference", 0)),
        *(("prompt", 1), ("inference", 1)),
    ]
    content = json.loads(found[3]["data"]["content"])
    assert content == {"audio": str(out / "answers" / "b.wav"), "text": "it is x"}
    prompt = [{"role": "user", "contents": [{"type": "audio", "value": str(out / "audio" / "a.wav")}]}]
    assert found[0]["data"]["content"] == prompt
    sound, _ = soundfile.read(content["audio"])
    assert abs(sound[round(1.0 * 16000)]) < 0.01 < sound[round(2.7 * 16000)]


def test_recognised_and_written_answers_where_all_have_them(tmp_path: Path) -> None:
    both = [question_row("a", "x", "x", "x", "no"), question_row("b", "x", "y", "x", "x")]
    written, out = export(tmp_path, both)
    assert written.figures == {
        "questions": 2,
        "audio exist-match": 0.5,
        "speech exist-match": 1.0,
        "text exist-match": 0.5,
    }
    assert json.loads(lines(out / "inference-text.jsonl")[1]["data"]["content"])["text"] == "no"
    written, out = export(tmp_path / "2", [both[0], question_row("b", "x", "y")])
    assert list(written.figures) == ["questions", "audio exist-match"]
    assert not (out / "inference-speech.jsonl").exists()
    assert "left out: speech; not all questions have such an answer" in written.notes


def test_a_run_without_questions(tmp_path: Path) -> None:
    with pytest.raises(EvaluationError, match="holds no questions with answers; export a run of spoken-qa"):
        export(tmp_path, [turn_row("a", 0.4)])
