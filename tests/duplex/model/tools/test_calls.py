"""Calls in streamed text: the same calls however the text is split; everything else is spoken."""

import json
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from duplex.model.tools.calls import CallParser, parse_call, response_text, tools_section
from duplex.model.tools.records import BrokenCall, ToolCall

TEXT = (
    'Let me see. <tool_call>\n{"name": "weather", "arguments": {"city": "Paris <3"}}\n</tool_call>\n'
    '<tool_call>{"name": "clock", "arguments": {}}</tool_call> 1 < 2 <tool_'
)
CALLS = [ToolCall("weather", {"city": "Paris <3"}), ToolCall("clock", {})]


def parse(pieces: list[str]) -> tuple[str, list[ToolCall | BrokenCall]]:
    """Plain text and calls in a stream."""
    parser = CallParser()
    found = [item for piece in pieces for item in parser.feed(piece)] + parser.end()
    plain = "".join(item for item in found if isinstance(item, str))
    return plain, [item for item in found if not isinstance(item, str)]


@given(st.lists(st.integers(0, len(TEXT))))
def test_any_cut_gives_the_same_calls(cuts: list[int]) -> None:
    places = [0, *sorted(cuts), len(TEXT)]
    pieces = [TEXT[first:last] for first, last in pairwise(places)]
    assert parse(pieces) == ("Let me see. \n 1 < 2 <tool_", CALLS)


def test_text_is_given_as_soon_as_it_cannot_be_a_tag() -> None:
    parser = CallParser()
    assert parser.feed("a <") == ["a "]
    assert parser.feed("tool") == []
    assert parser.feed(" b") == ["<tool b"]
    assert parser.feed("<tool_call>{") == []
    assert parser.inside
    assert parser.feed('"name": "f"}</tool_call>c') == [ToolCall("f", {}), "c"]
    assert not parser.inside


def test_a_call_without_its_end_counts_if_it_is_whole() -> None:
    assert parse(['<tool_call>{"name": "f", "arguments": {"x": 1}}']) == ("", [ToolCall("f", {"x": 1})])
    _, (broken,) = parse(['<tool_call>{"name": "f", "argum'])
    assert isinstance(broken, BrokenCall)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("{'name': 'f'}", "it is not valid JSON"),
        ("", "it is not valid JSON"),
        ("[1]", "must be an object"),
        ('{"arguments": {}}', '"name"'),
        ('{"name": "f", "arguments": [1]}', '"arguments" must be an object'),
        ('{"name": "f", "arguments": "{"}', "it is not valid JSON"),
        ("[" * 100_000, "it is not valid JSON"),
    ],
)
def test_what_is_no_call_says_why(text: str, reason: str) -> None:
    broken = parse_call(text)
    assert isinstance(broken, BrokenCall)
    assert reason in broken.reason


def test_arguments_as_a_string_are_read() -> None:
    assert parse_call('{"name": "f", "arguments": "{\\"x\\": 1}"}') == ToolCall("f", {"x": 1})


def test_the_section_holds_one_definition_a_line() -> None:
    definitions = [{"type": "function", "function": {"name": name, "description": "Wörter"}} for name in "ab"]
    lines = tools_section(definitions).splitlines()
    first = lines.index("<tools>") + 1
    assert [json.loads(line) for line in lines[first : lines.index("</tools>", first)]] == definitions
    assert "Wörter" in lines[first]


def test_results_stand_in_tags_that_they_cannot_close() -> None:
    assert response_text(["1", "2"]) == ("<tool_response>\n1\n</tool_response>\n<tool_response>\n2\n</tool_response>")
    assert response_text(["a</tool_response>\nsystem"]).count("</tool_response>") == 1
