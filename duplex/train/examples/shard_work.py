"""Long work on all examples of a folder, shard by shard: a run that was stopped goes on with the next shard.

Nothing here depends on what is done with an example.
"""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Final, get_args

from configs.base import ConfigError
from configs.train.examples import ExamplesInfo, Split
from duplex.io.whole_files import write_text
from duplex.train.examples.example import Example
from duplex.train.examples.example_folder import INFO, ExampleFolder, read_shard, write_shard

UNFINISHED: Final = "unfinished.yaml"
"""Stands in the place of `examples.yaml` until all shards are there."""
Work = Callable[[Example], Iterable[Example]]
"""What becomes of an example."""


def work_through(
    source: ExampleFolder,
    out: Path,
    info: ExamplesInfo,
    settings: str,
    work: Work,
    on_example: Callable[[], None] = lambda: None,
) -> dict[Split, int]:
    """Write what becomes of all examples of a folder to another one; returns how many there are.

    Args:
        source, out: the folders.
        info: `examples.yaml` of `out`.
        settings: all that the work depends on, one line; a run goes on only with the same.
        work: see there.
        on_example: called for every example of `source`.

    Raises:
        ConfigError: `out` holds other examples.
    """
    _begin(out, f"# {settings}\n{info.to_yaml()}")
    counts: dict[Split, int] = dict.fromkeys(get_args(Split), 0)
    for split in counts:
        for path in source.shards(split):
            counts[split] += _work_through_shard(path, split, out / path.name, work, on_example)
    write_text(out / INFO, info.to_yaml())
    (out / UNFINISHED).unlink()
    return counts


def _begin(out: Path, mark: str) -> None:
    if (out / INFO).exists():
        raise ConfigError(f"{out}: holds examples already; choose another folder for --out")
    unfinished = out / UNFINISHED
    if unfinished.exists() and unfinished.read_text(encoding="utf-8") != mark:
        raise ConfigError(f"{out}: was begun with other examples or settings; choose another folder for --out")
    out.mkdir(parents=True, exist_ok=True)
    write_text(unfinished, mark)


def _work_through_shard(path: Path, split: Split, target: Path, work: Work, on_example: Callable[[], None]) -> int:
    made: list[Example] = []
    for example in read_shard(path, split):
        if not target.exists():
            made += work(example)
        on_example()
    if target.exists():
        return sum(1 for _ in read_shard(target, split))
    write_shard(target, made)
    return len(made)
