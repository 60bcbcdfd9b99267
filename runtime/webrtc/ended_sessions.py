"""Remembers the last sessions that ended: why, and where their files are."""

from collections import OrderedDict
from dataclasses import dataclass
from pathlib import Path

from runtime.errors import SessionError, UnknownSession


class NotRecorded(SessionError):  # noqa: N818 - reads as what it is
    """There is no file of this session."""

    code = "not_recorded"


@dataclass(frozen=True)
class EndedSession:
    """Why a session ended, and the folder of its files (None: not recorded)."""

    reason: str
    folder: Path | None


class EndedSessions:
    """The last `keep` sessions that ended."""

    def __init__(self, keep: int) -> None:
        self._keep = keep
        self._ended: OrderedDict[str, EndedSession] = OrderedDict()

    def add(self, session: str, reason: str, folder: Path | None) -> None:
        """A session ended."""
        self._ended[session] = EndedSession(reason, folder)
        while len(self._ended) > self._keep:
            self._ended.popitem(last=False)

    def explain(self, session: str) -> str:
        """Why a session ended; "" where that is not remembered."""
        return self._ended[session].reason if session in self._ended else ""

    def folder(self, session: str) -> Path | None:
        """Folder of its files; None if it was not recorded.

        Raises:
            UnknownSession: there is no such session, or it ended too long ago.
        """
        if session not in self._ended:
            raise UnknownSession(f"session {session} is unknown; its files may still be in the recordings folder")
        return self._ended[session].folder
