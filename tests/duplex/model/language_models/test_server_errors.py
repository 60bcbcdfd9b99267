"""A server that cannot be reached or refuses: one piece, whose error is one line: what, why, how to fix it."""

import errno
import socket
import threading
from pathlib import Path
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
    model_at,
    model_of,
    report,
    stream,
    take_all,
)
from tests.duplex.model.language_models.servers import Script, free_port, self_signed, serve


@pytest.fixture(autouse=True)
def _key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEST_KEY", KEY)


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


def test_a_certificate_that_nobody_trusts(tmp_path: Path) -> None:
    tls, _ = self_signed(tmp_path)
    assert fail_with(stream(), tls=tls) == (
        "The certificate of ADDRESS is not trusted: self-signed certificate. "
        "Correct the address, or name the file of the authority that signed it in SSL_CERT_FILE."
    )


def explain(error: BaseException) -> str:
    """The line for an exception below the client's."""
    outer = RuntimeError("Connection error.")
    outer.__cause__ = error
    return Server(ADDRESS, "tiny", "TEST_KEY", KEY).explain(outer, Patience(1, 1, lambda: 0.0))


def test_faults_of_the_network_that_a_loopback_does_not_have() -> None:
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


TAKES_NONE = [
    report(400, {"error": {"message": "registry.ollama.ai/library/gemma:2b does not support tools"}}),
    report(400, {"message": '"auto" tool choice requires --enable-auto-tool-choice and --tool-call-parser to be set'}),
    report(404, {"error": {"message": "No endpoints found that support tool use."}}),
    report(400, {"error": {"message": "`tool calling` is not supported with this model"}}),
    report(500, {"error": {"message": "tools param requires --jinja flag"}}),
    stream('{"error": {"message": "this model does not support function calling"}}'),
]


@pytest.mark.parametrize("script", TAKES_NONE)
def test_a_model_that_takes_no_functions(script: Script) -> None:
    line = fail_with(script)
    assert line.startswith("The model at ADDRESS takes no functions (")
    assert line.endswith("Leave out --tools, take a model that calls functions, or turn them on in the server.")


def test_where_no_functions_were_offered_they_are_not_what_is_wrong() -> None:
    with model_of(TAKES_NONE[0]) as (model, _):
        assert "refuses the request" in error_of(take_all(model.generate(1, QUESTION)))


@pytest.mark.parametrize(
    ("script", "line"),
    [
        (
            report(400, {"error": {"message": "tiny is not\n\tallowed."}}),
            "The language model server at ADDRESS refuses the request with status 400 (tiny is not allowed). "
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
