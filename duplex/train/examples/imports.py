"""Imports training data of other projects into a folder of examples.

    import_examples(Path("train.jsonl"), Path("runs/examples"), validation=0.02, language="en")

The format is found by the first row. Nothing here depends on tokenizers or models.
"""

import os
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import chain
from pathlib import Path
from typing import Final

import soundfile

from configs.train.examples import ExamplesInfo, SpeechTokensInfo
from duplex.train.examples import funaudiochat_rows, slam_omni_rows
from duplex.train.examples.example import Example, Turn, choose_split
from duplex.train.examples.example_folder import ExampleWriter
from duplex.train.examples.source_rows import SourceError, SourceRow, read_rows

AUDIO: Final = "audio"
"""Folder of sound that came within rows."""
OnExample = Callable[[], None]


def import_examples(
    source: Path, out: Path, validation: float, language: str = "", on_example: OnExample = lambda: None
) -> ExampleWriter:
    """Write the examples of `source` to a new folder; returns the writer with its counts.

    Args:
        source: a .jsonl or .parquet file, or a folder of them.
        out: the new folder.
        validation: share of the examples that are only measured with.
        language: of the examples, as in ISO 639.
        on_example: called after each.

    Raises:
        ConfigError: the source cannot be used, or the folder holds examples already.
    """
    rows = read_rows(source)
    first = next(rows)
    tokens, examples = _open(first, chain([first], rows), out)
    root = source if source.is_dir() else source.parent
    info = ExamplesInfo(tokens=tokens, audio=os.path.relpath(root, out))
    with ExampleWriter(out, info) as writer:
        for example in examples:
            turns = tuple(_measure(turn, root, example.id) for turn in example.turns)
            split = choose_split(example.id, validation)
            writer.add([replace(example, turns=turns, split=split, language=language)])
            on_example()
    return writer


def _open(first: SourceRow, rows: Iterator[SourceRow], out: Path) -> tuple[SpeechTokensInfo, Iterator[Example]]:
    if funaudiochat_rows.is_row(first):
        return funaudiochat_rows.TOKENS, funaudiochat_rows.read(rows)
    if slam_omni_rows.is_row(first):
        return slam_omni_rows.TOKENS, slam_omni_rows.read(rows, out / AUDIO)
    raise SourceError(
        f"{first.place}: is neither Fun-Audio-Chat's format ('messages' and 'audio') nor SLAM-Omni's ('source_text' "
        "and 'target_text', or 'question' and 'answer'); docs/training.md has both"
    )


def _measure(turn: Turn, root: Path, id: str) -> Turn:
    """The turn with its sound's path from `root`, and its length."""
    if not turn.audio:
        return turn
    path = root / turn.audio
    try:
        seconds = float(soundfile.info(path).duration)
    except (OSError, RuntimeError):
        raise SourceError(f"example {id}: its sound {path} cannot be read; is it there, and a sound file?") from None
    within = path.absolute().is_relative_to(root.absolute())
    return replace(turn, audio=os.path.relpath(path, root) if within else str(path.absolute()), seconds=seconds)
