"""Scores a folder in the layout of Full-Duplex-Bench by our definitions of its v1 tasks.

Its own scorers must find the same in the same folder (`duplex.eval.exchange.fdb_agreement`). This module handles the
layout; the rules are in `duplex.eval.protocols.full_duplex_bench`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from configs.eval.protocols import FullDuplexBenchConfig
from duplex.eval.errors import EvaluationError
from duplex.eval.exchange.labels import seconds_of
from duplex.eval.protocols.full_duplex_bench import (
    Sample,
    average_published_latency,
    average_signed_latency,
    takeover,
    takeover_rate,
    turn_taking,
)
from duplex.eval.suite import Facts
from duplex.io.whole_files import parse_json, shorten


@dataclass(frozen=True)
class Chunk:
    """A word from a recogniser; `end` is None if the recogniser did not give it."""

    text: str
    start: float
    end: float | None


@dataclass(frozen=True)
class FolderScores:
    """Samples by name; `timed`: those with an annotated end of the user's turn."""

    samples: dict[str, Sample]
    timed: tuple[str, ...]

    def figures(self) -> Facts:
        """Takeover rate and latencies; None if there is nothing to average."""
        samples = list(self.samples.values())
        timed = [self.samples[name] for name in self.timed]
        return {
            "samples": len(samples),
            "takeover rate": takeover_rate(samples),
            "latency as published, s": average_published_latency(timed),
            "latency signed, s": average_signed_latency(timed),
        }


def scores(root: Path, config: FullDuplexBenchConfig) -> FolderScores:
    """Score every sample with an output.json in ROOT/ID/.

    Raises:
        EvaluationError: there is no sample, or a file does not have the right format.
    """
    folders = sorted(path.parent for path in root.glob("*/output.json"))
    if not folders:
        raise EvaluationError(f"{root}: holds no ID/output.json; give the folder of one task of Full-Duplex-Bench")
    ends = {folder.name: _user_end(folder) for folder in folders}
    samples = {folder.name: _sample(_words(folder), ends[folder.name], config) for folder in folders}
    return FolderScores(samples, tuple(name for name, end in ends.items() if end is not None))


def _sample(words: Sequence[Chunk], user_end: float | None, config: FullDuplexBenchConfig) -> Sample:
    return Sample(takeover(words, config), None) if user_end is None else turn_taking(words, user_end, config)


def _words(folder: Path) -> list[Chunk]:
    path = folder / "output.json"
    try:
        return [_chunk(chunk, path) for chunk in _read(path)["chunks"]]
    except (LookupError, TypeError, ValueError) as error:
        why = shorten(repr(error))
        raise EvaluationError(
            f"{path}: holds no words with times ({why}); make it with the benchmark's asr.py"
        ) from None


def _chunk(values: Any, path: Path) -> Chunk:
    start, end = values["timestamp"]
    what = f"{path}: a time of a word"
    return Chunk(str(values["text"]), seconds_of(start, what), None if end is None else seconds_of(end, what))


def _user_end(folder: Path) -> float | None:
    """End of the first turn or of the interruption; None if neither is annotated."""
    for name, place in (("turn_taking.json", 0), ("interrupt.json", 1)):
        path = folder / name
        if path.is_file():
            try:
                return seconds_of(_read(path)[0]["timestamp"][place], f"{path}: the user's end")
            except (LookupError, TypeError) as error:
                raise EvaluationError(
                    f"{path}: has no time ({shorten(repr(error))}); get the annotation again"
                ) from None
    return None


def _read(path: Path) -> Any:
    try:
        return parse_json(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise EvaluationError(f"{path}: cannot be read as JSON ({error}); get the folder again") from None
