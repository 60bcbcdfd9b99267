"""The engine: `collect -> step -> deliver` over the rows of one generator.

It handles rows, session ids and times; it does not depend on networks, files or event loops, and of the model only on
`duplex.model.interface`. An engine runs inline (`InlineEngine`), in a thread or in a process of its own
(`runtime.engine.process`); all three are a
`runtime.engine.client.EngineClient`.
"""

import math
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from configs.audio import AUDIO
from configs.runtime.runtime import EngineConfig
from duplex.model.abilities import (
    DelegatingGenerator,
    PatternGenerator,
    PresenceGenerator,
    PunctualGenerator,
    RehearsingGenerator,
)
from duplex.model.interface import ConversationOptions, Samples, SlotGenerator, SlotResult
from runtime.clock import Clock
from runtime.engine.client import check_waiting, new_session_id, server_full
from runtime.errors import BadOptions, EngineError, UnknownSession, user_line
from runtime.pcm import to_float
from runtime.records import EngineEvent, EngineInfo, EngineTimes, Past, SessionOpened, SlotDone, UserSlot


@dataclass
class EngineRow:
    """A place in the batch and its present session. `waiting`: (slot, arrival time). `old`: how many of them, the first
    ones, are rehearsed."""

    session: str
    waiting: deque[tuple[UserSlot, float]] = field(default_factory=deque)
    old: int = 0


class Engine:
    """Rows of one generator, which are stepped when they are ready."""

    def __init__(self, generator: SlotGenerator, clock: Clock, config: EngineConfig) -> None:
        """At most `config.max_sessions` of the generator's rows are used."""
        self.generator = generator
        self.config = config
        self.clock = clock
        self._rows: list[EngineRow | None] = [None] * min(generator.rows, config.max_sessions)

    @property
    def places(self) -> int:
        """Number of sessions at once."""
        return len(self._rows)

    def admit(self, session: str, options: ConversationOptions, past: Past | None = None) -> None:
        """Give `session` a row; `past`: what it was in an engine that was lost.

        Raises:
            ServerFull: all rows are taken.
            BadOptions: the model refuses the options; the row remains free.
        """
        index = next((i for i, row in enumerate(self._rows) if row is None), None)
        if index is None:
            raise server_full(self.places)
        if options.pattern and not isinstance(self.generator, PatternGenerator):
            raise BadOptions(f"this model has only one way of talking, not the pattern {options.pattern}; leave it out")
        if options.tools and not isinstance(self.generator, DelegatingGenerator):
            raise BadOptions("this model calls no functions; leave 'tools' out, or start it with --llm and --tools")
        try:
            self.generator.open(index, options)
        except ValueError as error:
            raise BadOptions(user_line(error)) from None
        self._rows[index] = EngineRow(session)
        if past is not None and past.slots:
            self._rehearse(index, past)

    def release(self, session: str) -> None:
        """Free the row of `session` and forget its waiting slots; unknown ids are ignored."""
        self._rows = [None if row and row.session == session else row for row in self._rows]

    def push(self, session: str, slot: UserSlot, came: float) -> None:
        """Queue a user slot that arrived at `came`, seconds on the clock.

        Raises:
            UnknownSession: no row belongs to `session`.
        """
        row = next((row for row in self._rows if row and row.session == session), None)
        if row is None:
            raise UnknownSession(f"session {session} has no row; it is over, open a new one")
        row.waiting.append((slot, came))

    def wait_s(self) -> float | None:
        """Seconds until the next step is due: 0 if it is due, None if no row has a slot."""
        taken = [row for row in self._rows if row]
        arrivals = [row.waiting[0][1] for row in taken if row.waiting]
        if not arrivals:
            return None
        gather_ms = self.config.gather_ms if self.generator.shares_steps else 0.0
        left = min(arrivals) + gather_ms / 1000 - self.clock.now()
        return 0.0 if len(arrivals) == len(taken) else max(0.0, left)

    def run_once(self) -> list[SlotDone]:
        """Run one step for all rows that have a slot, if the step is due.

        Raises:
            EngineError: the model's probability is not a number.
        """
        if self.wait_s() != 0.0:
            return []
        batch = self._collect()
        pcm, active = self._arrays(batch)
        self._tell(batch)
        began = self.clock.now()
        results = self.generator.step(pcm, active)
        over = self.clock.now()
        return [
            SlotDone(row.session, result, EngineTimes(slot.captured, came, began, over, len(batch), len(row.waiting)))
            for index, row, slot, came in batch
            if (result := _check(results[index])) is not None and not self._count_old(index, row)
        ]

    def info(self, model: str) -> EngineInfo:
        """Information on the engine; `model` is the name by which the model was loaded."""
        one = self.generator
        patterns = one.patterns if isinstance(one, PatternGenerator) else ()
        known = EngineInfo(model, one.fingerprint, self.places, one.delay_ms, patterns, shares_steps=one.shares_steps)
        if not isinstance(one, DelegatingGenerator):
            return known
        return replace(
            known,
            llm=one.llm.model_dump(mode="json"),
            llm_fingerprint=one.llm_fingerprint,
            llm_missing=one.llm_missing,
            tools=one.tools,
        )

    def close(self) -> None:
        """Release the generator's threads."""
        self.generator.close()

    def _rehearse(self, index: int, past: Past) -> None:
        row = self._rows[index]
        assert row is not None
        now = self.clock.now()
        row.waiting.extend((slot, now) for slot in past.slots)
        row.old = len(past.slots)
        if isinstance(self.generator, RehearsingGenerator):
            known = [slot.recognition for slot in past.slots if slot.recognition is not None]
            self.generator.rehearse(index, past.turns, known)

    def _count_old(self, index: int, row: EngineRow) -> bool:
        """Whether the slot that was stepped is old; after the last one, the conversation is where it was."""
        if not row.old:
            return False
        row.old -= 1
        if not row.old and isinstance(self.generator, RehearsingGenerator):
            self.generator.end_rehearsal(index)
        return True

    def _tell(self, batch: Sequence[tuple[int, EngineRow, UserSlot, float]]) -> None:
        """Pass what users wrote and did not hear to models that keep a history of it; and what was logged."""
        if isinstance(self.generator, PunctualGenerator):
            for index, _, slot, _ in batch:
                if slot.words_late:
                    self.generator.hold_words(index)
        if isinstance(self.generator, PresenceGenerator):
            for index, _, slot, _ in batch:
                if slot.absent:
                    self.generator.mark_absent(index)
        if isinstance(self.generator, DelegatingGenerator):
            for index, _, slot, _ in batch:
                if slot.came:
                    self.generator.give(index, slot.came)
        if isinstance(self.generator, PatternGenerator):
            for index, _, slot, _ in batch:
                if slot.text:
                    self.generator.tell(index, slot.text)
                if slot.unheard_ms:
                    self.generator.mark_unheard(index, slot.unheard_ms)

    def _collect(self) -> list[tuple[int, EngineRow, UserSlot, float]]:
        """The oldest waiting slot of every ready row: (row index, row, slot, arrival time)."""
        return [(i, row, *row.waiting.popleft()) for i, row in enumerate(self._rows) if row and row.waiting]

    def _arrays(self, batch: Sequence[tuple[int, EngineRow, UserSlot, float]]) -> tuple[Samples, NDArray[np.bool_]]:
        """Audio [rows, 3200] and the mask [rows] of one step."""
        pcm = np.zeros((self.generator.rows, AUDIO.slot_input_samples), dtype=np.float32)
        active = np.zeros(self.generator.rows, dtype=np.bool_)
        for index, _, slot, _ in batch:
            pcm[index], active[index] = to_float(slot.pcm), True
        return pcm, active


class InlineEngine:
    """An `EngineClient` that steps inside `poll`, for virtual time, tools and tests."""

    def __init__(self, engine: Engine, model: str) -> None:
        self._engine = engine
        self._model = model
        self._events: list[EngineEvent] = []
        self._waiting: dict[str, int] = {}

    @property
    def info(self) -> EngineInfo:
        """What the engine runs."""
        return self._engine.info(self._model)

    ready = True
    """An engine that fails ends its caller."""

    @property
    def free(self) -> int:
        """Sessions that can still be opened."""
        return self._engine.places - len(self._waiting)

    def open(self, options: ConversationOptions) -> str:
        """See `EngineClient.open`; bad options raise `BadOptions` at once."""
        session = new_session_id()
        self._engine.admit(session, options)
        self._waiting[session] = 0
        self._events.append(SessionOpened(session))
        return session

    def push_slot(self, session: str, slot: UserSlot) -> None:
        """See `EngineClient.push_slot`."""
        check_waiting(session, self._waiting, self._engine.config)
        self._engine.push(session, slot, self._engine.clock.now())
        self._waiting[session] += 1

    def poll(self) -> list[EngineEvent]:
        """Run every step that is due."""
        events, self._events = self._events, []
        while done := self._engine.run_once():
            events += done
        for event in events:
            if isinstance(event, SlotDone):
                self._waiting[event.session] -= 1
        return events

    def close_session(self, session: str) -> None:
        """See `EngineClient.close_session`."""
        self._engine.release(session)
        self._waiting.pop(session, None)

    def fileno(self) -> None:
        """None, because the caller polls."""
        return

    def close(self) -> None:
        """End the engine."""
        self._engine.close()


def _check(result: SlotResult | None) -> SlotResult | None:
    if result is not None and not math.isfinite(result.p_speak):
        raise EngineError(f"the model's p(speak) of slot {result.slot} is {result.p_speak}; its weights are damaged")
    return result
