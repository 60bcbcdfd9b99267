"""Options that are paths, checked before a command begins: nobody waits for results that cannot be written.

    JsonFile = Annotated[Path | None, new_file("--json", help="Also write the figures to this file.")]

Knows files and folders; knows no commands. Nothing is created.
"""

import tempfile
from pathlib import Path
from typing import Any

import typer

from configs.base import ConfigError
from runtime.cli.values import make_parser


def file(*names: str, help: str, **more: Any) -> Any:
    """An option that takes a file that is there; `more` is passed to `typer.Option`."""
    return typer.Option(*names, parser=make_parser(file_to_read), metavar="FILE", help=help, **more)


def new_file(*names: str, help: str, **more: Any) -> Any:
    """An option that takes a file to write."""
    return typer.Option(*names, parser=make_parser(file_to_write), metavar="FILE", help=help, **more)


def new_folder(*names: str, help: str, **more: Any) -> Any:
    """An option that takes a folder to write to."""
    return typer.Option(*names, parser=make_parser(folder_to_write), metavar="FOLDER", help=help, **more)


def file_to_read(text: str) -> Path:
    """Parse the path of a file that is there.

    Raises:
        ConfigError: there is no such file.
    """
    path = Path(text)
    if _is_folder(path):
        raise ConfigError(f"{text}: is a folder; give a file")
    if not _exists(path):
        raise ConfigError(f"{text}: there is no such file; check the path")
    return path


def file_to_write(text: str) -> Path:
    """Parse the path of a file that can be written, in a folder that can be made if it is not there.

    Raises:
        ConfigError: it cannot.
    """
    path = Path(text)
    if _is_folder(path):
        raise ConfigError(f"{text}: is a folder; give the name of a file")
    if not _exists(path) or path.is_file():  # anything else is a device or a pipe
        _check_place(path.parent)
    return path


def folder_to_write(text: str) -> Path:
    """Parse the path of a folder that files can be written to; it can be made if it is not there.

    Raises:
        ConfigError: it cannot.
    """
    path = Path(text)
    _check_place(path)
    return path


def _check_place(folder: Path) -> None:
    """Check that a file can be made in a folder, or in the nearest one above it that is there."""
    place = next(one for one in (folder, *folder.absolute().parents) if _exists(one))
    if not place.is_dir():
        raise ConfigError(f"{place}: is a file and not a folder; choose another place")
    try:
        with tempfile.TemporaryFile(dir=place):
            pass
    except OSError as error:
        raise ConfigError(f"{place}: cannot be written to ({error.strerror}); choose another place") from None


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except OSError:  # above it is a folder that may not be read
        return False


def _is_folder(path: Path) -> bool:
    try:
        return path.is_dir()
    except OSError:
        return False
