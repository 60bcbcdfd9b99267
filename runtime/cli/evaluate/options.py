"""Options shared by the commands of `duplex evaluate`."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from configs.base import ConfigError
from configs.eval.conditions import EXAMPLES
from configs.eval.evaluation import EvaluationConfig
from configs.model.patterns import Pattern
from runtime.cli.common import PatternOptions, PolicyName
from runtime.cli.paths import file, new_folder
from runtime.cli.values import LARGEST_SEED, NumberList, number, numbers

if TYPE_CHECKING:
    from duplex.eval.suites.catalog import Sources
    from runtime.cli.evaluate.suite_run import Run
    from runtime.cli.evaluate.system import ModelChoice

LONGEST_GAP: Final = 60
MOST_EXAMPLES, MOST_JOBS = 1_000_000, 256
DATA, TRIALS, OUT = Path("../shared/data"), Path("runs/trials"), Path("runs/evaluation")

Data = Annotated[Path, typer.Option("--data", help="Folder of real audio with its manifest.jsonl.")]
Trials = Annotated[Path, typer.Option("--trials", help="Folder of synthesized trials with their trials.jsonl.")]
Seed = Annotated[int, number(0, LARGEST_SEED, "Seed of the choice of examples and of the model.", "--seed", whole=True)]
Out = Annotated[Path, new_folder("--out", help="Folder for the results; a killed run resumes from it.")]
Limit = Annotated[
    int | None, number(1, MOST_EXAMPLES, "Only the first examples of every group.", "--limit", whole=True)
]
Jobs = Annotated[int, number(1, MOST_JOBS, "Number of parallel processes.", "--jobs", whole=True)]
Fresh = Annotated[bool, typer.Option("--fresh", help="Forget finished conversations.")]
Audio = Annotated[bool, typer.Option("--audio", help="Keep the sound of every conversation.")]
Check = Annotated[bool, typer.Option("--check", help="Exit with 1 if a bar is missed.")]
Definitions = Annotated[Path | None, file("--config", help="YAML file with other limits and windows.")]

_CONDITIONS = f"Between user and system: {', '.join(EXAMPLES.values())}. Each of several values is a run."
ConditionTexts = Annotated[list[str] | None, typer.Option("--condition", help=_CONDITIONS)]
Gap = Annotated[
    NumberList | None,
    numbers(
        0,
        LONGEST_GAP,
        "Time between the questions; several values, such as 0.5,1,2,3,4, are a run each.",
        "--gap",
        unit="s",
    ),
]


@dataclass(frozen=True)
class SourceOptions(PatternOptions):
    """A model, the material it is measured with, and where the results go."""

    data: Data = DATA
    trials: Trials = TRIALS
    seed: Seed = 0
    out: Out = OUT
    limit: Limit = None
    jobs: Jobs = 1
    fresh: Fresh = False
    config: Definitions = None

    def sources(self) -> "Sources":
        """Definitions, folders and seed.

        Raises:
            ConfigError: see `configs.base.Config.from_yaml`.
        """
        from duplex.eval.suites.catalog import Sources

        return Sources(definitions(self.config), self.data, self.trials, self.seed)

    def choice(self) -> "ModelChoice":
        """The model to measure.

        Raises:
            ConfigError: a value of `--set` is wrong, or the pattern does not take speech.
            LlmError: the server of the language model does not say which model it has.
        """
        from runtime.cli.evaluate.system import ModelChoice

        if self.pattern is not None and not Pattern.by_name(self.pattern).hears:
            raise ConfigError(f"--pattern {self.pattern}: users of an evaluation speak; give one that begins with S")
        return ModelChoice(self.model, self.resolve_changes(), self.pattern)


@dataclass(frozen=True)
class RunOptions(SourceOptions):
    """All options of a run of suites."""

    policy: PolicyName = "balanced"
    condition: ConditionTexts = None
    audio: Audio = False
    check: Check = False

    def run(self) -> "Run":
        """The settings of a run, without conditions.

        Raises:
            ConfigError: an option or a file of definitions is wrong.
        """
        from runtime.cli.evaluate.suite_run import Run

        return Run(self.sources(), self.choice(), self.policy, self.out, self.limit, self.jobs, self.fresh, self.audio)


def definitions(path: Path | None) -> EvaluationConfig:
    """Read the definitions from a file, or take the default ones.

    Raises:
        ConfigError: see `configs.base.Config.from_yaml`.
    """
    return EvaluationConfig.from_yaml(path) if path else EvaluationConfig()
