"""What another process needs to go on with a conversation of the recordings folder, after a server was killed.

    FOLDER/resume.json    the hash of the secret by which its client is known; there while the conversation lasts

The rest is in its slot log and recording. Nothing here depends on engines or networks.
"""

import hashlib
import hmac
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Final

from pydantic import ConfigDict, TypeAdapter, ValidationError

from configs.audio import AUDIO
from duplex.io.whole_files import write_json
from runtime.engine.kept_session import HeardSlot
from runtime.errors import AudioError, LogError, UnknownSession
from runtime.pcm import Pcm16
from runtime.records import UserSlot
from runtime.session.log_records import ABSENT, WORDS_LATE, LogHeader, SlotRow
from runtime.session.recording import USER_FILE, read_recording
from runtime.session.slot_log import LOG_FILE, read_log

RESUME_FILE: Final = "resume.json"
_SESSION: Final = re.compile(r"[0-9a-f]{16}")
SLOT: Final = AUDIO.slot_input_samples


@dataclass(frozen=True)
class ResumeKey:
    """The content of `resume.json`: the sha256 (hex) of the client's secret, and the name of the policy."""

    __pydantic_config__: ClassVar = ConfigDict(extra="forbid")

    secret_sha256: str
    policy: str

    @classmethod
    def of(cls, secret: str, policy: str) -> "ResumeKey":
        """The key of a secret."""
        return cls(hashlib.sha256(secret.encode()).hexdigest(), policy)

    def write(self, folder: Path) -> None:
        """Write it to the folder of the conversation.

        Raises:
            OSError: the disk does not take it.
        """
        write_json(folder / RESUME_FILE, vars(self))


@dataclass(frozen=True)
class Resumable:
    """A conversation of a process that is gone.

    Attributes:
        folder: of its files. header, rows: its slot log. pcm: [n * 3200] what the user said in its n slots, at 16 kHz.
        policy: name of its policy.
    """

    folder: Path
    header: LogHeader
    rows: tuple[SlotRow, ...]
    pcm: Pcm16
    policy: str

    def heard(self) -> Iterator[HeardSlot]:
        """Its slots as an engine needs them to go on."""
        for row in self.rows:
            pcm = self.pcm[row.slot * SLOT : (row.slot + 1) * SLOT]
            slot = UserSlot(
                index=row.slot,
                pcm=pcm,
                holes=row.holes,
                text=row.typed,
                unheard_ms=row.unheard_ms,
                came=row.came,
                words_late=WORDS_LATE in row.degraded,
                absent=ABSENT in row.degraded,
            )
            yield HeardSlot(slot, (row.user.turn, row.user.caption) if row.user else None, row.event, row.kept)


def read_resumable(recordings: Path, session: str, secret: str, oldest: float) -> Resumable:
    """Read a conversation that another process left behind.

    Args:
        recordings: the recordings folder. session, secret: as its client gives them.
        oldest: when it must have lasted, seconds since 1970.

    Raises:
        UnknownSession: there is none of that name, the secret is wrong, it has ended, or its files cannot be read.
    """
    folder = recordings / session
    try:
        if not _SESSION.fullmatch(session) or (folder / LOG_FILE).stat().st_mtime < oldest:
            raise unknown(session)
        key = TypeAdapter(ResumeKey).validate_json((folder / RESUME_FILE).read_bytes())
        if not hmac.compare_digest(key.secret_sha256, ResumeKey.of(secret, "").secret_sha256):
            raise unknown(session)
        log, pcm = read_log(folder / LOG_FILE), read_recording(folder / USER_FILE)
    except (OSError, ValidationError, LogError, AudioError):
        raise unknown(session) from None
    slots = [row.slot for row in log.rows]
    if log.end is not None or slots != list(range(len(slots))) or len(pcm) < len(slots) * SLOT:
        raise unknown(session)
    return Resumable(folder, log.header, log.rows, pcm[: len(slots) * SLOT], key.policy)


def unknown(session: str) -> UnknownSession:
    """The error for a session to which nobody can come back; it does not tell why."""
    return UnknownSession(f"session {session} is over, or is not yours; leave out 'session' to open a new one")
