"""The interface between HTTP and the media: what the application asks for, wherever the media are.

`Gateway` is the media themselves; `RemoteMedia` asks those of another process. Nothing here depends on HTTP or audio.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from configs.runtime.runtime import RecordingConfig
from duplex.model.interface import ConversationOptions
from runtime.records import EngineInfo

Unready = tuple[str, str]
"""Code and message, as in the errors of the API."""


@dataclass(frozen=True)
class ServerFacts:
    """What does not change while a server runs: what its engine runs, and whether and where conversations are kept."""

    info: EngineInfo
    recording: RecordingConfig


@dataclass(frozen=True)
class Answered:
    """An offer was answered. `secret`: with it the client can come back to the session."""

    session: str
    sdp: str
    secret: str


class MediaServer(Protocol):
    """Sessions and their connections. Many calls may run at the same time; one that is cancelled has no effect that
    lasts."""

    async def open(
        self, sdp: str, options: ConversationOptions, policy: str, attempt: str | None = None, address: str = ""
    ) -> Answered:
        """Open a new session for an offer.

        Args:
            sdp: the offer. options: options of the conversation. policy: name of its policy, for the client.
            attempt: the client's name for this offer, see `leave`. address: the client's; empty if unknown.

        Raises:
            BadOffer, ClientGone, Draining, TooManySessions, EngineDied, EngineRestarts, ServerFull, BadOptions,
            UnknownSession, TransportError; DiskFull, LogError or AudioError where recordings are required.
        """
        ...

    async def resume(self, sdp: str, session: str, secret: str, attempt: str | None = None) -> Answered:
        """A client comes back to its session with a new offer; its former connection, if there still is one, ends.

        Raises:
            BadOffer, ClientGone, UnknownSession, TransportError; EngineDied, EngineRestarts, ServerFull.
        """
        ...

    async def lose(self, session: str, reason: str) -> None:
        """The client of a session is gone before it had its answer; unknown sessions are ignored."""
        ...

    async def close(self, session: str, reason: str) -> None:
        """End a session; returns when its files are finished.

        Raises:
            UnknownSession: there is no such session.
        """
        ...

    async def leave(self, attempt: str, returns: bool = False) -> None:
        """The client of an attempt is gone: its session ends now or as soon as its offer arrives.

        `returns`: it may be a page that is being reloaded, so the session waits for it for a while.
        """
        ...

    async def count_places(self) -> tuple[int, int]:
        """Sessions that can still be opened, some in the place of one whose page was closed; and clients."""
        ...

    async def folder(self, session: str) -> Path:
        """Folder of the files of a session, whether live or ended.

        Raises:
            UnknownSession: there is no such session, or it ended too long ago. NotRecorded: nothing was kept.
        """
        ...

    async def explain_unready(self) -> Unready | None:
        """Why no conversation can begin, but for the disk; or None."""
        ...

    async def tell_metrics(self, http_tasks: int) -> bytes:
        """All metrics as text for a scrape. `http_tasks`: tasks on the event loop of HTTP."""
        ...
