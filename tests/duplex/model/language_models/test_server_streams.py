"""Answers that go wrong on the way: nonsense, a connection that breaks, silence."""

import json
import threading
from typing import Any

import pytest

from duplex.model.language_models.connection import Patience
from duplex.model.language_models.server_errors import Server
from tests.duplex.model.language_models.asking import (
    ADDRESS,
    KEY,
    QUESTION,
    error_of,
    fail_with,
    model_of,
    report,
    stream,
    take_all,
    take_until,
    text_of,
)
from tests.duplex.model.language_models.servers import LIMIT_S, Exchange, Script


@pytest.fixture(autouse=True)
def _key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEST_KEY", KEY)


NONSENSE = "The server at ADDRESS does not answer in the form of the OpenAI API: it sent "


@pytest.mark.parametrize(
    ("script", "line"),
    [
        (stream("nonsense"), NONSENSE + "'nonsense'. "),
        (stream('{"choices": 3}'), NONSENSE + "'{\"choices\": 3}'. "),
        (stream("[DONE]"), NONSENSE + "no answer. "),
        (report(200, "<html>Welcome</html>", "text/html; charset=utf-8"), NONSENSE + "a web page. "),
        (report(200, {"choices": [{"message": {"content": "Hi"}}]}), NONSENSE + "one JSON object in place of a stream"),
        (report(200, {"error": "out of memory"}), "The language model at ADDRESS reports an error: out of memory. "),
        (stream('{"error": {"message": "out of memory"}}'), "The language model at ADDRESS reports an error: out of"),
        (stream('{"error": "maximum context length reached"}'), "The conversation is longer than the model at ADDRESS"),
        (report(200, "Welcome to this server.", "text/plain"), NONSENSE + "text that is no stream of events. "),
        (report(200, b"data: \xff\n", "text/event-stream"), NONSENSE + "bytes that are not UTF-8. "),
        (
            stream('{"choices": [{"finish_reason": "content_filter"}]}'),
            "The language model at ADDRESS gave no answer: ",
        ),
        (
            stream('{"choices": [{"finish_reason": "error"}]}'),
            "The language model at ADDRESS gave no answer: the serve",
        ),
    ],
)
def test_what_is_sent_is_no_answer(script: Script, line: str) -> None:
    assert fail_with(script).startswith(line)


@pytest.mark.parametrize(
    ("delta", "line"),
    [
        ({"reasoning_content": "Hm"}, "gave no answer: thinking used up its limit of tokens. Raise `longest`"),
        ({"content": "<think>Hm"}, "gave no answer: thinking used up its limit of tokens. Raise `longest`"),
        ({"tool_calls": [{"index": 0, "function": {"name": "f", "arguments": "{"}}]}, "cut a function call off"),
    ],
)
def test_a_limit_that_leaves_nothing_to_say(delta: dict[str, Any], line: str) -> None:
    choice = {"choices": [{"delta": delta}]}
    assert line in fail_with(stream(json.dumps(choice), '{"choices": [{"finish_reason": "length"}]}'))


def cut(exchange: Exchange) -> None:
    """The server dies in the middle of a chunk."""
    exchange.begin(chunked=True)
    exchange.delta("It is ")
    exchange.send('data: {"choi')


def close(exchange: Exchange) -> None:
    """The server ends the body in the middle of a sentence, with nothing to tell it from a whole one."""
    exchange.begin()
    exchange.delta("It is ")


def reset(exchange: Exchange) -> None:
    """The connection is reset in the middle of a sentence."""
    exchange.begin(chunked=True)
    exchange.delta("It is ")
    assert heard.wait(LIMIT_S)
    exchange.reset()


heard = threading.Event()


@pytest.mark.parametrize("script", [cut, close, reset])
def test_the_connection_breaks_in_the_middle_of_a_sentence(script: Script) -> None:
    heard.clear()
    with model_of(script) as (model, server):
        answer = model.generate(1, QUESTION)
        pieces = take_until(answer, bool)
        heard.set()
        pieces += [] if pieces[-1].finish else take_all(answer)
        assert text_of(pieces) == "It is "
        assert error_of(pieces) == (
            f"The connection to the language model at {server.address} broke in the middle of the answer: "
            "the server closed it. Try again; if it breaks again, look at the server's log."
        )


def test_the_server_closes_without_an_answer() -> None:
    assert "broke before the answer began" in fail_with(lambda exchange: exchange.reset())


def stay_silent(exchange: Exchange) -> None:
    """Not even headers come."""
    assert exchange.wait_until_closed()


def send_comments(exchange: Exchange) -> None:
    """Signs of life that are no text, until the client has enough."""
    exchange.begin()
    try:
        while True:
            exchange.send(": keep-alive\n\n")
            exchange.delta()
    except ConnectionError:
        pass


def think_on(exchange: Exchange) -> None:
    """Thoughts and no answer, until the client has enough."""
    exchange.begin()
    try:
        while True:
            exchange.delta(reasoning_content="Hm. ")
    except ConnectionError:
        pass


@pytest.mark.parametrize(
    ("script", "line"),
    [
        (stay_silent, "The language model at ADDRESS has sent no text for 0.2 s. "),
        (send_comments, "The language model at ADDRESS has sent no text for 0.2 s. "),
        (think_on, "The language model at ADDRESS has "),  # the rest depends on how fast this machine is
    ],
)
def test_no_text_comes_in_time(script: Script, line: str) -> None:
    assert fail_with(script, first_text_s=0.2).startswith(line)


def test_silence_is_told_by_what_came_before() -> None:
    def silence(text: bool, thinks: bool) -> str:
        patience = Patience(30, 10, lambda: 0.0)
        patience.note(text, thinks)
        return Server(ADDRESS, "tiny", "TEST_KEY").explain_silence(patience, 30, 10)

    assert " has sent no text for 30 s. It may be loading or busy: " in silence(text=False, thinks=False)
    assert " has thought for 30 s without an answer. Turn its thinking off, " in silence(text=False, thinks=True)
    assert " stalled in the middle of its answer: nothing came for 10 s. " in silence(text=True, thinks=True)


def test_an_answer_stalls() -> None:
    def stall(exchange: Exchange) -> None:
        exchange.begin()
        exchange.delta("It is ")
        assert exchange.wait_until_closed()

    with model_of(stall, first_text_s=30, next_text_s=0.2) as (model, _):
        pieces = take_all(model.generate(1, QUESTION))
        assert text_of(pieces) == "It is "
        assert pieces[-1].at_ms < 25_000  # not only when the first text would have been due
        assert "stalled in the middle of its answer: nothing came for 0.2 s. " in error_of(pieces)


def test_after_an_error_the_next_answer_comes() -> None:
    with model_of(report(500, ""), lambda exchange: exchange.answer("Paris.")) as (model, _):
        error_of(take_all(model.generate(1, QUESTION)))
        assert text_of(take_all(model.generate(1, QUESTION))) == "Paris."
