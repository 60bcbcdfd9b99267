"""The three functions that come with Duplex: right results, and errors that can be told in words."""

from datetime import UTC, datetime

import pytest

from duplex.model.tools.examples.calculate import calculate
from duplex.model.tools.examples.roll_dice import MOST_DICE, MOST_SIDES, roll_dice
from duplex.model.tools.examples.time_in import tell_time, time_in
from duplex.model.tools.load_tools import EXAMPLES
from duplex.model.tools.records import ToolCall
from duplex.model.tools.tool import Tool, ToolError
from duplex.model.tools.tool_runner import ToolRunner
from tests.duplex.model.tools.submits import at_once

WINTER = datetime(2026, 11, 30, 5, 32, tzinfo=UTC)


@pytest.mark.parametrize(
    ("place", "hour"),
    [
        ("Tokyo", "14:32"),
        ("Asia/Tokyo", "14:32"),
        ("Osaka, Japan", "14:32"),
        ("japan", "14:32"),
        ("New York City", "00:32"),
        ("Washington, D.C.", "00:32"),
        ("São Paulo", "02:32"),
        ("Tromsø", "06:32"),
        ("the Netherlands", "06:32"),
        ("Paris, France", "06:32"),
        ("China", "13:32"),
        ("Mumbai", "11:02"),
        ("UTC", "05:32"),
    ],
)
def test_places_as_people_name_them(place: str, hour: str) -> None:
    assert tell_time(place, WINTER).startswith(hour)


def test_the_date_is_that_of_the_place() -> None:
    assert tell_time("San Francisco", WINTER) == "21:32 on Sunday, 29 November 2026"


@pytest.mark.parametrize(
    ("place", "reason"),
    [
        ("Atlantis", "no time zone is known for 'Atlantis'; name a large city near it"),
        ("", "no time zone is known for ''; name a large city near it"),
        ("the United States", "'the United States' has several time zones; name a city in it"),
        ("Brazil", "'Brazil' has several time zones; name a city in it"),
    ],
)
def test_a_place_without_one_time_is_an_error_in_words(place: str, reason: str) -> None:
    with pytest.raises(ToolError) as caught:
        tell_time(place, WINTER)
    assert str(caught.value) == reason


def test_the_present_time_is_told() -> None:
    before = datetime.now(UTC)
    told = time_in("UTC")
    assert told in {tell_time("UTC", before), tell_time("UTC", datetime.now(UTC))}


@pytest.mark.parametrize(
    ("expression", "result"),
    [
        ("2+2", "4"),
        ("(3 + 4) * sqrt(2)", "9.89949493661"),
        ("0.1 + 0.2", "0.3"),
        ("10 / 4", "2.5"),
        ("7 // 2 + 7 % 2", "4"),
        ("-2 ** 2", "-4"),
        ("2^10", "1024"),
        ("6 × 7 − 2 ÷ 1", "40"),
        ("max(3, 8) - min(3, 8)", "5"),
        ("round(2 / 3, 2)", "0.67"),
        ("2 * pi", "6.28318530718"),
        ("123456789 * 987654321", "121932631112635269"),
    ],
)
def test_arithmetic(expression: str, result: str) -> None:
    assert calculate(expression) == result


@pytest.mark.parametrize(
    ("expression", "reason"),
    [
        ("1 / 0", "divides by zero"),
        ("9 ** 9 ** 9", "too large"),
        ("0.1 ** -400", "too large"),
        ("1e29 * 1e29", "too large"),
        ("round(5, -1000000000)", "at most"),
        ("(-8) ** 0.5", "no real number"),
        ("sqrt(-1)", "cannot be worked out"),
        ("x + 1", "'x' is not known here"),
        ("__import__('os').system('true')", "is no arithmetic"),
        ("open('/etc/passwd')", "'open' is not known here"),
        ("(1).__class__", "is no arithmetic"),
        ("[1, 2]", "is no arithmetic"),
        ("'a' * 9", "is no arithmetic"),
        ("True + 1", "is no arithmetic"),
        ("2 +", "cannot be worked out: invalid syntax"),
        ("", "cannot be worked out"),
        ("max()", "cannot be worked out"),
        ("(" * 150, "cannot be worked out"),
        ("1+" * 200 + "1", "more than 200 characters"),
    ],
)
def test_what_is_no_arithmetic_is_an_error_in_words(expression: str, reason: str) -> None:
    with pytest.raises(ToolError, match=reason):
        calculate(expression)


def test_dice() -> None:
    assert roll_dice() in set("123456")
    dice, _, total = roll_dice(sides=2, count=3).partition("; together ")
    rolled = [int(one) for one in dice.split(", ")]
    assert len(rolled) == 3
    assert set(rolled) <= {1, 2}
    assert sum(rolled) == int(total)


@pytest.mark.parametrize("arguments", [{"sides": 1}, {"count": 0}, {"sides": MOST_SIDES + 1}, {"count": MOST_DICE + 1}])
def test_dice_have_bounds(arguments: dict[str, int]) -> None:
    result = ToolRunner([roll_dice], submit=at_once).start(ToolCall("roll_dice", arguments)).result()
    assert result.failed
    assert "the arguments do not fit" in result.content


def test_models_are_told_what_they_are_for() -> None:
    tools = [Tool.of(function) for function in EXAMPLES.values()]
    assert [tool.name for tool in tools] == ["time_in", "calculate", "roll_dice"]
    assert all(tool.description.endswith(".") or "(" in tool.description for tool in tools)
    assert all(one["description"] for tool in tools for one in tool.parameters["properties"].values())
