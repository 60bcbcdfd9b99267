"""Compares sources of words on voices that none of them were trained on: word errors, and when words are known.

This module uses folders of ears, the clip bank's test parts and the data folder; it does not depend on how sources
work.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.progress import track

from configs.train.ctc_training import SourcesConfig
from duplex.eval.measures.judge import word_errors
from duplex.eval.users.clip import read_sound
from duplex.eval.users.data_folder import ANSWER_MARK, DataFolder
from duplex.io.whole_files import write_text
from duplex.model.interface import Samples
from duplex.model.layouts.tdm.ears import EmbeddedEars
from duplex.model.text.spoken import list_spoken_words
from duplex.train.ears.slot_listener import as_conversation, listen, speech_end_s
from duplex.train.speech.bank import BankError, BankPart

Figures = dict[str, Any]


@dataclass(frozen=True)
class LabelledClip:
    """A clip [N] at 16 kHz and its words."""

    samples: Samples
    words: str


def run(config: SourcesConfig, folders: Sequence[Path], bank: Path, data: Path, out: Path) -> Figures:
    """Measure the source of each folder of ears on every set, print the figures and write them to `out`.

    A part of the clip bank that was not spoken is left out, and so is the data if its folder is missing.

    Raises:
        ConfigError: a folder of ears cannot be read.
        EvaluationError: the data folder is incomplete.
    """
    sources = {f"{folder}": EmbeddedEars.load(folder) for folder in folders}
    figures: Figures = {}
    for name, said in _sets(config, bank, data):
        figures[name] = {place: measure_source(config, ears, said, name) for place, ears in sources.items()}
        out.parent.mkdir(parents=True, exist_ok=True)
        write_text(out, json.dumps(figures, indent=2) + "\n")
    for line in lines(figures):
        Console().print(line, markup=False, highlight=False, soft_wrap=True)
    return figures


def measure_source(config: SourcesConfig, ears: EmbeddedEars, said: Sequence[LabelledClip], name: str) -> Figures:
    """Word errors of one source, slot by slot, and the delay from the end of speech to the last word. The word error
    rate is (substitutions + deletions + insertions) / words said."""
    wrong = words = unheard = 0
    delays = []
    source = ears.config.words.source
    for one in track(said, f"{name}: {source}", console=Console(stderr=True)):
        told = listen(ears, as_conversation(one.samples, config.listening))
        errors = word_errors(one.words, " ".join(part.words.text for part in told))
        wrong, words = wrong + errors.errors, words + errors.words
        unheard += not told
        end_s = config.listening.lead_s + speech_end_s(one.samples)
        delays += [told[-1].at_s - end_s] if told else []
    p50, p95 = np.percentile(delays, [50, 95]).round(2).tolist() if delays else (None, None)
    figures = {"source": source, "n": len(said), "words": words, "wrong": wrong, "rate": round(wrong / words, 4)}
    return figures | {"unheard": unheard, "last_word_after_end_s": {"p50": p50, "p95": p95}}


def lines(figures: Figures) -> Iterator[str]:
    """The figures as text, one line for each set and source; the best source of a set is marked."""
    for name, by_ears in figures.items():
        best = min(one["rate"] for one in by_ears.values())
        for place, one in by_ears.items():
            mark, delay = "*" if one["rate"] == best else " ", one["last_word_after_end_s"]
            yield (
                f"{name:20} {one['source']:12} {100 * one['rate']:5.1f} % wrong {mark} "
                f"n {one['n']}, {one['words']} words, nothing heard in {one['unheard']}, "
                f"last word {delay['p50']} / {delay['p95']} s after the end  {place}"
            )


def _sets(config: SourcesConfig, bank: Path, data: Path) -> Iterator[tuple[str, list[LabelledClip]]]:
    for part in config.parts:
        try:
            said = list(islice(_read_lines(BankPart(bank, part)), config.most))
        except BankError as error:
            Console(stderr=True).print(f"{part} is left out: {error}", markup=False, soft_wrap=True)
            continue
        yield part, said
    if not data.is_dir():
        Console(stderr=True).print(f"{data} does not exist: {', '.join(config.sets)} left out", soft_wrap=True)
        return
    for name in config.sets:
        files = [file for file in DataFolder(data).files(name) if file.text.strip()]
        words = (_words(file.text.split(ANSWER_MARK)[0]) for file in files)
        clips = (LabelledClip(read_sound(file.path), text) for file, text in zip(files, words, strict=True))
        yield name, list(islice(clips, config.most))


def _read_lines(part: BankPart) -> Iterator[LabelledClip]:
    """The lines of a part, in order."""
    for script in part.scripts:
        for line in script.lines:
            pieces = [piece for piece in line.pieces if piece.length]
            if pieces:
                samples = np.concatenate([part.samples(piece) for piece in pieces])
                yield LabelledClip(samples, _words(" ".join(piece.text for piece in pieces)))


def _words(text: str) -> str:
    return " ".join(list_spoken_words(text))
