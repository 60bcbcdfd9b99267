"""A folder of examples: Parquet shards, `examples.yaml`, and sound files beside them.

    examples.yaml               what the speech tokens are, where the sound lies
    train-00000.parquet         up to `SHARD` examples; validation-00000.parquet: those that are only measured with

A row has the fields of `Example`, its turns as a list of structs with the fields of `Turn`. A shard is either complete
or absent. Nothing here depends on where examples come from or on what they are used for.
"""

import os
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final, get_args

import pyarrow as pa
import pyarrow.parquet as pq

from configs.base import ConfigError
from configs.model.patterns import Pattern
from configs.train.examples import ExamplesInfo, SpeechTokensInfo, Split
from duplex.io.whole_files import replacing, write_text
from duplex.train.examples.example import Example, ExampleError, Turn

INFO: Final = "examples.yaml"
SHARD: Final = 10_000
"""Examples of a shard."""
_TURN: Final = pa.struct(
    [
        ("role", pa.string()),
        ("text", pa.string()),
        ("audio", pa.string()),
        ("seconds", pa.float64()),
        ("tokens", pa.list_(pa.int32())),
        ("start_ms", pa.int32()),
        ("heard_ms", pa.int32()),
    ]
)
SCHEMA: Final = pa.schema(
    [
        ("id", pa.string()),
        ("language", pa.string()),
        ("system", pa.string()),
        ("pattern", pa.string()),
        ("turns", pa.list_(_TURN)),
    ]
)
"""Columns of a shard."""


class ExampleFolder:
    """A folder of examples, opened for reading."""

    def __init__(self, folder: Path) -> None:
        """
        Raises:
            ConfigError: it is not such a folder, or one of another version.
        """
        if not (folder / INFO).exists():
            raise ConfigError(f"{folder}: has no {INFO}; make one with 'duplex data import'")
        self.folder = folder
        self.info = ExamplesInfo.from_yaml(folder / INFO)

    def read(self, split: Split) -> Iterator[Example]:
        """The examples of a split, in their order.

        Raises:
            ExampleError: a shard is broken, or an example in it.
        """
        for path in self.shards(split):
            yield from read_shard(path, split)

    def count(self, split: Split) -> int:
        """Number of examples of a split.

        Raises:
            ExampleError: a shard is broken.
        """
        try:
            return sum(pq.read_metadata(path).num_rows for path in self.shards(split))
        except (OSError, pa.ArrowException) as error:
            raise ExampleError(f"{self.folder}: a shard cannot be read ({' '.join(str(error).split())})") from None

    def shards(self, split: Split) -> list[Path]:
        """The files of a split."""
        return sorted(self.folder.glob(f"{split}-*.parquet"))

    @property
    def tokens(self) -> SpeechTokensInfo:
        """What the speech tokens are.

        Raises:
            ExampleError: there are none yet.
        """
        if self.info.tokens is None:
            raise ExampleError(f"{self.folder}: its examples have no speech tokens; import some that have")
        return self.info.tokens

    def info_for(self, other: Path) -> ExamplesInfo:
        """`examples.yaml` of another folder with examples of the same sound and tokens."""
        return self.info.model_copy(update={"audio": os.path.relpath(self.folder / self.info.audio, other)})

    def sound(self, turn: Turn) -> Path:
        """The sound file of a turn that has one."""
        return self.folder / self.info.audio / turn.audio


def read_shard(path: Path, split: Split) -> Iterator[Example]:
    """The examples of a shard.

    Raises:
        ExampleError: it is broken, or an example in it.
    """
    try:
        file = pq.ParquetFile(path)
        if not file.schema_arrow.equals(SCHEMA):
            raise ExampleError(f"{path}: has other columns than a shard of examples; make it again")
        for batch in file.iter_batches(batch_size=100):
            yield from (_example(row, split, path) for row in batch.to_pylist())
    except (OSError, pa.ArrowException) as error:
        raise ExampleError(f"{path}: cannot be read ({' '.join(str(error).split())}); make it again") from None


def write_shard(path: Path, examples: Iterable[Example]) -> None:
    """Write a shard; it is complete or absent.

    Raises:
        OSError: the disk does not take it.
    """
    with replacing(path) as unfinished:
        pq.write_table(pa.Table.from_pylist([_row(one) for one in examples], SCHEMA), unfinished)


class ExampleWriter:
    """Writes examples to a new folder, a context manager: at its end the folder is complete."""

    def __init__(self, folder: Path, info: ExamplesInfo, shard: int = SHARD) -> None:
        """
        Raises:
            ConfigError: the folder has examples already.
        """
        if any(folder.glob("*.parquet")) or (folder / INFO).exists():
            raise ConfigError(f"{folder}: holds examples already; choose another folder for --out")
        self.folder, self._info, self._shard = folder, info, shard
        self.counts: dict[Split, int] = {"train": 0, "validation": 0}
        self._waiting: dict[Split, list[Example]] = {"train": [], "validation": []}

    def __enter__(self) -> "ExampleWriter":
        self.folder.mkdir(parents=True, exist_ok=True)
        return self

    def __exit__(self, kind: object, *rest: object) -> None:
        if kind is None:
            for split in get_args(Split):
                self._write(split)
            write_text(self.folder / INFO, self._info.to_yaml())

    def add(self, examples: Iterable[Example]) -> None:
        """Write examples.

        Raises:
            ExampleError: one is not a dialogue.
        """
        for example in examples:
            example.check()
            self._waiting[example.split].append(example)
            self.counts[example.split] += 1
            if len(self._waiting[example.split]) == self._shard:
                self._write(example.split)

    def _write(self, split: Split) -> None:
        examples, self._waiting[split] = self._waiting[split], []
        if not examples:
            return
        number = -(-self.counts[split] // self._shard) - 1
        write_shard(self.folder / f"{split}-{number:05d}.parquet", examples)


def _row(example: Example) -> dict[str, Any]:
    turns = [asdict(turn) for turn in example.turns]
    pattern = example.pattern and example.pattern.value
    return {
        "id": example.id,
        "language": example.language,
        "system": example.system,
        "pattern": pattern,
        "turns": turns,
    }


def _example(row: dict[str, Any], split: Split, path: Path) -> Example:
    try:
        turns = tuple(Turn(**{**turn, "tokens": tuple(turn["tokens"])}) for turn in row["turns"])
        pattern = None if row["pattern"] is None else Pattern.by_name(row["pattern"])
        example = Example(row["id"], turns, split, row["language"], row["system"], pattern)
    except TypeError:
        raise ExampleError(f"{path}: a row has empty fields; make the shard again") from None
    except ConfigError as error:
        raise ExampleError(f"{path}: {error}") from None
    example.check()
    return example
