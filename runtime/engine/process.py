"""An engine in a process or a thread of its own, with the same `EngineClient` interface.

Both sides exchange the records of `runtime.records` through a pipe; the engine's side is `runtime.engine.worker`. The
caller's side never waits for a step. When the engine ends, for whatever reason, every session gets one `SessionFailed`
with the same message.
"""

import multiprocessing
import sys
import threading
from typing import Final

from configs.runtime.runtime import EngineConfig
from duplex.model.interface import ConversationOptions
from runtime.child_processes import ProcessWorker, Worker, start_shielded
from runtime.engine.client import check_waiting, new_session_id, server_full
from runtime.engine.worker import Loader, Pipe, load_model, process_main, run_engine
from runtime.errors import EngineDied, ModelLoadError, user_line
from runtime.records import (
    CloseSession,
    EngineEvent,
    EngineInfo,
    EngineReady,
    EngineRequest,
    EngineStopped,
    OpenSession,
    Past,
    PushSlot,
    SessionFailed,
    SessionOpened,
    SlotDone,
    UserSlot,
)

ENGINE: Final = "duplex-engine"
"""Name of the process."""
_LOOK_S: Final = 0.2
"""How often whoever waits for a model looks whether it is still wanted."""


class PipeEngine:
    """An `EngineClient` over a pipe."""

    def __init__(self, pipe: Pipe, worker: Worker, config: EngineConfig, unwanted: threading.Event) -> None:
        """Wait until the model is loaded; if the engine becomes `unwanted` meanwhile, it is ended.

        Raises:
            ModelLoadError: the model cannot be loaded. EngineDied: the engine ended meanwhile, or is unwanted.
        """
        self._pipe = pipe
        self._worker = worker
        self._config = config
        self._waiting: dict[str, int] = {}
        self._gone: EngineDied | None = None
        self._info = self._await_ready(unwanted)

    @property
    def info(self) -> EngineInfo:
        """What the engine runs."""
        return self._info

    @property
    def gone(self) -> EngineDied | None:
        """Why the engine has ended, as far as `poll` has found out; None while it runs."""
        return self._gone

    @property
    def ready(self) -> bool:
        """Whether the engine runs, as far as `poll` has found out."""
        return self._gone is None

    @property
    def free(self) -> int:
        """Sessions that can still be opened."""
        return 0 if self._gone else self._info.rows - len(self._waiting)

    def open(self, options: ConversationOptions, past: Past | None = None) -> str:
        """See `EngineClient.open`; options that the model refuses end the session with `SessionFailed`.

        `past`: what the session was in an engine that was lost.
        """
        if self._gone is None and not self.free:
            raise server_full(self._info.rows)
        session = new_session_id()
        self._send(OpenSession(session, options, past))
        self._waiting[session] = 0
        return session

    def push_slot(self, session: str, slot: UserSlot) -> None:
        """See `EngineClient.push_slot`."""
        check_waiting(session, self._waiting, self._config)
        self._send(PushSlot(session, slot))
        self._waiting[session] += 1

    def poll(self) -> list[EngineEvent]:
        """Events since the last call; never waits."""
        events: list[EngineEvent] = []
        while not self._gone and self._pipe.poll(0):
            event = self._receive()
            if isinstance(event, EngineStopped):
                self._gone = EngineDied(event.message)
            elif isinstance(event, SessionOpened | SlotDone | SessionFailed) and event.session in self._waiting:
                self._count(event)
                events.append(event)
        return events + self._lose()

    def wait(self, timeout_s: float | None = None) -> bool:
        """Wait until `poll` has events, at most `timeout_s` seconds."""
        return bool(self._gone) or self._pipe.poll(timeout_s)

    def close_session(self, session: str) -> None:
        """See `EngineClient.close_session`."""
        if self._waiting.pop(session, None) is not None and not self._gone:
            try:
                self._send(CloseSession(session))
            except EngineDied as error:
                self._gone = error

    def fileno(self) -> int | None:
        """Descriptor of the pipe; None if event loops cannot watch it or the engine has ended."""
        return None if self._gone or sys.platform == "win32" else self._pipe.fileno()

    def close(self) -> None:
        """End the engine."""
        self._pipe.close()
        self._worker.stop(self._config.stop_timeout_s)

    def _await_ready(self, unwanted: threading.Event) -> EngineInfo:
        waited, most = 0.0, self._config.load_timeout_s
        while not self._pipe.poll(min(_LOOK_S, most - waited)):
            waited += _LOOK_S
            if unwanted.is_set():
                self._pipe.close()
                self._worker.stop(0.0)
                raise EngineDied("the engine is no longer wanted")
            if waited >= most:
                self.close()
                raise ModelLoadError(f"the model was not loaded within {most:.0f} s; raise engine.load_timeout_s")
        event = self._receive()
        if isinstance(event, EngineReady):
            return event.info
        self.close()
        message = event.message if isinstance(event, EngineStopped) else "the engine sent no greeting"
        raise ModelLoadError(message)

    def _count(self, event: EngineEvent) -> None:
        if isinstance(event, SlotDone):
            self._waiting[event.session] -= 1
        elif isinstance(event, SessionFailed):
            del self._waiting[event.session]

    def _receive(self) -> object:
        try:
            return self._pipe.recv()
        except (EOFError, OSError):
            return EngineStopped(EngineDied.code, f"the engine ended unexpectedly ({self._worker.ending()}); restart")

    def _send(self, request: EngineRequest) -> None:
        if self._gone:
            raise self._gone
        try:
            self._pipe.send(request)
        except OSError:
            raise EngineDied(f"the engine ended unexpectedly ({self._worker.ending()}); restart") from None

    def _lose(self) -> list[EngineEvent]:
        """The events that end every session, once, after the engine has ended."""
        if not self._gone:
            return []
        lost, self._waiting = list(self._waiting), {}
        return [SessionFailed(session, EngineDied.code, user_line(self._gone)) for session in lost]


class ThreadWorker:
    """The engine's side in a thread."""

    def __init__(self, thread: threading.Thread) -> None:
        self._thread = thread

    def ending(self) -> str:
        """A fixed text, because threads have no exit code."""
        return "its thread ended"

    def stop(self, timeout_s: float) -> None:
        """Wait for its end."""
        self._thread.join(timeout_s)


def start_engine_process(
    model: str,
    config: EngineConfig,
    loader: Loader = load_model,
    unwanted: threading.Event | None = None,
    gently: bool = False,
) -> PipeEngine:
    """Start an engine in a process of its own; returns when the model is loaded. `gently`: see `load_gently`.

    Raises:
        ModelLoadError: it cannot be loaded. EngineDied: it ended meanwhile, or is `unwanted`.
    """
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    args = (theirs, model, config, loader, gently)
    process = context.Process(target=process_main, args=args, name=ENGINE, daemon=True)
    start_shielded(process)
    theirs.close()
    return PipeEngine(ours, ProcessWorker(process), config, unwanted or threading.Event())


def start_engine_thread(
    model: str,
    config: EngineConfig,
    loader: Loader = load_model,
    unwanted: threading.Event | None = None,
    gently: bool = False,
) -> PipeEngine:
    """The same in a thread of this process."""
    ours, theirs = multiprocessing.Pipe()
    args = (theirs, model, config, loader, gently)
    thread = threading.Thread(target=run_engine, args=args, name="engine", daemon=True)
    thread.start()
    return PipeEngine(ours, ThreadWorker(thread), config, unwanted or threading.Event())
