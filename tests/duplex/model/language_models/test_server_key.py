"""The key and the address: what cannot be used is refused, and no key is shown, whatever the server repeats."""

import json
import logging

import pytest

from configs.model.language_models import LanguageModelConfig
from duplex.model.language_models.connection import Patience
from duplex.model.language_models.interface import LlmError
from duplex.model.language_models.openai_server import OpenAiServer
from duplex.model.language_models.server_errors import Server
from tests.duplex.model.language_models.asking import ADDRESS, KEY, QUESTION, error_of, model_of, stream, take_all
from tests.duplex.model.language_models.servers import Exchange, Script


@pytest.fixture(autouse=True)
def _key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEST_KEY", KEY)


def echo_in_body(exchange: Exchange) -> None:
    """The server repeats what it was sent."""
    exchange.report(400, {"error": {"message": "x" * 150 + str(exchange.request.headers)}})


def echo_as_text(exchange: Exchange) -> None:
    exchange.report(500, str(exchange.request.headers), "text/plain")


def echo_in_stream(exchange: Exchange) -> None:
    stream(json.dumps({"error": exchange.request.headers["authorization"]}))(exchange)


def echo_as_nonsense(exchange: Exchange) -> None:
    stream("x" * (60 - len("Bearer ") - 8) + exchange.request.headers["authorization"])(exchange)


def echo_as_chunk(exchange: Exchange) -> None:
    stream(json.dumps({"choices": [3], "sent": exchange.request.headers["authorization"]}))(exchange)


def echo_in_location(exchange: Exchange) -> None:
    exchange.report(302, "", location="https://other.example/?key=" + exchange.request.headers["authorization"])


def echo_in_retry(exchange: Exchange) -> None:
    exchange.report(429, "", retry_after=exchange.request.headers["authorization"])


@pytest.mark.parametrize(
    "script",
    [echo_in_body, echo_as_text, echo_in_stream, echo_as_nonsense, echo_as_chunk, echo_in_location, echo_in_retry],
)
def test_a_key_that_the_server_repeats_is_not_shown(script: Script, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG), model_of(script) as (model, server):
        line = error_of(take_all(model.generate(1, QUESTION)))
        assert server.chats[0].headers["authorization"] == f"Bearer {KEY}"
        shown = line + caplog.text.replace("\\\\", "\\") + repr(vars(model)) + repr(model)
    for place in range(len(KEY) - 7):
        assert KEY[place : place + 8] not in shown


@pytest.mark.parametrize(
    "source",
    ["http://", "http://:80/v1", "http://127.0.0.1:99999/v1", "http://127.0.0.1:x/v1", "http://[::1/v1", "ftp://a/v1"],
)
def test_what_is_no_address(source: str) -> None:
    with pytest.raises(
        LlmError, match=r"is not the address of a server\. Write it like http://127\.0\.0\.1:11434/v1\."
    ):
        OpenAiServer(LanguageModelConfig(source=source, model="tiny"))


@pytest.mark.parametrize(
    "source", ["http://me:pass@host/v1", "http://pass@host/v1", "http://host/v1?key=pass", "http://host/v1#pass"]
)
def test_a_key_in_the_address_is_refused_and_not_repeated(source: str) -> None:
    with pytest.raises(LlmError, match="environment variable OPENAI_API_KEY") as refused:
        OpenAiServer(LanguageModelConfig(source=source, model="tiny"))
    assert "pass" not in str(refused.value)


@pytest.mark.parametrize("key", ["two words", "schlüssel", "a\nb"])
def test_a_key_with_characters_that_no_key_has(key: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEST_KEY", key)
    with pytest.raises(LlmError, match="The key in TEST_KEY") as refused:
        OpenAiServer(LanguageModelConfig(source=ADDRESS, model="tiny", key_variable="TEST_KEY"))
    assert key not in str(refused.value)


def test_a_proxy_that_cannot_be_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "ftp://proxy.example")
    with pytest.raises(LlmError, match="The proxy in HTTP_PROXY"):
        OpenAiServer(LanguageModelConfig(source="https://api.example.com/v1", model="tiny"))


def test_what_is_shown_is_one_line_of_bounded_length() -> None:
    clean = Server(ADDRESS, "tiny", "K", KEY).clean
    assert clean("a\x00b\n\tc\x1b[1m") == "a b c [1m"
    assert clean("x" * 300) == "x" * 197 + "..."
    assert clean("x" * 190 + KEY) == "x" * 190 + "***"


def test_a_placeholder_is_hidden_where_it_is_a_word() -> None:
    server = Server("http://ollama:11434/v1", "tiny", "K", "ollama")
    assert server.clean("ollama: ollamas know no Bearer ollama") == "***: ollamas know no Bearer ***"
    assert "http://ollama:11434/v1" in server.explain(ValueError("no"), Patience(1, 1, lambda: 0.0))
