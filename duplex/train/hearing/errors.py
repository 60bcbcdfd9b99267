"""Recipe: what the embedded Whisper makes of spoken texts, in bulk; the mind learns to live with its errors.

Knows files of clips and the recognizer; knows nothing of what the pairs are used for.
"""

import json
import random
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import islice
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from rich.progress import track
from safetensors.torch import load_file

from configs.audio import AUDIO
from configs.hearing import RecognitionConfig
from configs.model import EarsConfig
from duplex.ears import CONFIG, VOCABULARY, WEIGHTS
from duplex.stages.whisper_decoding import Whisper, load_whisper
from duplex.text.spoken import spoken_words
from duplex.text.whisper_vocabulary import WhisperVocabulary
from duplex.train.speech.bank import BankPart, Line

Samples = NDArray[np.float32]


@dataclass(frozen=True)
class Pair:
    """Words that were said and words that were heard, both as spoken."""

    said: list[str]
    heard: list[str]


def run(config: RecognitionConfig, bank: Path, ears: Path, out: Path) -> None:
    """Recognise lines of the clip bank and append a pair per line to `out`; lines that `out` already has are skipped.

    Args:
        config: which lines, and how they are recognised.
        bank: folder of the clip bank.
        ears: folder of the hearing half's weights.
        out: JSON lines with "said" and "heard", in the order of `lines`.

    Raises:
        ConfigError: a file of the ears is missing or cannot be read. BankError: a part of the bank is missing.
    """
    whisper = embedded_whisper(ears)
    done = len(out.read_text(encoding="utf-8").splitlines()) if out.exists() else 0
    todo = lines(config, bank)[done:]
    with out.open("a", encoding="utf-8") as file:
        for first in track(range(0, len(todo), config.window), description="recognising"):
            texts, clips = zip(*(clip() for clip in todo[first : first + config.window]), strict=True)
            for pair in pairs(whisper, texts, clips, config):
                file.write(json.dumps({"said": " ".join(pair.said), "heard": " ".join(pair.heard)}) + "\n")
            file.flush()


def lines(config: RecognitionConfig, bank: Path) -> list[Callable[[], tuple[str, Samples]]]:
    """Ways to read the text and the speech of the lines, drawn by `config.seed` from its parts."""
    parts = [BankPart(bank, name) for name in config.parts]
    every = [(part, line) for part in parts for script in part.scripts for line in script.lines]
    every = [one for one in every if _seconds(one[1]) <= config.longest_s]
    chosen = random.Random(config.seed).sample(every, min(config.most, len(every)))
    return [partial(_speech, part, line) for part, line in chosen]


def pairs(
    whisper: Whisper, texts: Iterable[str], clips: Iterable[Samples], config: RecognitionConfig
) -> Iterator[Pair]:
    """Said and heard words of clips (mono, 16 kHz, -1..1), in their order."""
    texts, clips = iter(texts), iter(clips)
    while some := list(islice(clips, config.window)):
        heard = recognise(whisper, some, config)
        for text, transcript in zip(islice(texts, len(some)), heard, strict=True):
            yield Pair(spoken_words(text), spoken_words(transcript))


def recognise(whisper: Whisper, clips: Sequence[Samples], config: RecognitionConfig) -> list[str]:
    """Transcripts of clips (mono, 16 kHz, -1..1) as Whisper writes them, in their order; "" where it hears nobody."""
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
            if whisper.believed(transcript):
                texts[index] = whisper.vocabulary.text(transcript.tokens).strip()
    return texts


def embedded_whisper(folder: Path) -> Whisper:
    """The recognizer of a folder that `duplex train hearing export` wrote.

    Raises:
        ConfigError: a file is missing or broken.
    """
    config = EarsConfig.from_yaml(folder / CONFIG).words.transcriber
    vocabulary = WhisperVocabulary.load(folder / VOCABULARY)
    return load_whisper(load_file(folder / WEIGHTS), vocabulary, config.shape, config.decoding)


def _speech(part: BankPart, line: Line) -> tuple[str, Samples]:
    return line.text, np.concatenate([part.samples(piece) for piece in line.pieces])


def _seconds(line: Line) -> float:
    return sum(piece.length for piece in line.pieces) / AUDIO.input_rate
