"""Values of options: every number, date and name has bounds, and the error for a value outside names them.

    Seed = Annotated[int, number(0, LARGEST_SEED, "Seed of all random choices.", whole=True)]

This module handles texts and bounds; it does not depend on the use of the values.
"""

import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, Final

import typer

from configs.base import ConfigError
from configs.model.patterns import Pattern
from configs.policy import policy

LARGEST_SEED: Final = 2**31 - 1
LARGEST_PORT: Final = 65_535
HOTTEST: Final = 2.0
"""Highest temperature of a text head; the API has the same bound."""
EARLIEST: Final = datetime(1970, 1, 2, tzinfo=UTC)
LATEST: Final = datetime(2999, 12, 31, tzinfo=UTC)
MOST_NUMBERS: Final = 32
"""Most numbers that an option with a list takes."""
_DEVICE = re.compile(r"auto|cpu|cuda(:\d{1,2})?")


class Precision(StrEnum):
    """The data types of weights."""

    BFLOAT16 = "bfloat16"
    FLOAT32 = "float32"


@dataclass(frozen=True)
class NumberParser:
    """Parses a finite number from `lowest` to `highest`, inclusive; typer calls it with an option's text.

    Attributes:
        lowest, highest: the bounds. whole: whether it must be an integer. unit: unit for the error, such as "s".
    """

    lowest: float
    highest: float
    whole: bool = False
    unit: str = ""

    @property
    def bounds(self) -> str:
        """What is allowed, in words."""
        kind = "a whole number" if self.whole else "a number"
        return f"{kind} from {_show(self.lowest)} to {_show(self.highest)}{self.unit and ' ' + self.unit}"

    def __call__(self, text: Any) -> float:
        """
        Raises:
            typer.BadParameter: the text is not such a number.
        """
        try:
            value = self._value(str(text))
        except ValueError:
            value = math.nan
        if not self.lowest <= value <= self.highest:
            raise typer.BadParameter(f"must be {self.bounds}, not '{text}'")
        return value

    def _value(self, text: str) -> float:
        return int(text) if self.whole else float(text)


@dataclass(frozen=True)
class NumberList:
    """Numbers that were given separated by commas."""

    values: tuple[float, ...]

    def __str__(self) -> str:
        return ",".join(f"{value:g}" for value in self.values)


@dataclass(frozen=True)
class NumbersParser:
    """Parses numbers separated by commas, each within the bounds of `each`."""

    each: NumberParser

    def __call__(self, text: Any) -> NumberList:
        """
        Raises:
            typer.BadParameter: one is not such a number, or there are too many.
        """
        parts = str(text).split(",")
        try:
            values = tuple(self.each(part.strip()) for part in parts)
        except typer.BadParameter:
            values = ()
        if not 1 <= len(values) <= MOST_NUMBERS:
            raise typer.BadParameter(
                f"must be numbers with commas between, each {self.each.bounds}, at most {MOST_NUMBERS}; not '{text}'"
            )
        return NumberList(values)


def number(
    lowest: float, highest: float, help: str, *names: str, whole: bool = False, unit: str = "", **more: Any
) -> Any:
    """An option that takes a finite number within bounds; `more` is passed to `typer.Option`."""
    parse = NumberParser(lowest, highest, whole, unit)
    return typer.Option(*names, help=help, min=lowest, max=highest, parser=parse, **more)


def numbers(
    lowest: float, highest: float, help: str, *names: str, whole: bool = False, unit: str = "", **more: Any
) -> Any:
    """An option that takes several numbers separated by commas, all within bounds; annotate it with `NumberList`."""
    parse = NumbersParser(NumberParser(lowest, highest, whole, unit))
    return typer.Option(*names, help=help, parser=parse, metavar="NUMBER,...", **more)


def make_parser(parse: Callable[[str], Any]) -> Callable[[Any], Any]:
    """A parser that turns the `ConfigError` of `parse` into an option error, because typer would drop its message."""

    def parse_option(text: Any) -> Any:
        try:
            return parse(str(text))
        except ConfigError as error:
            raise typer.BadParameter(str(error)) from None

    return parse_option


def pattern_name(text: str) -> str:
    """Parse the name of an interaction pattern.

    Raises:
        ConfigError: there is no such pattern.
    """
    return Pattern.by_name(text).value


def policy_name(text: str) -> str:
    """Parse the name of a state policy.

    Raises:
        ConfigError: there is no such policy.
    """
    policy(text)
    return text


def device_name(text: str) -> str:
    """Parse the name of a device, in torch's notation.

    Raises:
        ConfigError: the text is not a device name.
    """
    if not _DEVICE.fullmatch(text):
        raise ConfigError(f"must be auto, cpu, cuda, or cuda:0 to cuda:99, not '{text}'")
    return text


def date_and_time(text: str) -> datetime:
    """Parse a date and time in ISO format; without a time zone it is local.

    Raises:
        ConfigError: the text is not a date and time, or is out of range.
    """
    try:
        moment = datetime.fromisoformat(text)
        if moment.tzinfo is None:
            moment = moment.astimezone()
        fits = EARLIEST <= moment <= LATEST
    except (ValueError, OverflowError, OSError):
        fits = False
    if not fits:
        raise ConfigError(
            f"must be a date and time from {EARLIEST:%Y-%m-%d} to {LATEST:%Y-%m-%d}, "
            f"such as 2026-01-31T10:35, not '{text}'"
        )
    return moment


def _show(bound: float) -> str:
    return f"{bound:,}" if isinstance(bound, int) else f"{bound:,g}"
