"""How sessions use an engine, wherever it runs: the interface, and what its implementations share.

Nothing here depends on rows or models.
"""

import secrets
from collections.abc import Iterable
from typing import Protocol, runtime_checkable

from configs.audio import AUDIO
from configs.runtime.runtime import EngineConfig
from duplex.model.interface import ConversationOptions
from runtime.engine.kept_session import HeardSlot
from runtime.errors import EngineOverloaded, ServerFull, UnknownSession
from runtime.records import EngineEvent, EngineInfo, UserSlot


class EngineClient(Protocol):
    """The interface of the engine for sessions. One caller at a time; no method waits for a step of another session."""

    @property
    def info(self) -> EngineInfo:
        """What the engine runs."""
        ...

    @property
    def ready(self) -> bool:
        """Whether an engine runs; one that was lost may be on its way back."""
        ...

    @property
    def free(self) -> int:
        """Sessions that can still be opened."""
        ...

    def open(self, options: ConversationOptions) -> str:
        """Take a row for a new conversation and return its session id; `SessionOpened` or `SessionFailed` follows.

        Raises:
            ServerFull: all rows are taken.
            EngineDied: the engine has ended.
        """
        ...

    def push_slot(self, session: str, slot: UserSlot) -> None:
        """Hand over the next user slot.

        Raises:
            UnknownSession: the session has ended.
            EngineOverloaded: too many of its slots are waiting; the session should be closed.
            EngineDied: the engine has ended.
        """
        ...

    def poll(self) -> list[EngineEvent]:
        """Events since the last call; never blocks longer than an inline step takes."""
        ...

    def close_session(self, session: str) -> None:
        """Free the session's row; later results of it are dropped. Unknown ids are ignored."""
        ...

    def fileno(self) -> int | None:
        """A descriptor that is readable when `poll` has something (for event loops), or None.

        It stays readable after the engine's end, when this becomes None; stop watching it then.
        """
        ...

    def close(self) -> None:
        """End the engine."""
        ...


@runtime_checkable
class ReopeningClient(Protocol):
    """An engine that can go on with sessions of another process."""

    def reopen(self, session: str, options: ConversationOptions, heard: Iterable[HeardSlot]) -> None:
        """Go on with a session under its id, of which these slots were answered.

        Raises:
            ServerFull: all rows are taken. EngineDied, EngineRestarts: no engine runs.
        """
        ...


def new_session_id() -> str:
    """A new id, which cannot be guessed and is safe as a folder name."""
    return secrets.token_hex(8)


def server_full(places: int) -> ServerFull:
    """The error for one session too many."""
    noun = "place is" if places == 1 else "places are"
    return ServerFull(
        f"the server is full: all {places} {noun} taken; try again in a moment or raise engine.max_sessions"
    )


def check_waiting(session: str, waiting: dict[str, int], config: EngineConfig) -> None:
    """Check the limit of a session's queue; `waiting` counts the unanswered slots by session.

    Raises:
        UnknownSession: `session` is not in `waiting`.
        EngineOverloaded: the limit is reached.
    """
    if session not in waiting:
        raise UnknownSession(f"session {session} is over; open a new one")
    if waiting[session] >= config.max_waiting_slots:
        late = config.max_waiting_slots * AUDIO.slot_seconds
        raise EngineOverloaded(
            f"the model is {late:.0f} s behind, because this computer is too slow or too busy for it; close other "
            "programs, use fewer sessions, or measure it with `duplex bench step`"
        )
