"""Reads secrets from files, and chooses the server's token: from a file or the environment, which no list of processes
shows, or from `--token`."""

import re
from pathlib import Path
from typing import Final

from configs.base import ConfigError

_TOKEN: Final = re.compile(rb"[!-~]+")
_LONGEST: Final = 4096
"""Bytes of a token file."""


def choose_token(token: str | None, file: Path | None) -> str | None:
    """The token of `--token` (or its environment variable) or of `--token-file`; None without either.

    Raises:
        ConfigError: both are given, or the file holds anything but a token.
    """
    if file is None:
        return token
    if token is not None:
        raise ConfigError("--token-file: there is a token from --token or DUPLEX_TOKEN too; give one of them")
    return read_token(file)


def read_token(path: Path) -> str:
    """Read the token of a file, which holds nothing else but white space around it.

    Raises:
        ConfigError: the file cannot be read, or holds something else.
    """
    return read_word(path, "token", "--token-file")


def read_word(path: Path, kind: str, key: str) -> str:
    """Read the one word of a file that keeps it secret.

    Args:
        path: the file. kind: what the word is, for errors. key: the option or key that names the file.

    Raises:
        ConfigError: the file cannot be read, or holds something else; the message does not quote it.
    """
    try:
        with path.open("rb") as file:
            data = file.read(_LONGEST + 1)
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read ({error.strerror}); check {key}") from None
    if len(data) > _LONGEST or not _TOKEN.fullmatch(data.strip()):
        raise ConfigError(f"{path}: holds no {kind}; write one word of visible ASCII characters into it")
    return data.strip().decode("ascii")
