"""`duplex evaluate`: the suites of `duplex.eval` on the engine that also runs live, under a virtual clock.

The only place that knows both: it makes `converse` from the engine and writes the results.
"""

import hashlib
import platform
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, ClassVar

import typer

from configs.audio import AUDIO
from configs.base import ConfigError
from configs.evaluation import EvaluationConfig
from configs.policy import policy as policy_by_name
from duplex.eval.errors import EvaluationError
from duplex.eval.figures import all_met
from duplex.eval.overlap import Overlap
from duplex.eval.pauses import Pauses
from duplex.eval.recording import AnswerText, Converse, MakeConverse, Recording, SlotTrace
from duplex.eval.report import html, report, table, write_json, write_text
from duplex.eval.runner import limited, run
from duplex.eval.speech import Speech
from duplex.eval.store import RowStore
from duplex.eval.suite import Facts, Suite
from duplex.eval.turn_taking import ReactiveTurnTaking, TurnTaking
from duplex.eval.understanding import Understanding
from duplex.eval.user import SimulatedUser
from duplex.interface import ConversationOptions, Samples, SlotGenerator
from runtime.commands.common import JsonFile, Model, PolicyName, out, progress
from runtime.converse import Conversation, VirtualConversation, converse_with
from runtime.engine_worker import load
from runtime.errors import DuplexError
from runtime.pcm import to_float
from runtime.versions import versions
from tdm.slots import State

SLOT_OUT = AUDIO.slot_output_samples

app = typer.Typer(no_args_is_help=True, pretty_exceptions_enable=False, help="Measure the model; see docs/evaluation.md.")

Data = Annotated[Path, typer.Option("--data", help="Folder of real audio with its manifest.jsonl.")]
Trials = Annotated[Path, typer.Option("--trials", help="Folder of synthesized trials with their trials.jsonl.")]
Seed = Annotated[int, typer.Option("--seed", help="Seeds the choice of examples and the model.")]
Out = Annotated[Path, typer.Option("--out", help="Folder for rows, report and timelines; a killed run goes on from it.")]
Limit = Annotated[int | None, typer.Option("--limit", min=1, help="Only the first examples of every group.")]
Jobs = Annotated[int, typer.Option("--jobs", min=1, help="Processes at once.")]
Fresh = Annotated[bool, typer.Option("--fresh", help="Forget finished conversations.")]
Check = Annotated[bool, typer.Option("--check", help="Exit with 1 when a bar is missed.")]
Definitions = Annotated[Path | None, typer.Option("--config", help="YAML file with other limits and windows.")]
DATA, TRIALS, OUT = Path("../shared/data"), Path("runs/trials"), Path("runs/evaluation")


class MeasurementError(DuplexError):
    """A measurement cannot be made."""

    code: ClassVar[str] = "evaluation"


@dataclass(frozen=True)
class Run:
    """What all suites are run with."""

    model: str
    policy: str
    seed: int
    out: Path
    limit: int | None
    jobs: int
    fresh: bool
    check: bool
    json_file: Path | None


@dataclass(frozen=True)
class EngineConverse:
    """Loads the model in the process that calls it."""

    model: str
    options: ConversationOptions

    def __call__(self) -> Converse:
        """The engine as `Converse`."""
        import torch

        torch.set_num_threads(1)
        return converse_of(load(self.model, 1), self.options)


def converse_of(generator: SlotGenerator, options: ConversationOptions) -> Converse:
    """The engine under a virtual clock; every conversation gets a seed of its own."""

    def converse(user: SimulatedUser, seed: int) -> Recording:
        seeded = ConversationOptions(seed, options.policy, started_at=options.started_at)
        return recording_of(converse_with(generator, lambda live: user.next_slot(_present(live)), seeded))

    return converse


def recording_of(talk: Conversation) -> Recording:
    """A conversation of the engine as the evaluation sees it."""
    slots = tuple(SlotTrace(row.slot, row.p_speak, row.state == State.SPEAK.name, row.event) for row in talk.rows)
    answers = tuple(AnswerText(a.text, a.unheard, a.start, a.end, a.how) for a in talk.transcript.assistant.answers)
    heard = tuple(turn.text for turn in talk.transcript.user.words)
    length = len(talk.rows) * SLOT_OUT
    return Recording(to_float(talk.user), talk.assistant[:length], slots, answers, heard)


def _present(live: VirtualConversation) -> Samples:
    """What the assistant says in the slot that comes next, [4800]."""
    return live.assistant[-SLOT_OUT:]


@app.command("turn-taking")
def turn_taking(
    reactive: Annotated[bool, typer.Option("--reactive", help="Interrupt long answers.")] = False,
    data: Data = DATA,
    trials: Trials = TRIALS,
    model: Model = "mini",
    policy: PolicyName = "balanced",
    seed: Seed = 0,
    out_folder: Out = OUT,
    limit: Limit = None,
    jobs: Jobs = 1,
    fresh: Fresh = False,
    check: Check = False,
    json_file: JsonFile = None,
    config: Definitions = None,
) -> None:
    """Two questions of one user: is it silent while the user speaks, and does it answer?"""
    limits = _definitions(config)
    suite = ReactiveTurnTaking(limits, data, trials, seed) if reactive else TurnTaking(limits, data, seed)
    _measure(suite, limits, Run(model, policy, seed, out_folder, limit, jobs, fresh, check, json_file), data, trials)


@app.command("overlap")
def overlap(
    data: Data = DATA,
    trials: Trials = TRIALS,
    model: Model = "mini",
    policy: PolicyName = "balanced",
    seed: Seed = 0,
    out_folder: Out = OUT,
    limit: Limit = None,
    jobs: Jobs = 1,
    fresh: Fresh = False,
    check: Check = False,
    json_file: JsonFile = None,
    config: Definitions = None,
) -> None:
    """Backchannels and noises while it speaks: does it speak on?"""
    limits = _definitions(config)
    settings = Run(model, policy, seed, out_folder, limit, jobs, fresh, check, json_file)
    _measure(Overlap(limits, data, trials, seed), limits, settings, data, trials)


@app.command("pauses")
def pauses(
    data: Data = DATA,
    trials: Trials = TRIALS,
    model: Model = "mini",
    policy: PolicyName = "balanced",
    seed: Seed = 0,
    out_folder: Out = OUT,
    limit: Limit = None,
    jobs: Jobs = 1,
    fresh: Fresh = False,
    check: Check = False,
    json_file: JsonFile = None,
    config: Definitions = None,
) -> None:
    """Pauses inside turns, human clips, nobody: does it wait, and answer soon after the end?"""
    limits = _definitions(config)
    settings = Run(model, policy, seed, out_folder, limit, jobs, fresh, check, json_file)
    _measure(Pauses(limits, data, trials), limits, settings, data, trials)


@app.command("understanding")
def understanding(
    data: Data = DATA,
    trials: Trials = TRIALS,
    model: Model = "mini",
    policy: PolicyName = "balanced",
    seed: Seed = 0,
    out_folder: Out = OUT,
    limit: Limit = None,
    jobs: Jobs = 1,
    fresh: Fresh = False,
    check: Check = False,
    json_file: JsonFile = None,
    config: Definitions = None,
) -> None:
    """Spoken questions: are the answers right, and does it say what it does not know?"""
    limits = _definitions(config)
    settings = Run(model, policy, seed, out_folder, limit, jobs, fresh, check, json_file)
    _measure(Understanding(limits, data, trials), limits, settings, data, trials)


@app.command("speech")
def speech(
    asr: Annotated[str, typer.Option(help="Folder of a faster-whisper model; default: the packaged tiny.en.")] = "",
    data: Data = DATA,
    trials: Trials = TRIALS,
    model: Model = "mini",
    policy: PolicyName = "balanced",
    seed: Seed = 0,
    out_folder: Out = OUT,
    limit: Limit = None,
    jobs: Jobs = 1,
    fresh: Fresh = False,
    check: Check = False,
    json_file: JsonFile = None,
    config: Definitions = None,
) -> None:
    """Its own voice: is it understood, does it sound clean, does it click?"""
    limits = _definitions(config)
    settings = Run(model, policy, seed, out_folder, limit, jobs, fresh, check, json_file)
    _measure(Speech(limits, trials, asr), limits, settings, data, trials)


def _measure(suite: Suite, config: EvaluationConfig, settings: Run, data: Path, trials: Path) -> None:
    options = ConversationOptions(policy=policy_by_name(settings.policy), started_at=config.started_at)
    with _user_errors():
        examples = limited(suite.examples(), settings.limit)
        generator = load(settings.model, 1)
        facts = _settings(suite, config, settings, generator, data, trials)
        make: MakeConverse = EngineConverse(settings.model, options)
        if settings.jobs == 1:
            make = lambda: converse_of(generator, options)  # noqa: E731
        name = f"{suite.name}-{settings.model.replace('/', '-')}-{settings.policy}"
        store = RowStore(settings.out / f"{name}.jsonl", facts, settings.fresh)
        with progress() as bar:
            done = sum(example.id in store.rows for example in examples)
            task = bar.add_task(suite.name, total=len(examples), completed=done)
            rows = run(
                suite, examples, make, store, config, settings.seed, settings.jobs, on_row=lambda _: bar.advance(task)
            )
        generator.close()
    figures = suite.figures(rows)
    values = report(suite.name, facts, _machine(), figures, rows)
    for path in (settings.out / f"{name}.json", settings.json_file):
        if path:
            write_json(values, path)
    write_text(html(values), settings.out / f"{name}.html")
    out().print(table(f"{suite.name}, {settings.model}, {settings.policy}", figures))
    if settings.check and not all_met(figures):
        raise typer.Exit(1)
