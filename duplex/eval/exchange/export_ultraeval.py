"""`export ultraeval`: writes answers in the form in which UltraEval-Audio resumes after inference.

    OUT/questions.jsonl             {"WavPath", "Question", "Answer": [...], "Conversation"} per line: a dataset
    OUT/inference-audio.jsonl       its recorder's lines (prompt, inference) of those questions: the assistant's words
    OUT/inference-speech.jsonl      the same with what our recogniser heard it say, if all answers were recognised
    OUT/inference-text.jsonl        the same with its written answers, if all questions were also asked in writing
    OUT/registry/                   the dataset for its tasks, and a model that answers nothing, so that none is loaded
    OUT/audio/ID.wav, OUT/answers/ID.wav    question and answer, 16 kHz mono

Paths in the files are absolute, like its own, so export again after moving the folder.

This module handles rows, questions and files; the rule `qa-exist-match` is
`duplex.eval.measures.text_match.exist_match`.
"""

import json
from collections.abc import Sequence
from pathlib import Path
from statistics import fmean
from typing import Final

import yaml

from configs.eval.protocols import ProtocolsConfig
from duplex.eval.exchange.answered import SAID, Answered, collect_all_said, collect_answered
from duplex.eval.exchange.foreign_files import Exported, OnRow, empty_folder, sample_name, write_lines, write_mono
from duplex.eval.exchange.saved import SavedRun
from duplex.eval.measures.text_match import exist_match
from duplex.eval.suite import Facts
from duplex.io.whole_files import write_text

SPEECH, TEXT, MODEL = "duplex-spoken-qa", "duplex-spoken-qa-s2t", "duplex-saved"
_TASKS: Final = {SPEECH: "s2s-aqa", TEXT: "loose-aqa"}
_NAMES: Final = {"audio": "words", "speech": "speech, heard by our recogniser,", "text": "answers in writing"}
_NOTHING: Final = "types.SimpleNamespace"
"""Stands in for the model, which is never asked: every inference is given."""


def export_ultraeval(run: SavedRun, out: Path, on_row: OnRow, config: ProtocolsConfig) -> Exported:
    """Write all questions with a right answer.

    Raises:
        EvaluationError: there are no such questions, the sound is missing, or the folder is not empty.
    """
    questions = collect_answered(run)
    empty_folder(out)
    root = out.resolve()
    for one in questions:
        sound = run.sound(one.row)
        write_mono(sound.user, _question(root, one))
        write_mono(sound.assistant, _answer(root, one))
        on_row(one.row)
    write_lines([_row(root, one) for one in questions], root / "questions.jsonl")
    _register(root)
    figures: Facts = {"questions": len(questions)}
    notes = [f"score its speech, heard by their Whisper, with: {_command(root, SPEECH, 'audio')}"]
    for modality in SAID:
        said = collect_all_said(questions, modality)
        if said is None:
            notes.append(f"left out: {modality}; not all questions have such an answer")
            continue
        write_lines(_record(root, questions, said), _inference(root, modality))
        figures[f"{modality} exist-match"] = _share(questions, said)
        notes.append(f"score its {_NAMES[modality]} with: {_command(root, TEXT, modality)}")
    return Exported(len(questions), figures, tuple(notes))


def _share(questions: Sequence[Answered], said: Sequence[str]) -> float:
    """Share of right answers by `qa-exist-match`."""
    pairs = zip(questions, said, strict=True)
    return fmean(any(exist_match(text, key) for key in one.keys) for one, text in pairs)


def _row(root: Path, one: Answered) -> Facts:
    return {
        "WavPath": str(_question(root, one)),
        "Question": one.question,
        "Answer": list(one.keys),
        "Conversation": one.row.id,
    }


def _record(root: Path, questions: Sequence[Answered], said: Sequence[str]) -> list[Facts]:
    lines: list[Facts] = []
    for number, (one, text) in enumerate(zip(questions, said, strict=True)):
        prompt = [{"role": "user", "contents": [{"type": "audio", "value": str(_question(root, one))}]}]
        answer = json.dumps({"audio": str(_answer(root, one)), "text": text}, ensure_ascii=False)
        lines += [_line("prompt", number, prompt), _line("inference", number, answer)]
    return lines


def _line(kind: str, number: int, content: object) -> Facts:
    return {"type": kind, "id": number, "data": {"content": content}}


def _register(root: Path) -> None:
    file, reader = str(root / "questions.jsonl"), "audio_evals.dataset.dataset.JsonlFile"
    datasets = {
        name: {"class": reader, "args": {"default_task": task, "f_name": file, "ref_col": "Answer"}}
        for name, task in _TASKS.items()
    }
    for kind, entries in (("dataset", datasets), ("model", {MODEL: {"class": _NOTHING, "args": {}}})):
        folder = root / "registry" / kind
        folder.mkdir(parents=True)
        write_text(folder / "duplex.yaml", yaml.safe_dump(entries))


def _command(root: Path, dataset: str, modality: str) -> str:
    options = f"--registry_path {root / 'registry'} --model {MODEL} --dataset {dataset}"
    return f"python audio_evals/main.py {options} --inf_file {_inference(root, modality)}"


def _inference(root: Path, modality: str) -> Path:
    return root / f"inference-{modality}.jsonl"


def _question(root: Path, one: Answered) -> Path:
    return root / "audio" / f"{sample_name(one.row)}.wav"


def _answer(root: Path, one: Answered) -> Path:
    return root / "answers" / f"{sample_name(one.row)}.wav"
