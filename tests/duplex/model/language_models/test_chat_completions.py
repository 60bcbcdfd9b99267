"""OpenAI's form: what is sent, what is read, in the variants that servers have; however bytes are cut."""

import json
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from duplex.model.language_models.chat_completions import (
    BadChunkError,
    CallAssembler,
    CallPart,
    CompletionChunk,
    ReportedError,
    parse_chunk,
    reported_message,
    write_messages,
)
from duplex.model.language_models.interface import ChatMessage, RequestedCall
from duplex.model.language_models.server_sent_events import LONGEST_LINE, NotEventsError, read_events


def chunk_of(**delta: object) -> CompletionChunk:
    """A chunk with that delta, as it is read."""
    return parse_chunk(json.dumps({"choices": [{"delta": delta}]}))


def test_messages_with_calls_and_results() -> None:
    call = RequestedCall("call_1", "clock", '{"place": "Rome"}')
    written = write_messages(
        [
            ChatMessage("system", "Be short."),
            ChatMessage("user", "What time is it?"),
            ChatMessage("assistant", "", calls=(call,)),
            ChatMessage("tool", "noon", call_id="call_1"),
            ChatMessage("assistant", "Noon."),
        ]
    )
    assert written == [
        {"role": "system", "content": "Be short."},
        {"role": "user", "content": "What time is it?"},
        {
            "role": "assistant",
            "content": None,
            "tool_calls": [
                {"id": "call_1", "type": "function", "function": {"name": "clock", "arguments": '{"place": "Rome"}'}}
            ],
        },
        {"role": "tool", "content": "noon", "tool_call_id": "call_1"},
        {"role": "assistant", "content": "Noon."},
    ]


def test_what_a_chunk_says() -> None:
    assert chunk_of(content="Hi") == CompletionChunk("Hi")
    assert chunk_of(content=None, role="assistant") == CompletionChunk()
    assert chunk_of(refusal="I won't.") == CompletionChunk("I won't.")
    assert chunk_of(reasoning_content="Hm") == CompletionChunk(thinks=True)
    assert chunk_of(reasoning="Hm", content="") == CompletionChunk(thinks=True)
    assert chunk_of(content=[{"type": "thinking", "thinking": []}, {"type": "text", "text": "Hi"}]) == CompletionChunk(
        "Hi"
    )
    assert parse_chunk('{"choices": [], "usage": {}}') == parse_chunk("{}") == CompletionChunk(has_choice=False)
    assert parse_chunk('{"choices": [{"finish_reason": "length"}]}') == CompletionChunk(finish="length")
    call = {"index": 1, "id": "a", "function": {"name": "f", "arguments": {"x": 1}}}
    assert chunk_of(tool_calls=[call]).calls == (CallPart(1, "a", "f", '{"x": 1}'),)


@pytest.mark.parametrize(
    "data",
    [
        "nonsense",
        "{",
        "[" * 100_000,
        "[1]",
        "3",
        '{"choices": 3}',
        '{"choices": [3]}',
        '{"choices": [{"delta": "Hi"}]}',
        '{"choices": [{"delta": {"content": 3}}]}',
        '{"choices": [{"delta": {"content": ["Hi"]}}]}',
        '{"choices": [{"delta": {"tool_calls": {"index": 0}}}]}',
        '{"choices": [{"delta": {"tool_calls": [3]}}]}',
        '{"choices": [{"delta": {"tool_calls": [{"function": 3}]}}]}',
        '{"choices": [{"delta": {}, "finish_reason": 3}]}',
    ],
)
def test_what_is_no_chunk(data: str) -> None:
    with pytest.raises(BadChunkError):
        parse_chunk(data)


@pytest.mark.parametrize(
    "data",
    [
        '{"error": {"message": "out of memory", "code": 500}}',
        '{"error": "out of memory"}',
        '{"error": [{"message": "out of memory"}]}',
        '{"object": "error", "message": "out of memory"}',
    ],
)
def test_an_error_in_place_of_a_chunk(data: str) -> None:
    with pytest.raises(ReportedError, match=r"^out of memory$"):
        parse_chunk(data)


def test_messages_of_errors_in_any_form() -> None:
    assert reported_message({"detail": [{"loc": ["body"], "msg": "too long"}, {"msg": "bad"}]}) == "too long; bad"
    assert reported_message({"code": 7}) == "7"
    assert reported_message({"other": 1}) == reported_message(None) == ""


@pytest.mark.parametrize(
    ("parts", "calls"),
    [
        (  # as OpenAI sends them
            [
                CallPart(0, "a", "f", ""),
                CallPart(0, "", "", '{"x"'),
                CallPart(0, "", "", ":1}"),
                CallPart(1, "b", "g", ""),
            ],
            [("a", "f", '{"x":1}'), ("b", "g", "")],
        ),
        (  # mixed
            [
                CallPart(0, "a", "f", "1"),
                CallPart(1, "b", "g", "2"),
                CallPart(0, "", "", "3"),
                CallPart(1, "", "", "4"),
            ],
            [("a", "f", "13"), ("b", "g", "24")],
        ),
        (  # whole calls, all with index 0
            [CallPart(0, "a", "f", "{}"), CallPart(0, "b", "f", "{}")],
            [("a", "f", "{}"), ("b", "f", "{}")],
        ),
        (  # id and name in every part
            [CallPart(0, "a", "f", "{"), CallPart(0, "a", "f", "}")],
            [("a", "f", "{}")],
        ),
        (  # no index and no id
            [CallPart(None, "", "f", "{"), CallPart(None, "", "", "}"), CallPart(None, "", "f", "{}")],
            [("call_0", "f", "{}"), ("call_1", "f", "{}")],
        ),
        ([CallPart(0, "", "", "{}")], []),
    ],
)
def test_parts_of_calls_are_put_together(parts: list[CallPart], calls: list[tuple[str, str, str]]) -> None:
    assembler = CallAssembler()
    for part in parts:
        assembler.add(part)
    assert [(call.id, call.name, call.arguments) for call in assembler.calls] == calls


STREAM = ': ping\r\n\r\ndata: {"a": "ü\u2028"}\r\n\r\nevent: x\ndata:one\ndata: two\nid: 3\n\n\n\ndata: lost'.encode()
EVENTS = ['{"a": "ü\u2028"}', "one\ntwo"]


@given(st.lists(st.integers(0, len(STREAM))))
def test_any_cut_of_the_bytes_gives_the_same_events(cuts: list[int]) -> None:
    places = [0, *sorted(cuts), len(STREAM)]
    assert list(read_events(STREAM[first:last] for first, last in pairwise(places))) == EVENTS


@pytest.mark.parametrize("received", [b"data: \xff\xfe\n", b"x" * (LONGEST_LINE + 1), b"Welcome!", b"\r\nHi\n"])
def test_bytes_that_are_no_events(received: bytes) -> None:
    with pytest.raises(NotEventsError):
        list(read_events([received]))


@pytest.mark.parametrize("received", [b"", b"\n", b": ping\n", b"data: cut"])
def test_a_stream_without_a_whole_event(received: bytes) -> None:
    assert list(read_events([received])) == []
