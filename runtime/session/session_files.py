"""The files of one conversation: slot log, recording and transcript.

Nothing here depends on how a conversation goes.
"""

import shutil
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

from configs.runtime.runtime import RuntimeConfig
from duplex.model.interface import SlotResult
from runtime.records import UserSlot
from runtime.session.disk import PRIVATE_FILE, PRIVATE_FOLDER, check_room, disk_error
from runtime.session.log_records import LogHeader, SlotRow
from runtime.session.recording import Recorder
from runtime.session.resumable import RESUME_FILE, ResumeKey
from runtime.session.slot_log import LOG_FILE, SlotLogWriter
from runtime.session.transcript import TranscriptBuilder


class SessionFiles:
    """Slot log, recording and transcript of one conversation, in a folder of its own; what is kept in the recordings
    folder can be read by the server's user alone."""

    def __init__(
        self, folder: Path, header: LogHeader, config: RuntimeConfig, before: Sequence[SlotRow] | None = None
    ) -> None:
        """Create the files; if that fails, nothing is left behind.

        `before`: go on with the files of another process, which hold these rows; None creates them.

        Raises:
            DiskFull: there is no room. LogError, AudioError: the files cannot be created.
        """
        self.folder = folder
        self._private = folder.parent == config.recording.folder
        made = not folder.exists()
        with ExitStack() as undo:
            try:
                folder.mkdir(PRIVATE_FOLDER if self._private else 0o777, parents=True, exist_ok=True)
                if made:
                    undo.callback(shutil.rmtree, folder, ignore_errors=True)
                check_room(folder, config.recording)
                self._log = SlotLogWriter(folder / LOG_FILE, header if before is None else None)
                undo.callback(self._log.abandon)
                self._recording = Recorder(folder, config.recording, len(before or ()))
                self._restrict()
            except OSError as error:
                raise disk_error(folder, error) from None
            undo.pop_all()
        self._transcript = TranscriptBuilder(header.delay_ms, config.transcript)
        for row in before or ():
            self._transcript.add(row)

    def keep_key(self, key: ResumeKey) -> None:
        """Let another process go on with the conversation, if this one is killed.

        Raises:
            OSError: the disk does not take it.
        """
        key.write(self.folder)
        self._restrict()

    def add(self, slot: UserSlot, result: SlotResult, row: SlotRow) -> None:
        """Append one slot to all files.

        Raises:
            OSError: the disk does not take it.
        """
        self._recording.add(slot.pcm, result.pcm)
        self._log.row(row)
        self._transcript.add(row)

    def close(self, reason: str) -> None:
        """Finish each file as far as possible.

        Raises:
            OSError: the files cannot be written completely.
        """
        with ExitStack() as stack:
            stack.callback(self._restrict)
            stack.callback((self.folder / RESUME_FILE).unlink, missing_ok=True)
            stack.callback(lambda: self._transcript.build().write(self.folder / "transcript.json"))
            stack.callback(self._recording.close)
            stack.callback(self._log.close, reason)

    def _restrict(self) -> None:
        if self._private:
            for path in self.folder.iterdir():
                path.chmod(PRIVATE_FILE)
