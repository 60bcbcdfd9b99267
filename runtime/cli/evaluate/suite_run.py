"""One run of a suite: what it depends on, its folder, and its files.

    OUT/SUITE-MODEL-POLICY/rows.jsonl     a line per finished conversation, from which a killed run resumes
                           report.json    everything, for programs; two runs with one seed are equal byte for byte
                           report.md      the figures, for a README
                           report.html    the figures and a timeline of every conversation
                           audio/ID.wav   user left, assistant right (with --audio)

This module handles suites, models and files; it does not depend on the command line.
"""

import hashlib
import os
import platform
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from configs.eval.conditions import NO_CONDITION, Condition
from configs.policy import policy as policy_by_name
from duplex.eval.conversation_record import MakeSystem
from duplex.eval.measures.figures import Figure, sum_up
from duplex.eval.reports.markdown import markdown
from duplex.eval.reports.page import page
from duplex.eval.reports.report import plain, report, write_json, write_text
from duplex.eval.runner import Experiment, OnRow, limit_groups, run
from duplex.eval.store import RowStore
from duplex.eval.suite import Example, Facts
from duplex.eval.suites.catalog import SUITES, Sources
from duplex.eval.users.clip import other_rates
from duplex.eval.users.conditions import Conditions
from duplex.model.interface import ConversationOptions, SlotGenerator
from duplex.model.language_models.description import describe_llm
from runtime.cli.evaluate.system import EngineSystem, ModelChoice, system_of, writing
from runtime.versions import versions

OnStart = Callable[[int, int], OnRow]
"""Called with the numbers of all and of finished conversations; returns the function to call after each."""


@dataclass(frozen=True)
class Run:
    """The settings of a run.

    Attributes:
        sources: definitions, data, seed. model: the model and its changes. policy: name of the policy.
        out: folder for the folders of all runs.
        limit: conversations of every group; None for all. jobs: number of processes.
        fresh: delete earlier results. audio: keep the sound.
        condition: what lies between the user and the system. variant: name of definitions other than the default ones.
    """

    sources: Sources
    model: ModelChoice
    policy: str
    out: Path
    limit: int | None = None
    jobs: int = 1
    fresh: bool = False
    audio: bool = False
    condition: Condition = NO_CONDITION
    variant: str = ""

    @property
    def options(self) -> ConversationOptions:
        """Options of every conversation, except its seed.

        Raises:
            ConfigError: there is no such policy.
        """
        return ConversationOptions(
            policy=policy_by_name(self.policy),
            started_at=self.sources.config.started_at,
            pattern=self.model.pattern,
        )

    def folder(self, suite: str) -> Path:
        """Folder of its files."""
        parts = (suite, self.model.file_name, self.policy, self.variant, self.condition.file_name)
        return self.out / "-".join(part for part in parts if part)


@dataclass(frozen=True)
class SuiteResult:
    """The result of a run: its report, and the figures with their bars.

    `resampled`: number of sound files that were resampled, by their rate. `notes`: what was left out, and why.
    """

    folder: Path
    figures: list[Figure]
    values: Facts
    resampled: dict[int, int]
    notes: tuple[str, ...] = ()


def measure(name: str, settings: Run, on_start: OnStart) -> SuiteResult:
    """Run a suite, or the rest of it, and write its files.

    Raises:
        EvaluationError: data is missing, or there are results with other settings.
        ModelLoadError, ConfigError: the model or the policy cannot be used. LlmError: the language model cannot be
            used, or it failed; finished conversations are kept.
    """
    sources, folder = settings.sources, settings.folder(name)
    suite = SUITES[name](sources)
    conditions = Conditions.of(settings.condition, sources.data, sources.config.conditions)
    examples = limit_groups(suite.examples(), settings.limit)
    resampled = other_rates(event.clip.path for example in examples for event in example.script.events)
    with closing(settings.model.load()) as generator:
        facts = {**_facts(name, settings, generator), "condition": conditions.facts()}
        store = RowStore(folder / "rows.jsonl", facts, settings.fresh)
        experiment = Experiment(
            suite,
            _maker(settings, generator),
            sources.config,
            sources.seed,
            folder / "audio" if settings.audio else None,
            conditions,
        )
        on_row = on_start(len(examples), sum(experiment.is_done(example, store) for example in examples))
        rows = run(experiment, examples, store, settings.jobs, on_row)
        notes = tuple(_list_left_out(settings, generator, examples))
    figures = list(sum_up(suite.figures(rows), sources.config.statistics))
    values = report(name, facts, machine(), figures, rows)
    write_json(values, folder / "report.json")
    write_text(markdown(values, figures), folder / "report.md")
    write_text(page(values, figures), folder / "report.html")
    return SuiteResult(folder, figures, values, resampled, notes)


def _list_left_out(settings: Run, generator: SlotGenerator, examples: Sequence[Example]) -> Iterator[str]:
    """Notes on what the suite requires and this model cannot do."""
    if writing(generator) is None and any(example.written for example in examples):
        yield f"{settings.model.name} does not read written text: the written questions (T2T) were left out"


def _maker(settings: Run, generator: SlotGenerator) -> MakeSystem:
    """The loaded model for this process, or a loader for other processes."""
    options = settings.options
    return EngineSystem(settings.model, options) if settings.jobs > 1 else lambda: system_of(generator, options)


def _facts(suite: str, settings: Run, generator: SlotGenerator) -> Facts:
    """Everything that the rows depend on."""
    policy = {"policy": settings.policy, "policy_values": settings.options.policy.model_dump(mode="json")}
    return {"suite": suite, **settings.model.facts(), **policy, **describe_run(settings.sources, generator)}


def describe_run(sources: Sources, generator: SlotGenerator) -> Facts:
    """The weights, the language model, the seed, the definitions and the data, by hashes."""
    return {
        "fingerprint": generator.fingerprint,
        **describe_llm(generator),
        "seed": sources.seed,
        "definitions": plain(sources.config.model_dump(mode="json")),
        "data_sha256": _sha256(sources.data / "manifest.jsonl"),
        "trials_sha256": _sha256(sources.trials / "trials.jsonl"),
    }


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else ""


def machine() -> Facts:
    """The machine and the software of a measurement."""
    return {"machine": platform.machine(), "cores": os.cpu_count(), "versions": versions()}
