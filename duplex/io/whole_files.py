"""Writes text to files and the terminal safely; a file is either complete or absent.

JSON lines are separated only by line feeds; a name that is not valid text is shown escaped; a file is written next to
its place and renamed when it is complete. Nothing here depends on what a file means.
"""

import codecs
import json
import os
import re
import secrets
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

ESCAPING: Final = "duplex.escaping"
"""Error handler of encoders: characters that cannot be encoded are written as `escape` shows them."""
_SURROGATES = re.compile("[\ud800-\udfff]")
_PARTING = re.compile(r"[/\\\0]")
_LONGEST: Final = 60
_ESCAPED_BYTES = range(0xDC80, 0xDD00)


def escape(text: str) -> str:
    r"""Text that can be encoded: in a file's name a byte that is no UTF-8 becomes `\xff`; other surrogates `\ud800`."""
    return _SURROGATES.sub(lambda found: _show(found[0]), text)


def _show(character: str) -> str:
    number = ord(character)
    if number in _ESCAPED_BYTES:
        return f"\\x{number - 0xDC00:02x}"
    return character.encode("ascii", "backslashreplace").decode("ascii")


def _escape_rest(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    return "".join(map(_show, error.object[error.start : error.end])), error.end


codecs.register_error(ESCAPING, _escape_rest)


def shorten(text: str) -> str:
    """Text from a file for a message: shortened if long, with unprintable characters escaped."""
    cut = text if len(text) <= _LONGEST else f"{text[:_LONGEST]}..."
    return "".join(one if one.isprintable() else repr(one)[1:-1] for one in cut)


def name_within(text: str) -> str:
    """Text from elsewhere as the name of a file or folder, which never leads out of the folder that it is put in."""
    name = _PARTING.sub("_", text)
    return name if name.strip(". ") else f"_{name}"


def json_text(values: Any, **options: Any) -> str:
    """JSON in plain characters that can always be encoded, whatever names it contains; `options` as for `json.dumps`.

    Raises:
        ValueError, TypeError: as `json.dumps`.
    """
    text = json.dumps(values, ensure_ascii=False, **options)
    return _SURROGATES.sub(lambda found: _show(found[0]).replace("\\", "\\\\"), text)


def parse_json(text: str, **options: Any) -> Any:
    """Parse a JSON text; `options` as for `json.loads`.

    Raises:
        ValueError: the text is not JSON, or is nested too deeply to be read.
    """
    try:
        return json.loads(text, **options)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None


def text_lines(text: str) -> list[str]:
    """Split JSON lines, RTTM and the like into lines, which end only with a line feed.

    `str.splitlines` also splits at U+2028, U+0085 and others, which JSON strings may contain. The last line may lack
    its line feed; carriage returns are kept.
    """
    *lines, rest = text.split("\n")
    return [*lines, rest] if rest else lines


def whole_lines(text: str) -> list[str]:
    """The same without a last line whose writing was interrupted; every line keeps its line feed."""
    return [f"{line}\n" for line in text.split("\n")[:-1]]


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yield a path next to `path` to write to, which is renamed to `path` if the block ends without an exception.

    Nobody sees half a file: until then, and after an exception, `path` is unchanged. A link is kept and its target
    replaced; a device or pipe is written to directly.

    Raises:
        OSError: the file cannot be put in its place.
    """
    target = Path(os.path.realpath(path))
    if target.exists() and not target.is_file():
        yield target
        return
    beside = target.with_name(f".{secrets.token_hex(8)}.part")
    try:
        yield beside
        _finish(beside, target)
    finally:
        beside.unlink(missing_ok=True)


def _finish(beside: Path, target: Path) -> None:
    """Flush a complete file to disk and move it to its place."""
    with beside.open("rb+") as file:
        os.fsync(file.fileno())
    if target.exists():
        beside.chmod(target.stat().st_mode & 0o7777)
    beside.replace(target)


def write_text(path: Path, text: str) -> None:
    """Write a whole text file in UTF-8; characters that cannot be encoded are escaped.

    Raises:
        OSError: the file cannot be written; an existing file is untouched.
    """
    with replacing(path) as beside:
        beside.write_text(text, encoding="utf-8", errors=ESCAPING)


def write_json(path: Path, values: Any) -> None:
    """Write plain values as a whole JSON file.

    Raises:
        OSError: the file cannot be written. ValueError, TypeError: as for `json.dumps`.
    """
    write_text(path, json_text(values, indent=1) + "\n")


def write_json_lines(path: Path, rows: Iterable[Any]) -> None:
    """Write plain values as a whole file of JSON lines; errors as for `write_json`."""
    write_text(path, "".join(json_text(row) + "\n" for row in rows))
