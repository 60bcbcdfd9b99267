"""Removes the oldest finished conversations of a recordings folder: by age and by the size of all.

Only folders that `runtime.sessions` made are touched: named like a session, with a slot log in them. A conversation has
finished when its log ends with a closing line, or when nothing was written to it for ten minutes (its server was
killed); conversations that last, of this server or another one, are kept.
"""

import logging
import re
import shutil
import time
from collections.abc import Callable, Collection
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from configs.runtime.runtime import RecordingConfig
from runtime.logs import log_event
from runtime.observers import Observer
from runtime.session.session import Session
from runtime.session.slot_log import LOG_FILE

_NAME: Final = re.compile(r"[0-9a-f]{16}")
_ABANDONED_S: Final = 600.0
_TAIL_BYTES: Final = 4096
_END: Final = b'{"kind":"end",'

Run = Callable[[Callable[[], object]], object]
"""Runs a function, now or later, and not two at once."""


@dataclass(frozen=True)
class KeptConversation:
    """A conversation on disk. `size`: of its files, in bytes. `changed`: when its log was last written, Unix time."""

    folder: Path
    size: int
    changed: float
    finished: bool


def find_conversations(folder: Path, now: float) -> list[KeptConversation]:
    """Conversations in a recordings folder at the Unix time `now`, the oldest first."""
    found = [_read(place, now) for place in folder.iterdir() if _is_ours(place)]
    return sorted((one for one in found if one is not None), key=lambda one: one.changed)


def choose_surplus(
    kept: Collection[KeptConversation], config: RecordingConfig, live: Collection[str], now: float
) -> list[KeptConversation]:
    """Those of `kept`, which come oldest first, that are to go; `live`: names of those that last."""
    excess = sum(one.size for one in kept) - config.max_total_bytes
    surplus = []
    for one in kept:
        if one.finished and one.folder.name not in live and (excess > 0 or now - one.changed > config.keep_seconds):
            surplus.append(one)
            excess -= one.size
    return surplus


def remove_surplus(config: RecordingConfig, live: Collection[str], now: float) -> None:
    """Remove what is too old or too much at the Unix time `now`; what cannot be removed is logged."""
    if (config.max_total_gb is None and config.keep_days is None) or not config.folder.is_dir():
        return
    removed: list[KeptConversation] = []
    try:
        surplus = choose_surplus(find_conversations(config.folder, now), config, live, now)
    except OSError as error:
        log_event(logging.WARNING, "recordings_not_removed", reason=str(error))
        return
    for one in surplus:
        try:
            shutil.rmtree(one.folder)
        except OSError as error:
            log_event(logging.WARNING, "recordings_not_removed", reason=str(error))
        else:
            removed.append(one)
    if removed:
        log_event(
            logging.INFO, "recordings_removed", conversations=len(removed), bytes=sum(one.size for one in removed)
        )


class Retention(Observer):
    """Removes surplus conversations when one begins, in a thread: a large file takes long to remove."""

    def __init__(self, config: RecordingConfig, run: Run | None = None, now: Callable[[], float] = time.time) -> None:
        """`run`: how the disk's work is done; None takes a thread. `now`: Unix time."""
        self._config, self._now = config, now
        self._run = run or ThreadPoolExecutor(1, thread_name_prefix="retention").submit
        self._live: set[str] = set()

    def on_opened(self, session: str) -> None:
        """See `Observer`."""
        self._live.add(session)
        live = frozenset(self._live)
        self._run(lambda: remove_surplus(self._config, live, self._now()))

    def on_closed(self, session: Session, reason: str) -> None:
        """See `Observer`."""
        self._live.discard(session.id)


def _is_ours(place: Path) -> bool:
    return _NAME.fullmatch(place.name) is not None and not place.is_symlink() and (place / LOG_FILE).is_file()


def _read(place: Path, now: float) -> KeptConversation | None:
    """What a folder holds; None if it is gone meanwhile."""
    try:
        files = [path.stat() for path in place.rglob("*") if path.is_file()]
        changed = (place / LOG_FILE).stat().st_mtime
        finished = now - changed > _ABANDONED_S or _is_closed(place / LOG_FILE)
    except FileNotFoundError:
        return None
    return KeptConversation(place, sum(file.st_size for file in files), changed, finished)


def _is_closed(log: Path) -> bool:
    """Whether a log ends with its closing line."""
    with log.open("rb") as file:
        file.seek(max(0, log.stat().st_size - _TAIL_BYTES))
        lines = file.read().splitlines()
    return bool(lines) and lines[-1].startswith(_END)
