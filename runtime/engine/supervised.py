"""An engine that is started again when it is lost; its conversations go on.

The loss of a process (the system was out of memory, a driver failed) ends no conversation: slots wait until a new
engine is loaded, or a spare one takes its place; it is given the last slots of every session again, and goes on. An
engine that is lost again and again is given up, and its sessions end with the reason.
"""

import logging
import threading
from collections import deque
from collections.abc import Callable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from functools import partial
from typing import Protocol

from configs.runtime.runtime import EngineConfig
from duplex.model.interface import ConversationOptions
from runtime.clock import Clock
from runtime.engine.client import check_waiting, new_session_id
from runtime.engine.kept_session import HeardSlot, KeptSession
from runtime.engine.memory import available_mb
from runtime.engine.process import PipeEngine
from runtime.errors import EngineDied, EngineRestarts, UnknownSession, user_line
from runtime.records import EngineEvent, EngineInfo, SessionFailed, SessionOpened, SlotDone, UserSlot

logger = logging.getLogger(__name__)
_MOST_BEHIND = 300
"""Slots that may wait for an engine that is being started again, or that has much to catch up on."""
_RESTARTING = "the model is being started again after a failure; try again in a few seconds"


class Start(Protocol):
    """Starts an engine; see `start_engine_process`."""

    def __call__(self, *, unwanted: threading.Event, gently: bool = False) -> PipeEngine:
        """Return the engine when its model is loaded."""
        ...


class SupervisedEngine:
    """An `EngineClient` over engines that run one after the other."""

    def __init__(
        self,
        start: Start,
        config: EngineConfig,
        clock: Clock,
        available_mb: Callable[[], float | None] = available_mb,
    ) -> None:
        """`available_mb`: see `runtime.engine.memory`.

        Raises:
            ModelLoadError: the first engine cannot be loaded.
        """
        self._unwanted = threading.Event()
        self._start, self._config, self._clock = partial(start, unwanted=self._unwanted), config, clock
        self._available_mb = available_mb
        self._engine = self._start()
        self._info = self._engine.info
        self._wants_spare = self._has_room()
        self._starter = ThreadPoolExecutor(1, "engine-restart")
        self._starting: Future[PipeEngine] | None = None
        self._spare: Future[PipeEngine] | None = None
        self._over: EngineDied | None = None
        self._losses: deque[float] = deque()
        self._sessions: dict[str, KeptSession] = {}

    @property
    def info(self) -> EngineInfo:
        """What the engine runs."""
        return self._info

    @property
    def ready(self) -> bool:
        """Whether an engine runs."""
        return self._starting is None and self._over is None

    @property
    def free(self) -> int:
        """Sessions that can still be opened."""
        return self._engine.free if self.ready else 0

    def open(self, options: ConversationOptions) -> str:
        """See `EngineClient.open`.

        Raises:
            EngineRestarts: the engine was lost and is being started again.
        """
        self._check_running()
        session = new_session_id()
        inner = self._engine.open(options)
        self._sessions[session] = KeptSession(options, self._config.rehearse_slots, inner)
        return session

    def reopen(self, session: str, options: ConversationOptions, heard: Iterable[HeardSlot]) -> None:
        """Go on with a session of another process, under its id.

        `heard`: all its slots, of which the engine is given the last ones again.

        Raises:
            ServerFull: all rows are taken. EngineDied, EngineRestarts: no engine runs.
        """
        self._check_running()
        kept = KeptSession(options, self._config.rehearse_slots)
        for slot in heard:
            kept.note(slot)
        kept.begin_again(self._engine.open(options, kept.past))
        self._sessions[session] = kept

    def _check_running(self) -> None:
        if self._over is not None:
            raise self._over
        if self._starting is not None:
            raise EngineRestarts(_RESTARTING)

    def push_slot(self, session: str, slot: UserSlot) -> None:
        """See `EngineClient.push_slot`; while no engine runs, slots wait."""
        if self._over is not None:
            raise self._over
        if session not in self._sessions:
            raise UnknownSession(f"session {session} is over; open a new one")
        kept = self._sessions[session]
        calm = self.ready and not kept.behind
        if calm or len(kept.waiting) >= _MOST_BEHIND:
            check_waiting(session, {session: len(kept.waiting)}, self._config)
        kept.waiting.append(slot)
        self._give(session)

    def poll(self) -> list[EngineEvent]:
        """See `EngineClient.poll`."""
        if self._starting is not None:
            return self._adopt(self._starting) if self._starting.done() else []
        self._keep_spare()
        events = [told for event in self._engine.poll() if (told := self._translate(event)) is not None]
        if self._engine.gone is not None and self._over is None:
            events += self._replace(self._engine.gone)
        return events

    def _keep_spare(self) -> None:
        """Load a spare engine, once no conversation has anything to catch up on."""
        calm = not any(kept.behind for kept in self._sessions.values())
        if self._wants_spare and self._spare is None and self._over is None and calm:
            self._spare = self._starter.submit(self._start, gently=True)

    def _has_room(self) -> bool:
        """Whether there is to be a spare engine."""
        if self._config.spare != "auto":
            return self._config.spare
        needed, available = self._info.memory_mb, self._available_mb()
        return needed is not None and available is not None and available - needed >= self._config.spare_leaves_mb

    def close_session(self, session: str) -> None:
        """See `EngineClient.close_session`."""
        kept = self._sessions.pop(session, None)
        if kept is not None and self.ready:
            self._engine.close_session(kept.inner)

    def fileno(self) -> int | None:
        """See `EngineClient.fileno`; it changes with the engine."""
        return self._engine.fileno() if self.ready else None

    def close(self) -> None:
        """End the engine, also one that is only just starting."""
        self._over = self._over or EngineDied("the server stops")
        if self._starting is None:  # else the starter closes the lost one
            self._engine.close()
        self._unwanted.set()
        self._starter.shutdown(wait=True)
        for other in (self._starting, self._spare):
            if other is not None and other.exception() is None:
                other.result().close()

    def _give(self, session: str) -> None:
        """Hand waiting slots over, as many as the engine takes at a time."""
        kept = self._sessions[session]
        while self.ready and kept.given < min(len(kept.waiting), self._config.max_waiting_slots):
            try:
                self._engine.push_slot(kept.inner, kept.waiting[kept.given])
            except (EngineDied, UnknownSession):
                return  # `poll` finds out why
            kept.given += 1

    def _translate(self, event: EngineEvent) -> EngineEvent | None:
        """An event of the engine as one of the session; None for those that only this engine's end has caused."""
        session = next((name for name, kept in self._sessions.items() if kept.inner == event.session), None)
        if session is None or (isinstance(event, SessionFailed) and self._engine.gone is not None):
            return None
        match event:
            case SlotDone():
                done = self._sessions[session].take(event)
                self._give(session)
                return replace(done, session=session)
            case SessionOpened():
                return replace(event, session=session) if not self._sessions[session].past.slots else None
            case SessionFailed():
                del self._sessions[session]
                return replace(event, session=session)

    def _replace(self, loss: EngineDied) -> list[EngineEvent]:
        """The engine is lost: start another one, unless that has happened too often."""
        now = self._clock.now()
        self._losses.append(now)
        while self._losses[0] < now - self._config.restart_window_s:
            self._losses.popleft()
        if len(self._losses) > self._config.restarts:
            return self._give_up(loss)
        logger.error("the engine was lost (%s); another one takes its place", user_line(loss))
        spare, self._spare = self._spare, None
        self._starter.submit(self._engine.close)
        fit = spare is not None and not (spare.done() and spare.exception())
        self._starting = spare if fit else self._starter.submit(self._start)
        return []

    def _adopt(self, starting: "Future[PipeEngine]") -> list[EngineEvent]:
        """The new engine is there, or could not be started."""
        self._starting = None
        error = starting.exception()
        if error is not None:
            return self._give_up(EngineDied(f"the engine was lost and cannot be started again: {user_line(error)}"))
        self._engine = starting.result()
        self._info = self._engine.info
        self._wants_spare = self._has_room()
        logger.warning("the engine runs again; %d conversations go on", len(self._sessions))
        with suppress(EngineDied):  # lost again already: `poll` finds out
            for session, kept in self._sessions.items():
                kept.begin_again(self._engine.open(kept.options, kept.past))
                self._give(session)
        return []

    def _give_up(self, loss: EngineDied) -> list[EngineEvent]:
        logger.error("the engine is given up: %s", user_line(loss))
        self._over = loss
        lost, self._sessions = list(self._sessions), {}
        return [SessionFailed(session, loss.code, user_line(loss)) for session in lost]
