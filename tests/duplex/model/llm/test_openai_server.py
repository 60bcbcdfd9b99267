"""A language model behind a real HTTP server: pieces as they come, several conversations, cancelled at once."""

import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from configs.model.llm import LlmConfig
from duplex.model.llm.check import check_llm
from duplex.model.llm.connection import Patience
from duplex.model.llm.interface import Generation, LlmError, Message, Piece, RequestedCall
from duplex.model.llm.openai_server import OpenAiServer
from tests.duplex.model.llm.servers import LIMIT_S, Exchange, Script, ScriptedServer, free_port, serve

QUESTION = [Message("system", "Be short."), Message("user", "What is the capital of France?")]
TOOLS = [{"type": "function", "function": {"name": "clock", "parameters": {"type": "object", "properties": {}}}}]


@contextmanager
def model_at(address: str, **settings: Any) -> Iterator[OpenAiServer]:
    """A model at an address, closed at the end of the block."""
    model = OpenAiServer(LlmConfig(**{"source": address, "model": "tiny", "key_variable": "TEST_KEY"} | settings))
    try:
        yield model
    finally:
        model.close()


@contextmanager
def model_of(*scripts: Script, **settings: Any) -> Iterator[tuple[OpenAiServer, ScriptedServer]]:
    """A model at a scripted server."""
    models = settings.pop("models", None)
    with serve(*scripts, models=models) as server, model_at(server.address, **settings) as model:
        yield model, server


def take_until(answer: Generation, enough: Callable[[list[Piece]], bool]) -> list[Piece]:
    """Pieces up to what the test waits for."""
    pieces: list[Piece] = []
    age_ms = 0.0
    while not enough(pieces):
        assert age_ms < LIMIT_S * 1000, pieces
        age_ms += 20
        pieces += answer.take(until_ms=age_ms)
    return pieces


def take_all(answer: Generation) -> list[Piece]:
    """All pieces; the last one, and only that, is finished."""
    pieces = take_until(answer, lambda pieces: bool(pieces and pieces[-1].finish))
    assert [bool(piece.finish) for piece in pieces] == [False] * (len(pieces) - 1) + [True]
    assert answer.take() == []
    return pieces


def text_of(pieces: list[Piece]) -> str:
    """What is said."""
    return "".join(piece.text for piece in pieces)


def say(*texts: str, finish: str = "stop") -> Script:
    """A script that answers in good order."""
    return lambda exchange: exchange.answer(*texts, finish=finish)


def test_pieces_come_while_the_server_writes() -> None:
    goes_on = threading.Semaphore(0)

    def write_slowly(exchange: Exchange) -> None:
        exchange.begin(chunked=True)
        exchange.delta(role="assistant")
        for text in ("It ", "is ", "Paris."):
            assert goes_on.acquire(timeout=LIMIT_S)
            exchange.delta(text)
        assert goes_on.acquire(timeout=LIMIT_S)
        exchange.end()

    with model_of(write_slowly) as (model, _):
        answer = model.generate(1, QUESTION)
        for text in ("It ", "is ", "Paris."):
            goes_on.release()
            pieces = take_until(answer, bool)
            assert text_of(pieces) == text, pieces
        goes_on.release()
        assert [(piece.text, piece.finish) for piece in take_all(answer)] == [("", "stop")]


def test_the_request_holds_what_the_server_needs_and_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEST_KEY", " sk-secret\n")
    monkeypatch.setenv("OPENAI_ORG_ID", "org-1")
    monkeypatch.setenv("OPENAI_PROJECT_ID", "proj-1")
    monkeypatch.setenv("OPENAI_BASE_URL", "http://elsewhere.invalid/v1")
    monkeypatch.setenv("OPENAI_CUSTOM_HEADERS", "Authorization: Bearer other\nX-Other: 1")
    with model_of(say("Paris."), longest=50, temperature=0.5) as (model, server):
        assert text_of(take_all(model.generate(1, QUESTION, TOOLS))) == "Paris."
        (request,) = server.chats
    assert request.path == "/v1/chat/completions"
    assert request.headers.pop("authorization") == "Bearer sk-secret"
    assert set(request.headers) == {
        "host", "accept", "accept-encoding", "connection", "content-type", "content-length", "user-agent"
    }  # fmt: skip
    assert request.body == {
        "model": "tiny",
        "messages": [{"role": message.role, "content": message.content} for message in QUESTION],
        "temperature": 0.5,
        "max_tokens": 50,
        "stream": True,
        "tools": TOOLS,
    }


def test_without_a_key_a_placeholder_is_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TEST_KEY", raising=False)
    monkeypatch.setenv("OPENAI_API_KEY", "sk-of-somebody-else")
    with model_of(say("Paris.")) as (model, server):
        take_all(model.generate(1, QUESTION))
        assert server.chats[0].headers["authorization"] == "Bearer none"
        assert "tools" not in server.chats[0].body


def test_a_proxy_of_the_environment_is_not_for_near_servers(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{free_port()}")
    monkeypatch.setenv("NO_PROXY", "")
    with model_of(say("Paris.")) as (model, _):
        assert text_of(take_all(model.generate(1, QUESTION))) == "Paris."


def test_calls_come_whole_with_the_last_piece() -> None:
    def call(exchange: Exchange) -> None:
        exchange.begin()
        exchange.delta("Let me look.")
        for part in (
            {"index": 0, "id": "a", "type": "function", "function": {"name": "clock", "arguments": ""}},
            {"index": 0, "function": {"arguments": '{"place": '}},
            {"index": 0, "function": {"arguments": '"Rome"}'}},
            {"index": 1, "id": "b", "type": "function", "function": {"name": "dice", "arguments": "{}"}},
        ):
            exchange.delta(tool_calls=[part])
        exchange.end("tool_calls")

    with model_of(call, say("Noon.")) as (model, server):
        assert model.has_tools
        *before, last = take_all(model.generate(1, QUESTION, TOOLS))
        assert text_of(before) == "Let me look."
        calls = (RequestedCall("a", "clock", '{"place": "Rome"}'), RequestedCall("b", "dice", "{}"))
        assert (last.finish, last.calls) == ("calls", calls)
        results = [Message("assistant", "Let me look.", calls), Message("tool", "12:00", call_id="a")]
        assert text_of(take_all(model.generate(1, [*QUESTION, *results], TOOLS))) == "Noon."
        told, result = server.chats[1].body["messages"][2:]
        assert [call["id"] for call in told["tool_calls"]] == ["a", "b"]
        assert result == {"role": "tool", "content": "12:00", "tool_call_id": "a"}


@pytest.mark.parametrize(
    ("reason", "finish"), [("stop", "stop"), ("length", "length"), ("eos", "stop"), (None, "stop")]
)
def test_why_an_answer_ends(reason: str | None, finish: str) -> None:
    def write(exchange: Exchange) -> None:
        exchange.begin()
        exchange.delta("Paris.")
        exchange.delta(finish=reason)
        exchange.send("data: [DONE]\n\n")

    with model_of(write) as (model, _):
        pieces = take_all(model.generate(1, QUESTION))
        assert (text_of(pieces), pieces[-1].finish) == ("Paris.", finish)


def test_an_empty_answer_is_a_normal_end() -> None:
    with model_of(say()) as (model, _):
        assert [(piece.text, piece.finish) for piece in take_all(model.generate(1, QUESTION))] == [("", "stop")]


def test_a_cancelled_answer_ends_the_connection_and_gives_nothing_more() -> None:
    closed = threading.Event()

    def write(exchange: Exchange) -> None:
        exchange.begin()
        exchange.delta("It ")
        if exchange.wait_until_closed():
            closed.set()
        exchange.delta("is ")

    with model_of(write) as (model, _):
        answer = model.generate(1, QUESTION)
        take_until(answer, bool)
        answer.cancel()
        answer.cancel()
        assert closed.wait(LIMIT_S)
    assert answer.take() == []


def test_an_answer_is_cancelled_before_the_server_has_said_anything() -> None:
    asked, closed = threading.Event(), threading.Event()

    def wait(exchange: Exchange) -> None:
        asked.set()
        if exchange.wait_until_closed():
            closed.set()

    with model_of(wait) as (model, _):
        answer = model.generate(1, QUESTION)
        assert asked.wait(LIMIT_S)
        answer.cancel()
        assert closed.wait(LIMIT_S)
    assert answer.take() == []


def test_an_answer_is_cancelled_before_there_is_a_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    asked, goes_on = threading.Event(), threading.Event()
    resolve = socket.getaddrinfo

    def resolve_slowly(*args: Any, **settings: Any) -> Any:
        asked.set()
        assert goes_on.wait(LIMIT_S)
        return resolve(*args, **settings)

    with model_of(say("Paris.")) as (model, server):
        monkeypatch.setattr(socket, "getaddrinfo", resolve_slowly)
        answer = model.generate(1, QUESTION)
        assert asked.wait(LIMIT_S)
        answer.cancel()
        assert answer.take() == []
        goes_on.set()
        assert text_of(take_all(model.generate(1, QUESTION))) == "Paris."
    assert len(server.chats) == 1


def test_an_answer_cancelled_at_once_asks_for_nothing_more() -> None:
    with model_of(say("Paris.")) as (model, _):
        answer = model.generate(1, QUESTION)
        answer.cancel()
        assert answer.take() == []
        assert text_of(take_all(model.generate(1, QUESTION))) == "Paris."


def test_a_new_answer_cancels_the_one_before_in_its_conversation_only() -> None:
    closed, goes_on = threading.Event(), threading.Event()

    def stay(exchange: Exchange) -> None:
        exchange.begin()
        exchange.delta("First ")
        if exchange.wait_until_closed():
            closed.set()

    def wait(exchange: Exchange) -> None:
        exchange.begin()
        exchange.delta("Other ")
        assert goes_on.wait(LIMIT_S)
        exchange.delta("conversation.")
        exchange.end()

    with model_of(stay, wait, say("Second.")) as (model, _):
        first = model.generate(1, QUESTION)
        take_until(first, bool)
        other = model.generate(2, QUESTION)
        begun = take_until(other, bool)
        second = model.generate(1, QUESTION)
        assert closed.wait(LIMIT_S)
        assert text_of(take_all(second)) == "Second."
        goes_on.set()
        assert text_of(begun + take_all(other)) == "Other conversation."
        assert first.take() == []


@pytest.mark.parametrize("end", [lambda model: model.forget(1), lambda model: model.close()])
def test_forgetting_and_closing_end_what_is_under_way(end: Callable[[OpenAiServer], None]) -> None:
    closed = threading.Event()

    def stay(exchange: Exchange) -> None:
        exchange.begin()
        exchange.delta("It ")
        if exchange.wait_until_closed():
            closed.set()

    with model_of(stay) as (model, _):
        answer = model.generate(1, QUESTION)
        take_until(answer, bool)
        model.forget(3)
        end(model)
        assert closed.wait(LIMIT_S)
        assert answer.take() == []


def test_after_the_end_no_thread_is_left() -> None:
    with model_of(say("Paris.")) as (model, _):
        take_all(model.generate(1, QUESTION))
    assert not [thread for thread in threading.enumerate() if thread.name == "llm-server"]
    with pytest.raises(LlmError, match="was closed"):
        model.generate(1, QUESTION)


def test_thoughts_are_not_said() -> None:
    def think(exchange: Exchange) -> None:
        exchange.begin()
        exchange.delta(reasoning_content="The user asks.")
        exchange.delta(reasoning="France.")
        for text in ("<th", "ink>Par", "is?</thi", "nk>\n\n", "Paris", "."):
            exchange.delta(text)
        exchange.end()

    with model_of(think) as (model, _):
        assert [piece.text for piece in take_all(model.generate(1, QUESTION))] == ["Paris", ".", ""]


def test_answers_that_begin_inside_a_thought() -> None:
    inside = say("Hm. ", "France. ", "</think>", "Paris.")
    with model_of(inside, begins_thinking=True) as (model, _):
        assert text_of(take_all(model.generate(1, QUESTION))) == "Paris."
    with model_of(inside, inside, say("Paris."), say("Pa", "ris.")) as (model, _):
        first, second, third = (text_of(take_all(model.generate(1, QUESTION))) for _ in range(3))
        assert (first, second, third) == ("Hm. France. Paris.", "Paris.", "Paris.")
        assert [piece.text for piece in take_all(model.generate(1, QUESTION))] == ["Pa", "ris.", ""]


def test_parameters_that_a_model_does_not_know_are_left_out() -> None:
    def refuse(name: str, code: str) -> Script:
        return lambda exchange: exchange.report(400, {"error": {"message": "no", "param": name, "code": code}})

    scripts = refuse("max_tokens", "unsupported_parameter"), refuse("temperature", "unsupported_value"), say("Paris.")
    with model_of(*scripts, longest=50) as (model, server):
        assert text_of(take_all(model.generate(1, QUESTION))) == "Paris."
        take_all(model.generate(1, QUESTION))
        assert [sorted(chat.body) for chat in server.chats] == [
            ["max_tokens", "messages", "model", "stream", "temperature"],
            ["max_completion_tokens", "messages", "model", "stream", "temperature"],
            ["max_completion_tokens", "messages", "model", "stream"],
            ["max_completion_tokens", "messages", "model", "stream"],
        ]
        assert server.chats[2].body["max_completion_tokens"] == 50


def test_the_only_model_of_a_server_is_taken() -> None:
    with model_of(say("Paris."), model=None, models=["only"]) as (model, server):
        for _ in range(2):
            assert text_of(take_all(model.generate(1, QUESTION))) == "Paris."
        assert [chat.body["model"] for chat in server.chats] == ["only", "only"]
        assert server.lists == 1


def test_name_and_fingerprint_tell_model_and_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    address = "http://127.0.0.1:1/v1"
    with model_at(address) as model, model_at(address + "/") as same, model_at(address, temperature=1) as other:
        assert model.name == "tiny at http://127.0.0.1:1/v1"
        assert model.fingerprint == same.fingerprint != other.fingerprint
        monkeypatch.setenv("TEST_KEY", "sk-secret")
    with model_at(address) as with_key:
        assert with_key.fingerprint == model.fingerprint
    with model_at(address, model=None) as unnamed:
        assert unnamed.name == address


def test_prefilling_asks_for_nothing() -> None:
    with model_of(say("Paris.")) as (model, server):
        model.prefill(1, QUESTION)
        take_all(model.generate(1, QUESTION))
        assert len(server.chats) == 1


def test_patience_counts_from_signs_of_life() -> None:
    time_s = 100.0
    patience = Patience(30, 10, lambda: time_s)
    assert patience.left_s == 30
    time_s = 120
    patience.note(text=False, thinks=True)
    assert (patience.left_s, patience.thinks, patience.has_text) == (10, True, False)
    patience.note(text=True, thinks=False)
    time_s = 125
    assert (patience.left_s, patience.has_text) == (5, True)
    patience.note(text=False, thinks=True)
    assert patience.left_s == 10
    time_s = 136
    assert patience.left_s == 0


def test_the_check_measures_a_server() -> None:
    with model_of(say("It ", "is ", "Paris.")) as (model, server):
        report = check_llm(model, lambda: 0.0)
        assert (report.name, report.text, report.error) == (model.name, "It is Paris.", "")
        assert report.first_text_s is not None
        assert len(server.chats) == 1


def test_the_client_is_loaded_only_when_a_server_is_used() -> None:
    check = "import sys, duplex.model.llm.openai_server; sys.exit('openai' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", check]).returncode == 0
