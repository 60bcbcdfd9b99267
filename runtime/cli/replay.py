"""`duplex replay`: replays a slot log."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from configs.model.language_models import LLM, LanguageModelConfig
from configs.policy import policy as policy_by_name
from duplex.io.whole_files import json_text
from runtime.cli.common import (
    ConfigFile,
    JsonFile,
    ModelOptions,
    Set,
    err,
    out,
    progress,
    runtime_config,
    write_json,
)
from runtime.cli.paths import new_folder
from runtime.cli.values import make_parser, policy_name
from runtime.converse import Conversation
from runtime.replay import LoggedConversation, ReplayReport, compare, load_logged, replay
from runtime.session.log_records import FORGOT
from runtime.session.slot_log import find_log

PolicyOption = Annotated[
    str | None,
    typer.Option("--policy", parser=make_parser(policy_name), metavar="NAME", help="Policy instead of the logged one."),
]


def command(
    log: Annotated[
        Path, typer.Argument(help="slots.jsonl of a conversation with user.wav beside it, or their folder.")
    ],
    check: Annotated[bool, typer.Option("--check", help="Fail unless tokens and samples are the same.")] = False,
    policy: PolicyOption = None,
    model: Annotated[str | None, typer.Option(help="Model instead of the logged name, with the same weights.")] = None,
    out_folder: Annotated[Path | None, new_folder("--out", help="Write the new conversation here.")] = None,
    values_set: Set = None,
    config: ConfigFile = None,
    json_file: JsonFile = None,
) -> None:
    """Replay the logged user audio, and compare tokens and samples with the log."""
    settings = runtime_config(config)
    other = policy_by_name(policy) if policy else None
    log = find_log(log)
    logged = load_logged(log)
    _say_what_is_missing(logged)
    header = logged.log.header
    generator = _model(model or header.model, values_set, header.llm).load(1)
    try:
        with progress() as bar:
            task = bar.add_task(log.name, total=len(logged.user))
            talk = replay(
                logged, generator, other, folder=out_folder, config=settings, on_slot=lambda _: bar.advance(task)
            )
    finally:
        generator.close()
    report = compare(logged.rows, talk.rows)
    _print(log, report, talk)
    if json_file:
        write_json(json_file, {**asdict(report), "equal": report.equal, "assistant": talk.transcript.assistant.text})
    if check and not report.equal:
        raise typer.Exit(1)


def _say_what_is_missing(logged: LoggedConversation) -> None:
    if logged.log.end is None:
        err().print("the log was not closed; it is replayed as far as it goes")
    if missing := len(logged.log.rows) - len(logged.user):
        forgot = FORGOT in logged.log.rows[len(logged.user)].degraded
        why = "the engine was lost there and forgot what came before" if forgot else "the recording ends before the log"
        err().print(f"{why}; the last {missing} slots are left out")


def _print(log: Path, report: ReplayReport, talk: Conversation) -> None:
    if report.equal:
        out().print(f"{log}: {report.slots} slots, tokens and samples equal")
    else:
        out().print(f"{log}: differs at {report.difference}")
    for answer in talk.transcript.assistant.answers:
        out().print(f"  {answer.start:7.2f} s  {answer.how:4}  {answer.text}")


def _model(name: str, values_set: list[str] | None, llm: dict[str, Any] | None) -> ModelOptions:
    """The logged model; what a language model wrote is taken from the log."""
    logged = LanguageModelConfig.from_mapping(llm, "the log").as_logged.model_dump(mode="json") if llm else {}
    given = [f"{LLM}{key}={json_text(value)}" for key, value in logged.items()]
    return ModelOptions(name, [*given, *(values_set or [])])
