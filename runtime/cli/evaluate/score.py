"""`duplex evaluate score`: scores a recording of any system.

This module handles the command line; `duplex.eval.score` does the measurement.
"""

from pathlib import Path
from typing import Annotated, Final

import typer
from rich.table import Table

from configs.eval.scoring import LabelsConfig, ScoringConfig
from duplex.eval.exchange.label_files import FileLabels, read_labels
from duplex.eval.exchange.sound import DialogueSound, read_dialogue
from duplex.eval.measures import silero as silero_vad
from duplex.eval.measures.turns import ScoredTurn
from duplex.eval.reports.page import page
from duplex.eval.reports.report import table, write_json, write_text
from duplex.eval.score import Score, score
from duplex.eval.score_report import figures, to_json, to_report
from runtime.cli.common import JsonFile, err, out, show_notes
from runtime.cli.paths import file, new_file

REDIRECTED_WIDTH: Final = 140

Dialogue = Annotated[Path, typer.Argument(metavar="DIALOGUE", help="Stereo file: user left, assistant right.")]
Assistant = Annotated[Path | None, file("--assistant", help="The assistant's side; DIALOGUE is the user's.")]
LabelFile = Annotated[
    Path | None, file("--labels", help="JSON lines, RTTM, TextGrid, Full-Duplex-Bench or MTR-DuplexBench.")
]
HtmlFile = Annotated[Path | None, new_file("--html", help="Also write a page with the timeline.")]
Silero = Annotated[
    bool | None, typer.Option("--silero/--no-silero", help="Add a second result by Silero VAD, if it is installed.")
]
Definitions = Annotated[Path | None, file("--config", help="YAML file with other definitions.")]


def command(
    dialogue: Dialogue,
    assistant: Assistant = None,
    labels: LabelFile = None,
    json_file: JsonFile = None,
    html_file: HtmlFile = None,
    silero: Silero = None,
    config: Definitions = None,
) -> None:
    """Score a recording of any system: who had the turn, how fast it answered, how fast it fell silent."""
    definitions = ScoringConfig.from_yaml(config) if config else ScoringConfig()
    sound = read_dialogue(dialogue, assistant, definitions.sound)
    known = _find_known(labels, dialogue, assistant, sound.seconds, definitions.labels)
    second = silero_vad.is_here() if silero is None else silero
    found = score(sound, known.labels, definitions, second)
    of_all = figures(found, definitions)
    notes = (*sound.notes, *known.notes, *found.notes)
    show_notes([*notes, *_rate_notes(sound, dialogue, second), *_silero_notes(silero, second)])
    console = out()
    console.width = console.width if console.is_terminal else REDIRECTED_WIDTH
    console.print(_turns(str(dialogue), found))
    console.print(table("figures", of_all))
    if json_file:
        write_json(to_json(found, of_all, definitions, labels, known.notes), json_file)
    if html_file:
        write_text(page(to_report(found, of_all, definitions), of_all), html_file)
        err().print(f"timeline: {html_file}")


def _find_known(
    labels: Path | None, dialogue: Path, assistant: Path | None, seconds: float, config: LabelsConfig
) -> FileLabels:
    return FileLabels(()) if labels is None else read_labels(labels, dialogue, seconds, config, assistant)


def _turns(title: str, found: Score) -> Table:
    lines = Table(title=f"{title}: turns of the user", title_justify="left")
    lines.add_column("kind")
    for head in ("start s", "end s", "answer s", "response s", "stop s"):
        lines.add_column(head, justify="right")
    lines.add_column("note")
    if found.silero is not None:
        lines.add_column("Silero: response, stop", justify="right")
    for turn in found.analysis.turns:
        times = (_show(one) for one in (turn.start, turn.end, turn.answer, turn.response, turn.stop))
        lines.add_row(turn.kind, *times, _why(turn), *([_column(turn, found)] if found.silero is not None else ()))
    return lines


def _why(turn: ScoredTurn) -> str:
    if turn.void:
        return f"stop void: {turn.void}"
    return "did not yield" if turn.yielded is False else ""


def _column(turn: ScoredTurn, found: Score) -> str:
    other = found.silero_turn(turn)
    return "not found" if other is None else f"{_show(other.response)}, {_show(other.stop)}"


def _show(seconds: float | None) -> str:
    return "-" if seconds is None else f"{seconds:.3f}"


def _rate_notes(sound: DialogueSound, dialogue: Path, silero: bool) -> list[str]:
    if sound.rate == silero_vad.RATE:
        return []
    resampled = f", resampled to {silero_vad.RATE} Hz for Silero VAD" if silero else ""
    return [f"{dialogue}: measured at {sound.rate} Hz{resampled}"]


def _silero_notes(asked: bool | None, here: bool) -> list[str]:
    if asked is None and not here:
        return ["no second result by Silero VAD; install it with: pip install 'duplex-voice[eval]'"]
    return []
