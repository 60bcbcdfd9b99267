"""`duplex evaluate`: the suites of `duplex.eval` on the engine that also runs live, under a virtual clock.

The only place that knows both: it makes `converse` from the engine, has the conversations and writes the results.
"""

import hashlib
import os
import platform
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, ClassVar

import typer
from rich.table import Table

from configs.audio import AUDIO
from configs.evaluation import EvaluationConfig
from configs.policy import policy as policy_by_name
from duplex.eval.errors import EvaluationError
from duplex.eval.measures.figures import Figure, all_met
from duplex.eval.recording import AnswerText, Converse, MakeConverse, Recording, SlotTrace
from duplex.eval.reports.report import html, report, table, write_json, write_text
from duplex.eval.runner import limited, run
from duplex.eval.store import RowStore
from duplex.eval.suite import Example, Facts, Row, Suite
from duplex.eval.suites.catalog import REACTIVE, SUITES, TURN_TAKING, Sources
from duplex.eval.users.user import SimulatedUser
from duplex.interface import ConversationOptions, SlotGenerator
from runtime.commands.common import JsonFile, Model, PolicyName, err, out, progress
from runtime.converse import Conversation, converse_with
from runtime.engine_worker import load
from runtime.errors import DuplexError
from runtime.pcm import to_float
from runtime.versions import versions
from tdm.slots import State

SLOT_OUT = AUDIO.slot_output_samples
REDIRECTED_WIDTH = 140
DATA, TRIALS, OUT = Path("../shared/data"), Path("runs/trials"), Path("runs/evaluation")

Data = Annotated[Path, typer.Option("--data", help="Folder of real audio with its manifest.jsonl.")]
Trials = Annotated[Path, typer.Option("--trials", help="Folder of synthesized trials with their trials.jsonl.")]
Seed = Annotated[int, typer.Option("--seed", help="Seeds the choice of examples and the model.")]
Out = Annotated[Path, typer.Option("--out", help="Folder for the results; a killed run goes on from it.")]
Limit = Annotated[int | None, typer.Option("--limit", min=1, help="Only the first examples of every group.")]
Jobs = Annotated[int, typer.Option("--jobs", min=1, help="Processes at once.")]
Fresh = Annotated[bool, typer.Option("--fresh", help="Forget finished conversations.")]
Check = Annotated[bool, typer.Option("--check", help="Exit with 1 when a bar is missed.")]
Definitions = Annotated[Path | None, typer.Option("--config", help="YAML file with other limits and windows.")]
Reactive = Annotated[bool, typer.Option("--reactive", help=SUITES[REACTIVE].question)]

app = typer.Typer(no_args_is_help=True, pretty_exceptions_enable=False, help="Measure the model: docs/evaluation.md.")


class MeasurementError(DuplexError):
    """A measurement cannot be made."""

    code: ClassVar[str] = "evaluation"


@dataclass(frozen=True)
class Run:
    """What a suite is run with."""

    sources: Sources
    model: str
    policy: str
    out: Path
    limit: int | None
    jobs: int
    fresh: bool

    @property
    def options(self) -> ConversationOptions:
        """Of every conversation, but for its seed.

        Raises:
            ConfigError: there is no such policy.
        """
        return ConversationOptions(policy=policy_by_name(self.policy), started_at=self.sources.config.started_at)

    def file(self, suite: str) -> Path:
        """Where its results go, without an ending."""
        return self.out / f"{suite}-{Path(self.model).name}-{self.policy}"


@dataclass(frozen=True)
class EngineConverse:
    """Loads the model in the process that calls it."""

    model: str
    options: ConversationOptions

    def __call__(self) -> Converse:
        """The engine as `Converse`."""
        return converse_of(load(self.model, 1), self.options)


def converse_of(generator: SlotGenerator, options: ConversationOptions) -> Converse:
    """The engine under a virtual clock; every conversation has a seed of its own."""

    def converse(user: SimulatedUser, seed: int) -> Recording:
        seeded = ConversationOptions(seed, options.policy, started_at=options.started_at)
        talk = converse_with(generator, lambda live: user.next_slot(live.assistant[-SLOT_OUT:]), seeded)
        return recording_of(talk)

    return converse


def recording_of(talk: Conversation) -> Recording:
    """A conversation of the engine as the evaluation sees it; both channels end together."""
    slots = tuple(SlotTrace(row.slot, row.p_speak, row.state == State.SPEAK.name, row.event) for row in talk.rows)
    answers = tuple(AnswerText(a.text, a.unheard, a.start, a.end, a.how) for a in talk.transcript.assistant.answers)
    heard = tuple(turn.text for turn in talk.transcript.user.words)
    return Recording(to_float(talk.user), talk.assistant[: len(talk.rows) * SLOT_OUT], slots, answers, heard)


def measure(name: str, settings: Run) -> tuple[list[Figure], Facts]:
    """Run a suite or what is left of it, and write its rows, report and timelines.

    Raises:
        MeasurementError: data is missing, or results of other settings are there.
        ModelLoadError, ConfigError: the model or the policy cannot be used.
    """
    suite = SUITES[name].make(settings.sources)
    file, options = settings.file(name), settings.options
    with _as_duplex_error():
        examples = limited(suite.examples(), settings.limit)
        with closing(load(settings.model, 1)) as generator:
            facts = _facts(suite, settings, generator)
            store = RowStore(file.with_suffix(".jsonl"), facts, settings.fresh)
            rows = _rows(suite, examples, settings, _maker(settings, generator, options), store)
        figures = suite.figures(rows)
        values = report(name, facts, _machine(), figures, rows)
        write_json(values, file.with_suffix(".json"))
        write_text(html(values, figures), file.with_suffix(".html"))
    return figures, values


def _maker(settings: Run, generator: SlotGenerator, options: ConversationOptions) -> MakeConverse:
    """The loaded model in this process, or the way to load it in others."""
    converse = converse_of(generator, options)
    return EngineConverse(settings.model, options) if settings.jobs > 1 else lambda: converse


def _rows(suite: Suite, examples: list[Example], settings: Run, make: MakeConverse, store: RowStore) -> list[Row]:
    sources = settings.sources
    with progress() as bar:
        done = sum(example.id in store.rows for example in examples)
        task = bar.add_task(suite.name, total=len(examples), completed=done)
        return run(
            suite,
            examples,
            make,
            store,
            sources.config,
            seed=sources.seed,
            jobs=settings.jobs,
            on_row=lambda _: bar.advance(task),
        )


@contextmanager
def _as_duplex_error() -> Iterator[None]:
    try:
        yield
    except EvaluationError as error:
        raise MeasurementError(str(error)) from None


def _facts(suite: Suite, settings: Run, generator: SlotGenerator) -> Facts:
    """Everything the rows depend on."""
    sources = settings.sources
    return {
        "suite": suite.name,
        "model": settings.model,
        "fingerprint": generator.fingerprint,
        "policy": settings.policy,
        "seed": sources.seed,
        "definitions": sources.config.model_dump(mode="json"),
        "data_sha256": _sha256(sources.data / "manifest.jsonl"),
        "trials_sha256": _sha256(sources.trials / "trials.jsonl"),
    }


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else ""


def _machine() -> Facts:
    return {"machine": platform.machine(), "cores": os.cpu_count(), "versions": versions()}


def _show(name: str, settings: Run, check: bool, json_file: Path | None) -> None:
    figures, values = measure(name, settings)
    if json_file:
        write_json(values, json_file)
    console = out()
    console.width = console.width if console.is_terminal else REDIRECTED_WIDTH
    console.print(table(f"{name}, {settings.model}, {settings.policy}", figures))
    err().print(f"timelines: {settings.file(name).with_suffix('.html')}")
    if check and not all_met(figures):
        raise typer.Exit(1)


@app.command("list")
def list_suites() -> None:
    """Name the suites."""
    names = Table("suite", "what it asks")
    for name, entry in SUITES.items():
        names.add_row(name, entry.question)
    out().print(names)


@app.command(TURN_TAKING, help=SUITES[TURN_TAKING].question)
def turn_taking(
    reactive: Reactive = False,
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
    """Two questions, or a question into a long answer."""
    sources = Sources(_definitions(config), data, trials, seed)
    settings = Run(sources, model, policy, out_folder, limit, jobs, fresh)
    _show(REACTIVE if reactive else TURN_TAKING, settings, check, json_file)


def _command(name: str) -> Callable[..., None]:
    """A command with the common options."""

    def command(
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
        sources = Sources(_definitions(config), data, trials, seed)
        _show(name, Run(sources, model, policy, out_folder, limit, jobs, fresh), check, json_file)

    return command


def _definitions(path: Path | None) -> EvaluationConfig:
    return EvaluationConfig.from_yaml(path) if path else EvaluationConfig()


for _name, _entry in SUITES.items():
    if _name != TURN_TAKING:
        app.command(_name, help=_entry.question)(_command(_name))
