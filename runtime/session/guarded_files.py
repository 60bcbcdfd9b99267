"""The files of one conversation as the session sees them: written beside it, and never a reason for it to end."""

import errno
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from contextlib import suppress
from functools import partial
from pathlib import Path

from configs.runtime.runtime import RuntimeConfig
from duplex.model.interface import SlotResult
from runtime.records import UserSlot
from runtime.session.disk import is_full
from runtime.session.file_writer import FileWriter
from runtime.session.log_records import LogHeader, SlotRow
from runtime.session.resumable import ResumeKey
from runtime.session.session_files import SessionFiles


class GuardedFiles:
    """Files that end where the disk does not take them."""

    def __init__(
        self,
        folder: Path | None,
        header: LogHeader,
        config: RuntimeConfig,
        writer: FileWriter,
        before: Sequence[SlotRow] | None = None,
    ) -> None:
        """`folder`: where they go; None keeps nothing. `before`: the rows of files to go on with; None creates
        them."""
        self.error: str | None = None
        """Why they end before the session; None if they do not."""
        self.created: Future[Exception | None] = Future()
        """Done when they are there; gives DiskFull, LogError or AudioError if they cannot be created."""
        self.finished: Future[None] = Future()
        """Done when the session is over and they are complete."""
        self._folder, self._config, self._writer = folder, config, writer
        self._files: SessionFiles | None = None
        writer.submit(partial(self._create, header, before))

    def keep_key(self, key: ResumeKey) -> None:
        """Let another process go on with the conversation, if this one is killed."""
        self._submit(lambda files: files.keep_key(key))

    def add(self, slot: UserSlot, result: SlotResult, row: SlotRow) -> None:
        """Append one slot, at some time."""
        behind = self._writer.waiting > self._config.recording.most_waiting
        self._submit(_give_up if behind else lambda files: files.add(slot, result, row))

    def close(self, reason: str) -> None:
        """Finish them, at some time."""
        self._submit(lambda files: files.close(reason))
        self._writer.submit(lambda: self.finished.set_result(None))

    def _create(self, header: LogHeader, before: Sequence[SlotRow] | None) -> None:
        try:
            self._files = SessionFiles(self._folder, header, self._config, before) if self._folder else None
        except Exception as error:  # whoever waits for the files must learn of any fault
            self.created.set_result(error)
        else:
            self.created.set_result(None)

    def _submit(self, write: Callable[[SessionFiles], None]) -> None:
        self._writer.submit(partial(self._write, write))

    def _write(self, write: Callable[[SessionFiles], None]) -> None:
        if self._files is None:
            return
        try:
            write(self._files)
        except OSError as error:
            why = "the disk is full" if is_full(error) else f"{self._folder} cannot be written: {error.strerror}"
            message = f"the recording ends here, the conversation continues ({why}); what was recorded is kept"
            with suppress(OSError):
                self._files.close(message)
            self._files, self.error = None, message


def _give_up(files: SessionFiles) -> None:
    raise OSError(errno.ETIMEDOUT, "the disk is too slow")
