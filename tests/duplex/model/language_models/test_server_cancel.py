"""Answers that are cancelled: the server sees it at once, whoever cancels does not wait, nothing more comes."""

import socket
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from duplex.model.language_models.interface import LlmError
from duplex.model.language_models.openai_server import OpenAiServer
from tests.duplex.model.language_models.asking import QUESTION, model_of, say, take_all, take_until, text_of
from tests.duplex.model.language_models.servers import LIMIT_S, Exchange, self_signed


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


def test_tls_with_a_certificate_that_is_trusted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    closed = threading.Event()

    def stay(exchange: Exchange) -> None:
        exchange.begin(chunked=True)
        exchange.delta("It ")
        if exchange.wait_until_closed():
            closed.set()

    tls, certificate = self_signed(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    with model_of(say("Paris."), stay, tls=tls) as (model, server):
        assert server.address.startswith("https://")
        assert text_of(take_all(model.generate(1, QUESTION))) == "Paris."
        answer = model.generate(1, QUESTION)
        assert text_of(take_until(answer, bool)) == "It "
        answer.cancel()
        assert closed.wait(LIMIT_S)


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
