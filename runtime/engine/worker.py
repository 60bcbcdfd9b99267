"""The engine's side of the pipe: loads the model, reads requests in one thread and steps in another.

It uses the records of `runtime.records` and one `Engine`, and no event loop. Errors are sent, not raised.
"""

import os
import queue
import sys
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from multiprocessing.connection import Connection
from typing import TYPE_CHECKING, Any

from configs.model.descriptions import find_llm
from configs.runtime.runtime import EngineConfig
from duplex.model.abilities import PunctualGenerator
from duplex.model.interface import SlotGenerator
from duplex.model.language_models.load_llm import LlmBeside
from runtime.child_processes import ignore_interrupts
from runtime.clock import Clock, SystemClock
from runtime.engine.engine import Engine
from runtime.engine.memory import has_gpu, held_mb
from runtime.errors import USER_ERRORS, DuplexError, EngineDied, ModelLoadError, UnknownSession, user_line
from runtime.heap import settle_heap
from runtime.records import (
    CloseSession,
    EngineReady,
    EngineStopped,
    OpenSession,
    PushSlot,
    SessionFailed,
    SessionOpened,
)

_LOWEST = 19
Loader = Callable[[str, int, int], SlotGenerator]
"""Maps (model, rows, threads) to a generator; for a process it must be importable by name."""
Inbox = queue.SimpleQueue[tuple[object, float] | None]
"""Requests with their arrival times; None if no more will come."""
if TYPE_CHECKING:
    Pipe = Connection[object, object]
else:
    Pipe = Connection


def load_model(model: str, rows: int, threads: int, changes: Mapping[str, Any] | None = None) -> SlotGenerator:
    """Load a real model by name or folder. This imports torch and sets the threads of this process.

    A local language model loads beside it, in its own process, before torch is imported here: both take seconds.

    `changes`: see `duplex.model.load.DuplexModel.from_pretrained`.

    Kernels round differently with another number of threads, so a replay is exact only with the same number.
    """
    with LlmBeside(find_llm(model, changes or {})) as load_llm:
        import torch

        from duplex.model.load import load_generator

        torch.set_num_threads(threads)
        generator = load_generator(model, rows, changes=changes, load_llm=load_llm)
    settle_heap()
    return generator


def loader_with(changes: Mapping[str, Any]) -> Loader:
    """A loader of real models with changes to their description, which can be sent through pipes to other processes."""
    return partial(load_model, changes=dict(changes)) if changes else load_model


def load(model: str, rows: int, loader: Loader | None = None, threads: int = 1) -> SlotGenerator:
    """Load a model; without a `loader` by its name or folder.

    Raises:
        ModelLoadError: the model cannot be loaded; the message names it and the reason.
    """
    try:
        return (loader or load_model)(model, rows, threads)
    except Exception as error:
        raise ModelLoadError(f"model '{model}' cannot be loaded: {user_line(error)}") from error


def load_gently(model: str, rows: int, loader: Loader | None = None, threads: int = 1) -> SlotGenerator:
    """`load` at the lowest priority, so that conversations of another engine do not notice it.

    Only a thread can get its priority back: by ending. So the model is loaded in a thread of its own.
    """
    with ThreadPoolExecutor(1, "load", _give_way) as thread:
        return thread.submit(load, model, rows, loader, threads).result()


def _give_way() -> None:
    if sys.platform == "linux":
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _LOWEST)


def run_engine(pipe: Pipe, model: str, config: EngineConfig, loader: Loader, gently: bool = False) -> None:
    """Run the engine's side: load, greet, serve until the pipe is closed. Errors are sent, not raised.

    `gently`: see `load_gently`.
    """
    with pipe:
        try:
            clock = SystemClock()
            generator = (load_gently if gently else load)(model, config.max_sessions, loader, config.threads)
            if isinstance(generator, PunctualGenerator):
                generator.be_punctual(config.words_budget_ms / 1000)
            engine = Engine(generator, clock, config)
            pid = os.getpid()
            info = replace(engine.info(model), pid=pid, memory_mb=None if has_gpu() else held_mb(pid))
            pipe.send(EngineReady(info))
            _serve(engine, pipe, clock)
            engine.close()
        except Exception as error:
            _tell(pipe, error)


def process_main(pipe: Pipe, model: str, config: EngineConfig, loader: Loader, gently: bool = False) -> None:
    """`run_engine` as the target of a spawned process."""
    ignore_interrupts()  # the engine ends with its pipe, after its sessions
    os.environ["OMP_NUM_THREADS"] = str(config.threads)
    if config.nice:
        os.nice(config.nice)
    run_engine(pipe, model, config, loader, gently)


def _serve(engine: Engine, pipe: Pipe, clock: Clock) -> None:
    inbox: Inbox = queue.SimpleQueue()
    threading.Thread(target=_read, args=(pipe, inbox, clock), name="engine-inbox", daemon=True).start()
    while True:
        for item in _take(inbox, engine.wait_s()):
            if item is None:
                return
            _apply(engine, pipe, *item)
        for done in engine.run_once():
            pipe.send(done)


def _read(pipe: Pipe, inbox: Inbox, clock: Clock) -> None:
    """Move requests to the inbox as they arrive, so that the other side never waits for a step; None at the end."""
    try:
        while True:
            inbox.put((pipe.recv(), clock.now()))
    except (EOFError, OSError):
        inbox.put(None)


def _take(inbox: Inbox, wait_s: float | None) -> list[tuple[object, float] | None]:
    """Everything that has arrived; waits up to `wait_s` seconds (None: for ever) for the first item."""
    items = []
    try:
        items.append(inbox.get(timeout=wait_s) if wait_s != 0.0 else inbox.get_nowait())
        while True:
            items.append(inbox.get_nowait())
    except queue.Empty:
        return items


def _apply(engine: Engine, pipe: Pipe, request: object, came: float) -> None:
    match request:
        case OpenSession(session, options, past):
            try:
                engine.admit(session, options, past)
                pipe.send(SessionOpened(session))
            except DuplexError as error:
                pipe.send(SessionFailed(session, error.code, user_line(error)))
        case PushSlot(session, slot):
            try:
                engine.push(session, slot, came)
            except UnknownSession:
                return  # closed or refused while the slot was on its way
        case CloseSession(session):
            engine.release(session)


def _tell(pipe: Pipe, error: Exception) -> None:
    known = isinstance(error, USER_ERRORS)
    message = user_line(error) if known else f"the engine failed ({type(error).__name__}: {user_line(error)}); restart"
    try:
        pipe.send(EngineStopped(getattr(error, "code", EngineDied.code), message))
    except OSError:
        return  # no one is left to be told
