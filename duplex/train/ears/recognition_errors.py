"""Recipe: transcribes spoken texts in bulk with the embedded Whisper, so that the mind can learn to cope with its
errors.

This module uses files of clips and the recognizer; it does not depend on the use of the pairs.
"""

import json
import random
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np
import soxr
import torch
from rich.progress import track
from safetensors.torch import load_file

from configs.audio import AUDIO
from configs.model.model import EarsConfig
from configs.train.ears import RecognitionConfig
from duplex.io.whole_files import whole_lines, write_text
from duplex.model.interface import Samples
from duplex.model.layouts.tdm.ears import CONFIG, VOCABULARY, WEIGHTS
from duplex.model.stages.whisper_decoding import Whisper, load_whisper
from duplex.model.text.spoken import list_spoken_words
from duplex.model.text.whisper_vocabulary import WhisperVocabulary
from duplex.train.speech.bank import BankPart, Line


@dataclass(frozen=True)
class Pair:
    """Words that were said and words that were heard, both as spoken."""

    said: list[str]
    heard: list[str]


def run(config: RecognitionConfig, bank: Path, ears: Path, out: Path) -> None:
    """Recognise lines of the clip bank and append a pair per line to `out`; lines that `out` already has are skipped.

    A line that does not depend on anything before it keeps its answer, so that questions can be taught as they were
    heard.

    Args:
        config: which lines, and how they are recognised.
        bank: folder of the clip bank.
        ears: folder of the ears' weights.
        out: JSON lines with "said", "heard" and, if a line stands alone, "answer", "kind", "key" and "long", in the
            order of `lines`.

    Raises:
        ConfigError: a file of the ears is missing or cannot be read. BankError: a part of the bank is missing.
    """
    whisper = load_embedded_whisper(ears)
    done = whole_lines(out.read_text(encoding="utf-8")) if out.exists() else []
    write_text(out, "".join(done))
    todo = lines(config, bank)[len(done) :]
    with out.open("a", encoding="utf-8") as file:
        for first in track(range(0, len(todo), config.window), description="recognising"):
            some = todo[first : first + config.window]
            found = pairs(whisper, (one.line.text for one in some), (one.samples() for one in some), config)
            for one, pair in zip(some, found, strict=True):
                row = {"said": " ".join(pair.said), "heard": " ".join(pair.heard)}
                file.write(json.dumps(row | (one.exchange() if one.alone else {})) + "\n")
            file.flush()


@dataclass(frozen=True)
class BankLine:
    """A line of the bank at a speed; `alone`: its answer does not depend on anything before it."""

    part: BankPart
    line: Line
    alone: bool
    speed: float

    @property
    def seconds(self) -> float:
        """Its length in seconds."""
        return sum(piece.length for piece in self.line.pieces) / self.speed / AUDIO.input_rate

    def samples(self) -> Samples:
        """The whole line, [N] float32, 16 kHz."""
        whole = np.concatenate([self.part.samples(piece) for piece in self.line.pieces])
        return whole if self.speed == 1 else np.asarray(soxr.resample(whole, self.speed, 1.0), np.float32)

    def exchange(self) -> dict[str, str | bool]:
        """The right answer."""
        line = self.line
        return {"answer": line.answer, "kind": line.kind, "key": line.key, "long": line.long}


def lines(config: RecognitionConfig, bank: Path) -> list[BankLine]:
    """The lines of the parts at every speed, drawn by `config.seed`."""
    every = [
        BankLine(part, line, alone=len(script.lines) == 1 and bool(line.answer), speed=speed)
        for part in (BankPart(bank, name) for name in config.parts)
        for script in part.scripts
        for line in script.lines
        for speed in config.speeds
    ]
    short = [one for one in every if one.seconds <= config.longest_s]
    return random.Random(config.seed).sample(short, min(config.most, len(short)))


def pairs(
    whisper: Whisper, texts: Iterable[str], clips: Iterable[Samples], config: RecognitionConfig
) -> Iterator[Pair]:
    """Said and heard words of clips (mono, 16 kHz, -1..1), in order."""
    texts, clips = iter(texts), iter(clips)
    while some := list(islice(clips, config.window)):
        heard = recognise(whisper, some, config)
        for text, transcript in zip(islice(texts, len(some)), heard, strict=True):
            yield Pair(list_spoken_words(text), list_spoken_words(transcript))


def recognise(whisper: Whisper, clips: Sequence[Samples], config: RecognitionConfig) -> list[str]:
    """Transcribe clips (mono, 16 kHz, -1..1) in order, as Whisper writes them; "" if it hears nobody."""
    lead = round(config.lead_s * AUDIO.input_rate)
    order = sorted(range(len(clips)), key=lambda index: len(clips[index]))
    texts = [""] * len(clips)
    for first in range(0, len(order), config.batch):
        some = order[first : first + config.batch]
        pcm = torch.zeros(len(some), lead + max(len(clips[index]) for index in some))
        for place, index in enumerate(some):
            pcm[place, lead : lead + len(clips[index])] = torch.from_numpy(clips[index])
        seconds = [(lead + len(clips[index])) / AUDIO.input_rate for index in some]
        for index, transcript in zip(some, whisper.transcribe(pcm, seconds), strict=True):
            if whisper.is_believed(transcript):
                texts[index] = whisper.vocabulary.text(transcript.tokens).strip()
    return texts


def load_embedded_whisper(folder: Path) -> Whisper:
    """Load the recognizer from a folder that `duplex train hearing export` wrote.

    Raises:
        ConfigError: a file is missing or broken.
    """
    config = EarsConfig.from_yaml(folder / CONFIG).words.transcriber
    vocabulary = WhisperVocabulary.load(folder / VOCABULARY)
    return load_whisper(load_file(folder / WEIGHTS), vocabulary, config.shape, config.decoding)
