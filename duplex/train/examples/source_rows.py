"""Rows of JSON lines and Parquet files of other projects, with the place where each stands.

Nothing here depends on what the rows mean.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.parquet as pq

from configs.base import ConfigError
from duplex.io.whole_files import parse_json

LONGEST_LINE: Final = 10_000_000
"""Bytes of a line of JSON."""
_ENDINGS: Final = (".jsonl", ".parquet")


class SourceError(ConfigError):
    """A file of another project cannot be used. The message says where, why and how to fix it."""


@dataclass(frozen=True)
class SourceRow:
    """One row. `place`: file and number, for errors. `folder`: that of its file."""

    values: dict[str, Any]
    place: str
    folder: Path

    def text(self, name: str) -> str:
        """The text of a field; "" where it is absent or null.

        Raises:
            SourceError: it is no text.
        """
        value = self.values.get(name)
        if value is not None and not isinstance(value, str):
            raise SourceError(f"{self.place}: '{name}' is no text; is this file of that format?")
        return value or ""


def read_rows(source: Path) -> Iterator[SourceRow]:
    """All rows of a file, or of all files of a folder in the order of their names.

    Raises:
        SourceError: there are none, or a file is broken.
    """
    files = sorted(one for one in source.iterdir() if one.suffix in _ENDINGS) if source.is_dir() else [source]
    if not files or files[0].suffix not in _ENDINGS:
        raise SourceError(f"{source}: is no .jsonl or .parquet file, and no folder with such files; give one")
    empty = True
    for file in files:
        for row in _read_parquet(file) if file.suffix == ".parquet" else _read_json_lines(file):
            empty = False
            yield row
    if empty:
        raise SourceError(f"{source}: holds no rows; download it again")


def _read_json_lines(file: Path) -> Iterator[SourceRow]:
    try:
        with file.open("rb") as lines:
            number = 0
            while line := lines.readline(LONGEST_LINE + 1):
                number += 1
                if line.strip():
                    yield SourceRow(_parse(line, f"{file}:{number}"), f"{file}:{number}", file.parent)
    except OSError as error:
        raise SourceError(f"{file}: cannot be read ({error.strerror}); check the path") from None


def _parse(line: bytes, place: str) -> dict[str, Any]:
    if len(line) > LONGEST_LINE:
        raise SourceError(f"{place}: is longer than {LONGEST_LINE} bytes; is this a file of JSON lines?")
    try:
        values = parse_json(line.decode())
    except ValueError as error:
        raise SourceError(f"{place}: is not valid JSON ({' '.join(str(error).split())}); download it again") from None
    if not isinstance(values, dict):
        raise SourceError(f"{place}: is no JSON object; is this a file of training data?")
    return values


def _read_parquet(file: Path) -> Iterator[SourceRow]:
    try:
        number = 0
        for batch in pq.ParquetFile(file).iter_batches(batch_size=16):
            for values in batch.to_pylist():
                number += 1
                yield SourceRow(values, f"{file}, row {number}", file.parent)
    except (OSError, pa.ArrowException) as error:
        raise SourceError(f"{file}: cannot be read ({' '.join(str(error).split())}); download it again") from None
