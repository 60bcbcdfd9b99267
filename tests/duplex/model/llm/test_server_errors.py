"""Whatever a server does wrong, the answer ends with one piece, and its error is one line: what, why, how to fix."""

import errno
import json
import logging
import socket
import ssl
import threading
from typing import Any

import pytest

from configs.model.llm import LlmConfig
from duplex.model.llm.connection import Patience
from duplex.model.llm.interface import LlmError, Piece
from duplex.model.llm.openai_server import OpenAiServer
from duplex.model.llm.server_errors import Server
from tests.duplex.model.llm.servers import LIMIT_S, Exchange, Script, free_port, serve
from tests.duplex.model.llm.test_openai_server import QUESTION, TOOLS, model_at, model_of, take_all, take_until, text_of

KEY = "sk-very/secret\\key-0123456789"
ADDRESS = "http://127.0.0.1:1/v1"


@pytest.fixture(autouse=True)
def _key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEST_KEY", KEY)


def error_of(pieces: list[Piece]) -> str:
    """The error at the end of an answer: one line in whole sentences, without the key."""
    last = pieces[-1]
    assert last.finish == "error"
    assert last.error.endswith(".")
    assert last.error.isprintable()
    assert KEY not in last.error
    assert "Traceback" not in last.error
    return last.error


def fail_with(script: Script, **settings: Any) -> str:
    """The error of an answer by a server with that script."""
    with model_of(script, **settings) as (model, server):
        return error_of(take_all(model.generate(1, QUESTION, TOOLS))).replace(server.address, "ADDRESS")


def report(status: int, body: Any, kind: str = "application/json", **headers: str) -> Script:
    """A script that reports an error."""
    return lambda exchange: exchange.report(status, body, kind, **headers)


def stream(*data: str) -> Script:
    """A script that sends these events and then closes in good order."""

    def write(exchange: Exchange) -> None:
        exchange.begin()
        for some in data:
            exchange.send(f"data: {some}\n\n")

    return write


def test_nobody_listens() -> None:
    address = f"http://127.0.0.1:{free_port()}/v1"
    with model_at(address) as model:
        assert error_of(take_all(model.generate(1, QUESTION))) == (
            f"No server answers at {address}: the connection was refused. Start it, or correct the address."
        )


def test_a_host_without_an_address(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any, **__: Any) -> Any:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    with model_at("http://nowhere.invalid/v1") as model:
        monkeypatch.setattr(socket, "getaddrinfo", fail)
        assert error_of(take_all(model.generate(1, QUESTION))) == (
            "The host of http://nowhere.invalid/v1 is not known. Correct the address, or check the network."
        )


def test_a_server_without_tls() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]

        def answer_plainly() -> None:
            client, _ = listener.accept()
            with client:
                client.recv(1 << 16)
                client.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")

        thread = threading.Thread(target=answer_plainly)
        thread.start()
        with model_at(f"https://127.0.0.1:{port}/v1") as model:
            line = error_of(take_all(model.generate(1, QUESTION)))
        thread.join()
    assert line.startswith(f"No TLS connection to https://127.0.0.1:{port}/v1 is possible: ")
    assert line.endswith("If the server has no TLS, use http://.")


def explain(error: BaseException) -> str:
    """The line for an exception below the client's."""
    outer = RuntimeError("Connection error.")
    outer.__cause__ = error
    return Server(ADDRESS, "tiny", "TEST_KEY", KEY).explain(outer, Patience(1, 1, lambda: 0.0))


def test_faults_of_the_network_that_a_loopback_does_not_have() -> None:
    untrusted = ssl.SSLCertVerificationError(1, "certificate verify failed")
    untrusted.verify_message = "self-signed certificate"
    assert "is not trusted: self-signed certificate. " in explain(untrusted)
    assert "SSL_CERT_FILE" in explain(untrusted)
    assert "cannot be reached: No route to host. " in explain(OSError(errno.EHOSTUNREACH, "No route to host"))
    assert "cannot be reached in time. " in explain(TimeoutError())
    assert "HTTP_PROXY" in explain(type("ProxyError", (Exception,), {})("403 Forbidden"))
    assert "broke before the answer began" in explain(ConnectionResetError(errno.ECONNRESET, "reset"))
    assert explain(ValueError(f"a\nfault with {KEY}")) == (
        f"The language model at {ADDRESS} cannot be used: ValueError: a fault with ***. "
        "Check the address and the server's log."
    )


@pytest.mark.parametrize("status", [401, 403])
def test_the_key_is_not_accepted(status: int, monkeypatch: pytest.MonkeyPatch) -> None:
    refuse = report(status, {"error": {"message": f"Incorrect API key provided: {KEY[:6]}***{KEY[-4:]}"}})
    line = fail_with(refuse)
    assert line == (
        f"The language model server at ADDRESS does not accept the key (status {status}). "
        "Set the environment variable TEST_KEY to a key that may use tiny."
    )
    monkeypatch.delenv("TEST_KEY")
    assert fail_with(refuse) == (
        f"The language model server at ADDRESS asks for a key (status {status}). "
        "Set the environment variable TEST_KEY to it."
    )


def test_the_model_is_not_known() -> None:
    missing = report(404, {"error": {"message": "model 'tiny' not found"}})
    assert fail_with(missing, models=["small", "large"]) == (
        "The server at ADDRESS has no model 'tiny'. It has small, large. Name one of them with --llm-model."
    )
    many = [f"m{number}" for number in range(10)]
    assert "m6, m7 and 2 more. Name one" in fail_with(missing, models=many)
    assert "It lists no model: load one into the server." in fail_with(missing, models=[])
    assert "has tiny, but does not answer chats with it (status 404) (model 'tiny' not found). " in fail_with(
        missing, models=["tiny"]
    )


def test_the_path_is_wrong() -> None:
    with serve(report(404, "<html>nginx</html>", "text/html")) as server:
        address = server.address.removesuffix("/v1")
        with model_at(address) as model:
            assert error_of(take_all(model.generate(1, QUESTION))) == (
                f"No chat completions are served at {address} (status 404). "
                f"Correct the address: it should end with /v1, for example {address}/v1."
            )
        with model_at(address + "/v1/chat/completions") as model:
            assert f"for example {address}/v1." in error_of(take_all(model.generate(1, QUESTION)))


@pytest.mark.parametrize(
    ("models", "line"),
    [
        (["a", "b"], "The server at ADDRESS has 2 models. It has a, b. Name one of them with --llm-model."),
        ([], "The server at ADDRESS has 0 models. It lists no model: load one into the server."),
    ],
)
def test_no_model_was_chosen(models: list[str], line: str) -> None:
    assert fail_with(stream(), model=None, models=models) == line


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (400, {"error": {"message": "This model's maximum context length is 2048 tokens.", "code": None}}),
        (400, {"error": {"message": "no", "code": "context_length_exceeded"}}),
        (400, {"error": "the request exceeds the available context size"}),
        (422, {"detail": [{"msg": "Input is too long: too many tokens"}]}),
        (413, "payload too large"),
    ],
)
def test_the_conversation_is_too_long(status: int, body: Any) -> None:
    line = fail_with(report(status, body))
    assert line.startswith("The conversation is longer than the model at ADDRESS can read (")
    assert "Lower `context`" in line


@pytest.mark.parametrize(
    ("script", "line"),
    [
        (
            report(400, {"error": {"message": "tiny does not\n support\ttools."}}),
            "The language model server at ADDRESS refuses the request with status 400 (tiny does not support tools). "
            "Check the model's name and the settings.",
        ),
        (
            report(429, {"error": {"message": "Slow down"}}, retry_after="7"),
            "The server at ADDRESS accepts no more requests now (status 429) (Slow down). Try again in 7 s. "
            "Or use another key or server.",
        ),
        (
            report(429, {"error": {"message": "You exceeded your quota", "code": "insufficient_quota"}}),
            "The quota at ADDRESS is used up (status 429) (You exceeded your quota). Check plan and billing.",
        ),
        (
            report(503, "<html>busy</html>", "text/html", retry_after="Wed, 21 Oct 2026 07:28:00 GMT"),
            "The language model server at ADDRESS failed with status 503. "
            "Try again after Wed, 21 Oct 2026 07:28:00 GMT. If it fails again, look at the server's log.",
        ),
        (
            report(500, {"detail": "out of memory"}),
            "The language model server at ADDRESS failed with status 500 (out of memory). "
            "Try again later. If it fails again, look at the server's log.",
        ),
        (
            report(308, "", location="https://other.example/v1/chat/completions"),
            "ADDRESS redirects to https://other.example/v1/chat/completions. "
            "Give the address that it redirects to, ending with /v1.",
        ),
    ],
)
def test_refusals(script: Script, line: str) -> None:
    assert fail_with(script) == line


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
        (think_on, "The language model at ADDRESS has thought for 0.2 s without an answer. "),
    ],
)
def test_no_text_comes_in_time(script: Script, line: str) -> None:
    assert fail_with(script, first_text_s=0.2).startswith(line)


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
        OpenAiServer(LlmConfig(source=source, model="tiny"))


@pytest.mark.parametrize(
    "source", ["http://me:pass@host/v1", "http://pass@host/v1", "http://host/v1?key=pass", "http://host/v1#pass"]
)
def test_a_key_in_the_address_is_refused_and_not_repeated(source: str) -> None:
    with pytest.raises(LlmError, match="environment variable OPENAI_API_KEY") as refused:
        OpenAiServer(LlmConfig(source=source, model="tiny"))
    assert "pass" not in str(refused.value)


@pytest.mark.parametrize("key", ["two words", "schlüssel", "a\nb"])
def test_a_key_with_characters_that_no_key_has(key: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEST_KEY", key)
    with pytest.raises(LlmError, match="The key in TEST_KEY") as refused:
        OpenAiServer(LlmConfig(source=ADDRESS, model="tiny", key_variable="TEST_KEY"))
    assert key not in str(refused.value)


def test_a_proxy_that_cannot_be_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "ftp://proxy.example")
    with pytest.raises(LlmError, match="The proxy in HTTP_PROXY"):
        OpenAiServer(LlmConfig(source="https://api.example.com/v1", model="tiny"))


def test_what_is_shown_is_one_line_of_bounded_length() -> None:
    clean = Server(ADDRESS, "tiny", "K", KEY).clean
    assert clean("a\x00b\n\tc\x1b[1m") == "a b c [1m"
    assert clean("x" * 300) == "x" * 197 + "..."
    assert clean("x" * 190 + KEY) == "x" * 190 + "***"
