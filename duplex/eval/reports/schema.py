"""The content of a report file as pydantic models, which are the published schema, and how it is read.

Infinite numbers are the strings "inf" and "-inf"; numbers that do not exist are null. Times are seconds on the clock of
the conversation. `Report.model_json_schema()` returns the same as a JSON schema.
"""

from abc import ABC, abstractmethod
from pathlib import Path
from typing import Annotated, Any, Final, Literal, NoReturn, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from configs.eval.evaluation import Bar
from configs.eval.statistics import StatisticsConfig
from duplex.eval.errors import EvaluationError
from duplex.eval.measures.figures import Figure, Number, Rate, Ratio, Spread, Summary
from duplex.io.whole_files import parse_json, shorten

SCHEMA: Final = 2
REPORT_FILE: Final = "report.json"
_HINT = f"give the {REPORT_FILE} of a run or its folder"

Values = tuple[tuple[str, float], ...]


class Part(BaseModel):
    """Base of all parts: frozen, unknown keys refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)


class BarResult(Bar):
    """A bar, and whether it is met; a hidden or missing number meets none."""

    met: bool


class FigurePart(Part, ABC):
    """What all figures have: `name`, what `n` counts (`of`), bars, and whether a summary leaves it out."""

    name: str
    of: str
    bars: tuple[BarResult, ...]
    detail: bool

    @abstractmethod
    def summary(self) -> Summary:
        """The values that it is made of."""

    def figure(self, statistics: StatisticsConfig) -> Figure:
        """The figure that was written."""
        bars = tuple(Bar(of=bar.of, sense=bar.sense, limit=bar.limit) for bar in self.bars)
        return Figure(self.name, self.of, self.summary(), bars, self.detail, statistics)


class RateFigure(FigurePart):
    """`hits` of `n`; the share with its Wilson interval (Wilson 1927) is null if it is hidden. Values are 0 or 1."""

    kind: Literal["rate"]
    n: int
    hits: int
    share: float | None
    low: float | None
    high: float | None
    values: Values

    def summary(self) -> Rate:
        """See `FigurePart`."""
        return Rate(self.values)


class SpreadFigure(FigurePart):
    """`n` values: mean and percentiles, and bootstrap intervals of the mean and the median."""

    kind: Literal["spread"]
    n: int
    mean: float | None
    p50: float | None
    p90: float | None
    p95: float | None
    mean_low: float | None
    mean_high: float | None
    p50_low: float | None
    p50_high: float | None
    values: Values

    def summary(self) -> Spread:
        """See `FigurePart`."""
        return Spread(self.values)


class RatioFigure(FigurePart):
    """`value`: the sum of `values` divided by the sum of `over` (`n`), with its bootstrap interval."""

    kind: Literal["ratio"]
    n: float
    value: float | None
    low: float | None
    high: float | None
    values: Values
    over: tuple[float, ...]

    def summary(self) -> Ratio:
        """See `FigurePart`."""
        return Ratio(self.values, self.over)


class NumberFigure(FigurePart):
    """`value` over `n` things."""

    kind: Literal["number"]
    n: int
    value: float | None

    def summary(self) -> Number:
        """See `FigurePart`."""
        return Number(self.n, self.value)


AnyFigure = Annotated[RateFigure | SpreadFigure | RatioFigure | NumberFigure, Field(discriminator="kind")]


class EventPart(Part):
    """An audible event. `kind`: as in labels, or "speech" of the assistant. `name`: as in the script."""

    side: Literal["user", "assistant"]
    kind: str
    name: str = ""
    start: float
    end: float


class LatencyPart(Part):
    """A latency that a timeline marks: `to` - `from`, signed seconds. `kind`: "response", "stop" or another word."""

    kind: str
    begin: float = Field(alias="from")
    to: float


class WordPart(Part):
    """A word and when it sounded."""

    text: str
    start: float
    end: float


class AnswerPart(Part):
    """An answer of the assistant, as `duplex.eval.conversation_record.AnswerText`."""

    text: str
    unheard: str
    start: float
    end: float
    how: str
    words: tuple[WordPart, ...] = ()


class TracePart(Part):
    """The data that a timeline draws. A suite may add more.

    Attributes:
        seconds: length. user, assistant: envelopes, 0..99 every 50 ms.
        p_speak: value per slot. state: a letter per slot, "S" for SPEAK. decisions: (when it takes effect, event).
        answers, heard: texts. latencies: those to mark; without them, those of the measures `response_s` and `stop_s`
            that can be placed.
    """

    model_config = ConfigDict(frozen=True, extra="allow")

    seconds: float
    user: tuple[int, ...]
    assistant: tuple[int, ...]
    p_speak: tuple[float, ...]
    state: str
    decisions: tuple[tuple[float, str], ...]
    answers: tuple[AnswerPart, ...]
    heard: tuple[str, ...]
    latencies: tuple[LatencyPart, ...] = ()


class DialoguePart(Part):
    """One conversation. `measures`: those of its suite. `worst`: sort key, highest for the most remarkable
    conversation."""

    id: str
    group: str
    measures: dict[str, Any]
    worst: float
    events: tuple[EventPart, ...]
    trace: TracePart


class Report(Part):
    """A run of a suite.

    Attributes:
        version: version of this schema ("schema" in the file).
        settings: everything that the rows depend on: model and its fingerprint, seed, definitions, hashes of the data.
        machine: the only part in which two equal runs may differ.
        statistics: how values became numbers.
    """

    version: Literal[2] = Field(alias="schema")
    suite: str
    settings: dict[str, Any]
    machine: dict[str, Any]
    statistics: StatisticsConfig
    figures: tuple[AnyFigure, ...]
    dialogues: tuple[DialoguePart, ...]

    @model_validator(mode="after")
    def _ids_are_unique(self) -> Self:
        if len({dialogue.id for dialogue in self.dialogues}) < len(self.dialogues):
            raise ValueError("two dialogues have the same id")
        return self


def read_report(path: Path) -> Report:
    """Read and check a report.

    Args:
        path: the file, or the folder of a run.

    Raises:
        EvaluationError: there is no such file, or it is not a report or is of another schema.
    """
    file = path / REPORT_FILE if path.is_dir() else path
    try:
        values = parse_json(file.read_text(encoding="utf-8"), parse_constant=_refuse)
    except OSError as error:
        raise EvaluationError(f"{file}: cannot be read ({error.strerror}); {_HINT}") from None
    except ValueError as error:
        raise EvaluationError(f"{file}: is not JSON ({error}); {_HINT}") from None
    return _check(values, file)


def _check(values: Any, file: Path) -> Report:
    if not isinstance(values, dict) or "schema" not in values:
        raise EvaluationError(f"{file}: is not a report; {_HINT}")
    if values["schema"] != SCHEMA:
        told = shorten(str(values["schema"]))
        raise EvaluationError(
            f"{file}: is a report of schema {told}, but schema {SCHEMA} is read here; run the suite again"
        )
    try:
        return Report.model_validate(values)
    except ValidationError as error:
        first = error.errors()[0]
        place = shorten(".".join(str(part) for part in first["loc"])) or "(top level)"
        why = " ".join(first["msg"].split())
        raise EvaluationError(f"{file}: is not a report of schema {SCHEMA} ('{place}': {why}); {_HINT}") from None


def _refuse(token: str) -> NoReturn:
    raise ValueError(f"{token} is not a JSON number")
