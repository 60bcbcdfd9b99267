"""`export fdb`: writes a run in the layout of Full-Duplex-Bench, one task per folder, as its scorers expect it.

    OUT/ID/input.wav, output.wav    user and assistant, 16 kHz mono, on one clock and equally long
           output.json              {"text", "chunks": [{"text", "timestamp": [start, end]}]}: the assistant's words
           pause.json, turn_taking.json, interrupt.json (v1) or metadata.json (v1.5): the events and their times

As in its data, the files of `pause_handling` end with the user's turn (its scorer looks at the whole output), those of
`smooth_turn_taking` have one turn and the silence after it, and the words of `user_interruption` are those after the
interruption. The files of v1.5 have the whole conversation.

This module handles rows and files; the benchmark's rules are in `duplex.eval.protocols.full_duplex_bench`.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from statistics import fmean
from types import MappingProxyType
from typing import Final

from configs.eval.protocols import FullDuplexBenchConfig, ProtocolsConfig
from duplex.eval.conversation_record import TimedWord
from duplex.eval.errors import EvaluationError
from duplex.eval.exchange.fdb_folder import scores
from duplex.eval.exchange.foreign_files import Exported, OnRow, empty_folder, sample_name, write_json, write_mono
from duplex.eval.exchange.saved import SavedRun, events_of, text_of
from duplex.eval.measures.activity import AudibleSegment
from duplex.eval.protocols.full_duplex_bench import responses, stops
from duplex.eval.suite import DialogueRow, Facts

_TURNS = ("turn", "interrupt")
_BACKGROUND = "background"
_OVERLAP = "v1.5"


@dataclass(frozen=True)
class _Sample:
    """A part of a conversation: words from `words_from` on, sound and words up to `until`, and annotations."""

    until: float
    annotations: Facts
    words_from: float = 0.0


@dataclass(frozen=True)
class Task:
    """One task of the benchmark.

    Attributes:
        sample: returns the part of a row that is a sample of the task, or None.
        scorer: command that scores it, run in the folder of the benchmark's evaluation scripts.
        missing: what its scorers need and a run does not have, or "".
    """

    sample: Callable[[DialogueRow], _Sample | None]
    scorer: str
    missing: str = ""


def export_fdb(run: SavedRun, out: Path, on_row: OnRow, config: ProtocolsConfig, task: str | None = None) -> Exported:
    """Write the samples of one task; None takes the first task for which the run has samples.

    Raises:
        EvaluationError: the run has no samples of the task, has no sound, or the folder is not empty.
    """
    name = task or _first_task(run)
    chosen = _task(name)
    samples = [(row, sample) for row in run.rows if (sample := chosen.sample(row))]
    if not samples:
        raise EvaluationError(f"{run.folder}: has no samples of {name}; choose a task with --task: {_offer(run)}")
    empty_folder(out)
    for row, sample in samples:
        _write(run, row, sample, out / sample_name(row))
        on_row(row)
    rules = config.full_duplex_bench
    timed = name.startswith(_OVERLAP)
    found = _timing([row for row, _ in samples], rules) if timed else scores(out, rules).figures()
    figures = {"task": name, **found}
    return Exported(len(samples), figures, tuple(_notes(run, name, len(samples), out)))


def _timing(rows: Sequence[DialogueRow], config: FullDuplexBenchConfig) -> Facts:
    """Stops and responses of v1.5, computed from the run's own segments."""
    both = [(_segments(row, "user"), _segments(row, "assistant")) for row in rows]
    stopped = [span.end - span.start for user, assistant in both for span in stops(user, assistant, config)]
    answered = [gap.end - gap.start for user, assistant in both for gap in responses(user, assistant, config)]
    return {
        "samples": len(rows),
        "stops": len(stopped),
        "stop, s": fmean(stopped) if stopped else None,
        "responses": len(answered),
        "response, s": fmean(answered) if answered else None,
    }


def _segments(row: DialogueRow, side: str) -> list[AudibleSegment]:
    return [AudibleSegment(event["start"], event["end"]) for event in events_of(row, side) if event["kind"] != "pause"]


def _first_task(run: SavedRun) -> str:
    for name, task in TASKS.items():
        if any(task.sample(row) for row in run.rows):
            return name
    raise EvaluationError(f"{run.folder}: no conversation fits a task; export a run of another suite")


def _task(name: str) -> Task:
    if name not in TASKS:
        raise EvaluationError(f"there is no task '{name}'; choose one of {', '.join(TASKS)}")
    return TASKS[name]


def _offer(run: SavedRun) -> str:
    counts = {name: sum(task.sample(row) is not None for row in run.rows) for name, task in TASKS.items()}
    return ", ".join(f"{name} ({count})" for name, count in counts.items() if count) or "none fits this run"


def _notes(run: SavedRun, name: str, count: int, out: Path) -> Sequence[str]:
    task = TASKS[name]
    notes = [f"task {name}: {count} of {len(run.rows)} conversations; tasks of this run: {_offer(run)}"]
    notes += [task.missing] if task.missing else []
    return [*notes, f"score it with: {task.scorer} --root_dir {out.resolve()}"]


def _write(run: SavedRun, row: DialogueRow, sample: _Sample, folder: Path) -> None:
    sound = run.sound(row).between(0.0, sample.until)
    write_mono(sound.user, folder / "input.wav")
    write_mono(sound.assistant, folder / "output.wav")
    write_json(_transcript(list(chain(*run.parts(row, sample.words_from, sample.until)))), folder / "output.json")
    for name, annotation in sample.annotations.items():
        write_json(annotation, folder / f"{name}.json")


def _transcript(words: Sequence[TimedWord]) -> Facts:
    chunks = [{"text": word.text, "timestamp": [word.start, word.end]} for word in words]
    return {"text": " ".join(word.text for word in words), "chunks": chunks}


def _pause_handling(row: DialogueRow) -> _Sample | None:
    """Pauses of the turn with the first pause, up to that turn's end."""
    pauses = events_of(row, "user", "pause")
    turn = next((t for t in events_of(row, "user", *_TURNS) if pauses and t["end"] > pauses[0]["start"]), None)
    if turn is None:
        return None
    inside = [pause for pause in pauses if pause["end"] <= turn["end"]]
    return _Sample(turn["end"], {"pause": [{"text": "[PAUSE]", "timestamp": _span(pause)} for pause in inside]})


def _smooth_turn_taking(row: DialogueRow) -> _Sample | None:
    """The first turn, up to the user's next sound; None if the user begins with another sound."""
    sounds = [event for event in events_of(row, "user") if event["kind"] != "pause"]
    if not sounds or sounds[0]["kind"] not in _TURNS:
        return None
    until = sounds[1]["start"] if len(sounds) > 1 else row.trace["seconds"]
    turn = {"text": "[TURN-TAKING]", "timestamp": [sounds[0]["end"], until]}
    return _Sample(until, {"turn_taking": [turn]})


def _user_interruption(row: DialogueRow) -> _Sample | None:
    """The first interruption, and the words after it."""
    found = next(iter(events_of(row, "user", "interrupt")), None)
    if found is None:
        return None
    texts = {"context": _context(row, found), "interrupt": text_of(row, found)}
    return _Sample(row.trace["seconds"], {"interrupt": [{**texts, "timestamp": _span(found)}]}, found["end"])


def _overlapping(kind: str, background: bool = False) -> Callable[[DialogueRow], _Sample | None]:
    """The first sound of this kind over the assistant's answer (v1.5)."""

    def sample(row: DialogueRow) -> _Sample | None:
        found = next(iter(events_of(row, "user", kind)), None)
        if found is None or (_BACKGROUND in row.group) is not background:
            return None
        texts = {"context_text": _context(row, found), "current_turn_text": text_of(row, found)}
        return _Sample(row.trace["seconds"], {"metadata": {**texts, "timestamps": _span(found)}})

    return sample


def _context(row: DialogueRow, event: Facts) -> str:
    """What the user said before an event."""
    before = [turn for turn in events_of(row, "user", *_TURNS) if turn["end"] <= event["start"]]
    return " ".join(text for turn in before if (text := text_of(row, turn)))


def _span(event: Facts) -> list[float]:
    return [event["start"], event["end"]]


_KEY: Final = "its scorer asks a judge model and needs an OpenAI key"
_CLEAN: Final = (
    "our figures use the run's own segments, its scorer finds them with Silero; left out: the counterparts without"
    " overlap (clean_input.wav, clean_output.wav and their transcripts) and input.json, which only its tasks 'behavior'"
    " and 'general_before_after' read; transcripts are made by its asr.py"
)

TASKS: Final[Mapping[str, Task]] = MappingProxyType(
    {
        "pause_handling": Task(_pause_handling, "python eval_pause_handling.py"),
        "user_interruption": Task(_user_interruption, "python evaluate.py --task user_interruption", _KEY),
        "v1.5_user_interruption": Task(_overlapping("interrupt"), "python get_timing.py", _CLEAN),
        "v1.5_user_backchannel": Task(_overlapping("backchannel"), "python get_timing.py", _CLEAN),
        "v1.5_talking_to_other": Task(_overlapping("non_directed"), "python get_timing.py", _CLEAN),
        "v1.5_background_speech": Task(_overlapping("non_directed", background=True), "python get_timing.py", _CLEAN),
        "smooth_turn_taking": Task(_smooth_turn_taking, "python eval_smooth_turn_taking.py"),
    }
)
"""Tasks by name, the more specific ones first."""
