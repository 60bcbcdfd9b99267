"""`export voicebench`: writes answers in the form that VoiceBench's `api_judge.py` and `evaluate.py` read.

    OUT/MODEL-spoken-qa-test-audio.jsonl     {"prompt", "reference", "response"} per line: the words of the assistant
    OUT/MODEL-spoken-qa-test-speech.jsonl    what a recogniser heard it say, if all answers were recognised
    OUT/MODEL-spoken-qa-test-text.jsonl      its written answers, if all questions were also asked in writing

As in its `sd-qa`, the reference is one text, in which several right answers are joined by "or". The evaluator `qa`
first needs the verdicts of `api_judge.py`, which calls OpenAI.

This module handles questions and answers; it does not depend on sound.
"""

from pathlib import Path

from configs.eval.protocols import ProtocolsConfig
from duplex.eval.exchange.answered import SAID, Answered, collect_all_said, collect_answered
from duplex.eval.exchange.foreign_files import Exported, OnRow, empty_folder, write_lines
from duplex.eval.exchange.saved import SavedRun


def export_voicebench(run: SavedRun, out: Path, on_row: OnRow, config: ProtocolsConfig) -> Exported:
    """Write all questions with a right answer. No sound is needed.

    Raises:
        EvaluationError: there are no such questions, or the folder is not empty.
    """
    questions = collect_answered(run)
    empty_folder(out)
    model = Path(str(run.settings.get("model", "duplex"))).name
    notes = []
    for modality in SAID:
        said = collect_all_said(questions, modality)
        name = f"{model}-{run.suite}-test-{modality}.jsonl"
        if said is None:
            notes.append(f"left out: {name}; not all questions have such an answer")
            continue
        write_lines([_line(one, text) for one, text in zip(questions, said, strict=True)], out / name)
        notes.append(f"score it in {out.resolve()} with: api_judge.py --src_file {name}")
        notes.append(f"    then: evaluate.py --src_file result-{name} --evaluator qa")
    for one in questions:
        on_row(one.row)
    return Exported(len(questions), {"questions": len(questions)}, tuple(notes))


def _line(one: Answered, response: str) -> dict[str, str]:
    return {"prompt": one.question, "reference": " or ".join(one.keys), "response": response}
