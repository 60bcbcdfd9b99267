"""Functions as tools: schemas from signatures and docstrings, arguments checked, definitions in JSON."""

from collections.abc import Callable
from datetime import date
from enum import Enum
from typing import Annotated, Any, Literal

import pytest
from pydantic import BaseModel, Field

from configs.base import ConfigError
from duplex.model.tools.tool import BadArguments, Tool


class Unit(Enum):
    """Of a temperature."""

    C = "celsius"
    F = "fahrenheit"


class Place(BaseModel):
    """Where."""

    city: str
    title: str = ""


def weather(city: str, days: int = 1, *, unit: Unit = Unit.C) -> str:
    """The weather of
    a city.

    More of it.

    Args:
        city: its name,
            in English.
        days (int): how many.
        unit: of temperatures.

    Returns:
        Words.
    """
    return f"{city} {days} {unit.name}"


def test_a_schema_comes_from_signature_and_docstring() -> None:
    tool = Tool.of(weather)
    assert tool.definition["type"] == "function"
    assert (tool.name, tool.description) == ("weather", "The weather of a city. More of it.")
    properties = tool.parameters["properties"]
    assert properties["city"] == {"description": "its name, in English.", "type": "string"}
    assert properties["days"] == {"default": 1, "description": "how many.", "type": "integer"}
    assert properties["unit"]["description"] == "of temperatures."
    assert tool.parameters["required"] == ["city"]
    assert tool.parameters["type"] == "object"
    assert "additionalProperties" not in tool.parameters


def test_names_that_models_use_themselves_and_nested_types() -> None:
    def book(json: Place, title: Literal["mr", "ms"], day: Annotated[date, Field(description="when")]) -> Any:
        return json, title, day

    tool = Tool.of(book)
    assert set(tool.parameters["properties"]) == {"json", "title", "day"}
    assert tool.parameters["properties"]["day"]["description"] == "when"
    assert set(tool.parameters["$defs"]["Place"]["properties"]) == {"city", "title"}
    assert tool.run is not None
    assert tool.run({"json": {"city": "Ulm"}, "title": "ms", "day": "2026-01-31"}) == (
        Place(city="Ulm"),
        "ms",
        date(2026, 1, 31),
    )


def test_a_function_without_arguments() -> None:
    def now() -> str:
        return "noon"

    tool = Tool.of(now)
    assert tool.parameters == {"type": "object", "properties": {}}
    assert tool.run is not None
    assert tool.run({}) == "noon"


def test_arguments_are_converted_and_defaults_are_the_function_s() -> None:
    run = Tool.of(weather).run
    assert run is not None
    assert run({"city": "Ulm", "days": "3"}) == "Ulm 3 C"
    assert run({"city": "Ulm", "unit": "fahrenheit"}) == "Ulm 1 F"
    with pytest.raises(BadArguments, match=r"city: Field required; days: .*integer.*; town: Extra"):
        run({"days": "many", "town": "Ulm"})


def _take_untyped(x):  # type: ignore[no-untyped-def]
    return x


def _many(*x: int) -> None: ...


def _take_named(**x: int) -> None: ...


def _odd(x: Callable[[], int]) -> None: ...


def _unknown(x: "Nowhere") -> None: ...  # type: ignore[name-defined]  # noqa: F821


async def _later(x: int) -> None: ...


@pytest.mark.parametrize(
    ("function", "reason"),
    [
        (_take_untyped, "has no type; annotate it"),
        (_many, "has no name for callers"),
        (_take_named, "has no name for callers"),
        (_odd, "has a type that JSON cannot hold"),
        (_unknown, "types of tool '_unknown' cannot be read"),
        (_later, "is asynchronous"),
        (lambda: 1, "has no name"),
    ],
)
def test_what_cannot_be_described(function: Callable[..., Any], reason: str) -> None:
    with pytest.raises(ConfigError, match=reason) as caught:
        Tool.of(function)
    assert "\n" not in str(caught.value)


DEFINED = {
    "name": "battery",
    "description": "Charge left.",
    "parameters": {"type": "object", "properties": {"part": {"type": "string"}}, "required": ["part"]},
}


def test_definitions_with_and_without_their_envelope() -> None:
    plain, wrapped = (
        Tool.from_definition(values, "f.json") for values in (DEFINED, {"type": "function", "function": DEFINED})
    )
    assert plain.definition == wrapped.definition == {"type": "function", "function": DEFINED}
    assert plain.run is None


def test_a_definition_with_a_function_checks_names() -> None:
    run = Tool.from_definition(DEFINED, "f.json", lambda part: f"{part}: 80 %").run
    assert run is not None
    assert run({"part": "left"}) == "left: 80 %"
    with pytest.raises(BadArguments, match="part: is required; side: is not an argument"):
        run({"side": "left"})


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ({"name": "f", "colour": 1}, "unknown key 'function.colour'"),
        ({"type": "tool", "function": DEFINED}, "f.json: 'type' is wrong"),
        ({"function": {"description": "x"}}, "'function.name' is wrong"),
        (3, "f.json"),
    ],
)
def test_what_is_no_definition(values: Any, reason: str) -> None:
    with pytest.raises(ConfigError, match=reason):
        Tool.from_definition(values, "f.json")
