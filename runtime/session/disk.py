"""Checks the disk on which conversations are stored, and reports its errors in one line.

This module handles folders and system errors, whatever is written.
"""

import errno
import shutil
import tempfile
from pathlib import Path

from configs.base import ConfigError
from configs.runtime.runtime import RecordingConfig
from runtime.errors import DiskFull, DuplexError, LogError

PRIVATE_FOLDER, PRIVATE_FILE = 0o700, 0o600
"""Modes of what is kept of conversations."""
_FULL = (errno.ENOSPC, errno.EDQUOT)


def check_folder(config: RecordingConfig) -> None:
    """Check that conversations can be kept in the configured folder; does nothing if none are kept.

    Raises:
        ConfigError: the folder is a file, or cannot be made or written to. DiskFull: its disk is full.
    """
    if not config.enabled:
        return
    folder = config.folder
    if folder.exists() and not folder.is_dir():
        raise ConfigError(f"{folder}: is a file and not a folder; choose another one with --recordings")
    try:
        folder.mkdir(PRIVATE_FOLDER, parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder) as file:
            file.write(b"\0")
    except OSError as error:
        if is_full(error):
            raise disk_full(folder) from None
        raise ConfigError(
            f"{folder}: recordings cannot be kept there ({error.strerror}); choose another folder with --recordings, "
            "or --no-record"
        ) from None
    check_room(folder, config)


def check_room(folder: Path, config: RecordingConfig) -> None:
    """Check that the disk of `folder`, which exists, has room for one more conversation.

    Raises:
        DiskFull: there is no room.
    """
    if shutil.disk_usage(folder).free < config.min_free_bytes:
        raise disk_full(folder)


def disk_full(folder: Path) -> DiskFull:
    """The error for one recording too many."""
    return DiskFull(f"the disk is full: {folder} takes no more recordings; free some space, or serve with --no-record")


def is_full(error: OSError) -> bool:
    """Whether the disk, or the user's share of it, has no room left."""
    return error.errno in _FULL


def disk_error(path: Path, error: OSError, kind: type[DuplexError] = LogError) -> DuplexError:
    """Convert a system error while a file or folder of a conversation is made; the result is of `kind` unless the disk
    is full."""
    if is_full(error):
        return disk_full(path)
    return kind(f"{path}: cannot be written ({error.strerror}); choose another folder")
