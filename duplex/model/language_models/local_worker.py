"""The process of a local language model: reads requests in one thread, and works at them in the other.

It ends when its owner does, because then nothing more can come through its standard input.
"""

import os
import pickle
import queue
import signal
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, BinaryIO, Final

from configs.base import ConfigError
from duplex.model.language_models.interface import AnswerPiece, LlmError
from duplex.model.language_models.local_messages import (
    Cancel,
    Forget,
    Generate,
    Load,
    Loaded,
    PieceCame,
    Prefill,
    ProcessEnded,
)

if TYPE_CHECKING:
    from duplex.model.language_models.local_model import LocalModel

NICE: Final = 10
"""Speech goes before thinking: on a busy machine this process waits, not the one that makes slots."""
Inbox = queue.SimpleQueue[object]
"""Requests; None when no more will come."""


def main() -> None:
    """The program of the process."""
    # The terminal sends Ctrl-C to the whole group; this process ends with its owner.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    requests, replies = sys.stdin.buffer, os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what libraries print must not come between the replies
    try:
        serve(requests, replies)
    except BrokenPipeError:
        os._exit(0)  # no one is left to be told


def serve(requests: BinaryIO, replies: BinaryIO) -> None:
    """Load what the first request names, and answer until no more requests come."""

    def send(message: object) -> None:
        pickle.dump(message, replies)
        replies.flush()

    load = pickle.load(requests)
    assert isinstance(load, Load)
    inbox: Inbox = queue.SimpleQueue()
    threading.Thread(target=_read, args=(requests, inbox), name="llm-inbox", daemon=True).start()
    try:
        _work(load, inbox, send)
    except (LlmError, ConfigError) as error:
        send(ProcessEnded(str(error)))
    except Exception as error:
        send(ProcessEnded(f"the language model failed ({_line(error)}); take another one, or report this"))


def _yield_to_speech() -> None:
    """Take only time that no other process wants (Linux), or less than others.

    At the lowest mere priority (nice 19), two conversations on two cores missed 5.5 % of their slots, and 0.3 % so.
    """
    if hasattr(os, "nice"):
        os.nice(NICE)
    if sys.platform == "linux":
        with suppress(OSError):
            os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))


def _read(requests: BinaryIO, inbox: Inbox) -> None:
    try:
        while True:
            inbox.put(pickle.load(requests))
    except (EOFError, OSError, pickle.UnpicklingError):
        inbox.put(None)


def _work(load: Load, inbox: Inbox, send: Callable[[object], None]) -> None:
    if load.beside_speech:
        _yield_to_speech()
    import torch

    from duplex.model.language_models.load_local import load_llm_parts
    from duplex.model.language_models.local_model import LocalModel

    torch.set_num_threads(1)  # further threads take their priority from this one when they begin
    parts = load_llm_parts(load.config)
    model = LocalModel(load.config, parts, load.make_filter)
    if not load.beside_speech:
        _yield_to_speech()
    torch.set_num_threads(load.config.threads)
    send(Loaded(model.name, model.fingerprint))
    parts.network.prepare()
    while True:
        while not inbox.empty() or model.idle:
            request = inbox.get()
            if request is None:
                return
            _apply(model, request, send)
        for number, piece in model.step():
            send(PieceCame(number, piece))


def _apply(model: "LocalModel", request: object, send: Callable[[object], None]) -> None:
    match request:
        case Generate(number, conversation, messages, tools):
            try:
                model.begin(number, conversation, messages, tools)
            except LlmError as error:
                send(PieceCame(number, AnswerPiece(finish="error", error=str(error))))
            except Exception as error:
                failure = f"{model.name} cannot answer this ({_line(error)}); begin a new conversation"
                send(PieceCame(number, AnswerPiece(finish="error", error=failure)))
        case Prefill(conversation, messages, tools):
            with suppress(Exception):  # the answer will tell
                model.prefill(conversation, messages, tools)
        case Cancel(number):
            model.cancel(number)
        case Forget(conversation):
            model.forget(conversation)


def _line(error: Exception) -> str:
    return f"{type(error).__name__}: {' '.join(str(error).split())[:200]}"
