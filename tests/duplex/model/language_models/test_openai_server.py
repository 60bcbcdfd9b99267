"""A language model behind a real HTTP server: what is asked, and the pieces of the answer as they come."""

import subprocess
import sys
import threading

import pytest

from duplex.model.language_models.check import check_llm
from duplex.model.language_models.connection import Patience
from duplex.model.language_models.interface import ChatMessage, RequestedCall
from tests.duplex.model.language_models.asking import (
    QUESTION,
    TOOLS,
    model_at,
    model_of,
    say,
    take_all,
    take_until,
    text_of,
)
from tests.duplex.model.language_models.servers import LIMIT_S, Exchange, Script, free_port


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
        *before, last = take_all(model.generate(1, QUESTION, TOOLS))
        assert text_of(before) == "Let me look."
        calls = (RequestedCall("a", "clock", '{"place": "Rome"}'), RequestedCall("b", "dice", "{}"))
        assert (last.finish, last.calls) == ("calls", calls)
        results = [ChatMessage("assistant", "Let me look.", calls), ChatMessage("tool", "12:00", call_id="a")]
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
        with model_at(address, context=500) as shorter:
            assert shorter.fingerprint != model.fingerprint
        monkeypatch.setenv("TEST_KEY", "sk-secret")
    with model_at(address) as with_key:
        assert with_key.fingerprint == model.fingerprint
    with model_at(address, model=None) as unnamed:
        assert unnamed.name == address


def test_the_oldest_turns_are_not_sent_once_a_conversation_is_long() -> None:
    """Messages of about 104 tokens: seven of them have room, and half of it is left free when they exceed it."""
    call = RequestedCall("a", "clock", "{}")
    old = [
        ChatMessage("user", "o" * 400),
        ChatMessage("assistant", "", (call,)),
        ChatMessage("tool", "t" * 400, (), "a"),
    ]
    turns = [ChatMessage("user" if index % 2 == 0 else "assistant", f"{index:0400}") for index in range(15)]
    with model_of(say("Paris."), context=1000) as (model, server):
        take_all(model.generate(1, [QUESTION[0], *old, turns[0]], TOOLS))
        take_all(model.generate(1, [QUESTION[0], *old, *turns], TOOLS))
        all_sent, sent = (chat.body for chat in server.chats)
    assert len(all_sent["messages"]) == 5
    assert [message["content"] for message in sent["messages"]] == ["Be short.", *(one.content for one in turns[10:])]
    assert sent["tools"] == TOOLS


def test_how_much_of_a_conversation_is_sent_by_default() -> None:
    turns = [ChatMessage("user" if index % 2 == 0 else "assistant", "x" * 4000) for index in range(7)]
    with model_of(say("Paris.")) as (model, server):
        for count in (7, 9):
            take_all(model.generate(1, [QUESTION[0], *turns, *turns[1:]][: count + 1]))
        assert [len(chat.body["messages"]) for chat in server.chats] == [8, 4]


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
    check = "import sys, duplex.model.language_models.openai_server; sys.exit('openai' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", check]).returncode == 0
