"""`duplex converse`: lets the model hear recordings, and writes its answers to files."""

from collections import Counter
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.progress import Progress, TaskID

from configs.policy import policy as policy_by_name
from configs.runtime.runtime import RuntimeConfig
from duplex.io.whole_files import name_within
from duplex.model.interface import ConversationOptions, SlotGenerator
from duplex.model.language_models.description import describe_llm
from duplex.model.tools.call_lines import call_line, pair_calls
from runtime.audio_file import load_audio
from runtime.cli.common import (
    ConfigFile,
    JsonFile,
    PatternOptions,
    PolicyName,
    Seed,
    Temperature,
    out,
    progress,
    runtime_config,
    show_error,
    show_notes,
    write_json,
)
from runtime.cli.option_groups import with_option_groups
from runtime.cli.paths import new_folder
from runtime.cli.values import date_and_time, make_parser, number
from runtime.converse import TAIL_S, Conversation, converse, user_slots
from runtime.errors import DuplexError, user_line

LONGEST_TAIL_S = 3600.0
AtOption = Annotated[
    datetime | None,
    typer.Option(
        "--at", parser=make_parser(date_and_time), help="Date and time of the conversation (ISO); default: now."
    ),
]


@dataclass(frozen=True)
class Job:
    """Settings that are the same for all inputs."""

    generator: SlotGenerator
    model: str
    options: ConversationOptions
    tail_s: float
    config: RuntimeConfig


@with_option_groups
def command(
    user: Annotated[list[Path], typer.Argument(help="What the user says: wav or flac, any rate.", show_default=False)],
    out_folder: Annotated[Path, new_folder("--out", help="A folder per input is created in this one.")],
    chosen: PatternOptions,
    seed: Seed = 0,
    tail: Annotated[float, number(0, LONGEST_TAIL_S, "Silence after the input.", unit="s")] = TAIL_S,
    policy: PolicyName = "balanced",
    system_prompt: Annotated[str | None, typer.Option(help="System prompt instead of the model's own.")] = None,
    temperature: Temperature = 0.0,
    at: AtOption = None,
    config: ConfigFile = None,
    json_file: JsonFile = None,
) -> None:
    """Let the model hear recordings; writes the conversation's four files for each.

    They are dialogue.wav, user.wav, slots.jsonl and transcript.json.
    """
    options = ConversationOptions(seed, policy_by_name(policy), system_prompt, temperature, pattern=chosen.pattern)
    settings = runtime_config(config)
    job = Job(chosen.load(1), chosen.model, _at(options, at), tail, settings)
    results: list[dict[str, Any]] = []
    try:
        _all(job, user, out_folder, results)
    finally:
        job.generator.close()
        if json_file:
            values = {"model": chosen.model, "fingerprint": job.generator.fingerprint, **describe_llm(job.generator)}
            write_json(json_file, {**values, "conversations": results})
    if any("error" in result for result in results):
        raise typer.Exit(1)


def folders(inputs: list[Path], out_folder: Path) -> list[Path]:
    """A folder for every input: its stem, with a number if several inputs share it."""
    stems = [name_within(path.stem) for path in inputs]
    counts = Counter(stems)
    taken = {stem for stem, count in counts.items() if count == 1}
    names = []
    for stem in stems:
        name, number = stem, 1
        while name in taken and counts[stem] > 1:
            number += 1
            name = f"{stem}-{number}"
        taken.add(name)
        names.append(out_folder / name)
    return names


def _all(job: Job, inputs: list[Path], out_folder: Path, results: list[dict[str, Any]]) -> None:
    """Add a result for every input, even if it cannot be used."""
    with progress() as bar:
        files = bar.add_task("conversations", total=len(inputs))
        for path, folder in zip(inputs, folders(inputs, out_folder), strict=True):
            try:
                results.append(_one(job, path, folder, bar))
            except DuplexError as error:
                show_error(error)
                results.append({"input": str(path), "error": user_line(error)})
            bar.advance(files)


def _one(job: Job, path: Path, folder: Path, bar: Progress) -> dict[str, Any]:
    audio = load_audio(path)
    show_notes(audio.notes, path)
    task: TaskID = bar.add_task(path.name, total=len(user_slots(audio.samples, job.tail_s)))
    try:
        talk = converse(
            job.generator, audio.samples, job.options, job.tail_s, folder=folder, model=job.model, source=path.name,
            config=job.config, on_slot=lambda _: bar.advance(task),
        )  # fmt: skip
    finally:
        bar.remove_task(task)
    _print(folder, talk)
    failures = list(dict.fromkeys(row.came.error for row in talk.rows if row.came and row.came.error))
    show_notes(failures, path)
    figures = {"input": str(path), "folder": str(folder), "notes": [*audio.notes, *failures], **_figures(talk)}
    return figures | ({"error": failures[-1]} if failures and not talk.transcript.assistant.text else {})


def _print(folder: Path, talk: Conversation) -> None:
    for started, ended in pair_calls(row.came for row in talk.rows):
        out().print(f"{folder}: {call_line(started, ended)}")
    out().print(f"{folder}: heard {talk.transcript.user.text!r}, said {talk.transcript.assistant.text!r}")


def _figures(talk: Conversation) -> dict[str, Any]:
    text = talk.transcript
    answers = [asdict(answer) for answer in text.assistant.answers]
    figures = {"seconds": text.seconds, "user": text.user.text, "assistant": text.assistant.text, "answers": answers}
    pairs = pair_calls(row.came for row in talk.rows)
    calls = [asdict(started) | (asdict(ended) if ended else {}) for started, ended in pairs]
    return figures | ({"tools": calls} if calls else {})


def _at(options: ConversationOptions, at: datetime | None) -> ConversationOptions:
    moment = at or datetime.now().astimezone()
    offset = moment.utcoffset()
    seconds = int(offset.total_seconds()) if offset else 0
    return replace(options, started_at=moment.timestamp(), utc_offset_s=seconds)
