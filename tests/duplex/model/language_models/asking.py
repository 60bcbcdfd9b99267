"""What tests ask of a language model behind a server, and how they wait for its answer."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from configs.model.language_models import LanguageModelConfig
from duplex.model.language_models.interface import AnswerPiece, ChatMessage, Generation
from duplex.model.language_models.openai_server import OpenAiServer
from tests.duplex.model.language_models.servers import LIMIT_S, Exchange, Script, ScriptedServer, serve

QUESTION = [ChatMessage("system", "Be short."), ChatMessage("user", "What is the capital of France?")]
TOOLS = [{"type": "function", "function": {"name": "clock", "parameters": {"type": "object", "properties": {}}}}]
KEY = "sk-very/secret\\key-0123456789"
ADDRESS = "http://127.0.0.1:1/v1"


@contextmanager
def model_at(address: str, **settings: Any) -> Iterator[OpenAiServer]:
    """A model at an address, closed at the end of the block."""
    model = OpenAiServer(
        LanguageModelConfig(**{"source": address, "model": "tiny", "key_variable": "TEST_KEY"} | settings)
    )
    try:
        yield model
    finally:
        model.close()


@contextmanager
def model_of(*scripts: Script, **settings: Any) -> Iterator[tuple[OpenAiServer, ScriptedServer]]:
    """A model at a scripted server."""
    models, tls = settings.pop("models", None), settings.pop("tls", None)
    with serve(*scripts, models=models, tls=tls) as server, model_at(server.address, **settings) as model:
        yield model, server


def take_until(answer: Generation, enough: Callable[[list[AnswerPiece]], bool]) -> list[AnswerPiece]:
    """Pieces up to what the test waits for."""
    pieces: list[AnswerPiece] = []
    age_ms = 0.0
    while not enough(pieces):
        assert age_ms < LIMIT_S * 1000, pieces
        age_ms += 20
        pieces += answer.take(until_ms=age_ms)
    return pieces


def take_all(answer: Generation) -> list[AnswerPiece]:
    """All pieces; the last one, and only that, is finished."""
    pieces = take_until(answer, lambda pieces: bool(pieces and pieces[-1].finish))
    assert [bool(piece.finish) for piece in pieces] == [False] * (len(pieces) - 1) + [True]
    assert answer.take() == []
    return pieces


def text_of(pieces: list[AnswerPiece]) -> str:
    """What is said."""
    return "".join(piece.text for piece in pieces)


def say(*texts: str, finish: str = "stop") -> Script:
    """A script that answers in good order."""
    return lambda exchange: exchange.answer(*texts, finish=finish)


def error_of(pieces: list[AnswerPiece]) -> str:
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
