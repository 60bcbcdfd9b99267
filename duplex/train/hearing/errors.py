"""Recipe: what the embedded Whisper makes of spoken texts, in bulk; the mind learns to live with its errors.

Knows files of clips and the recognizer; knows nothing of what the pairs are used for.
"""

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np
import soundfile
import soxr
import torch
from numpy.typing import NDArray
from rich.progress import track
from safetensors.torch import load_file

from configs.audio import AUDIO
from configs.base import ConfigError
from configs.hearing import RecognitionConfig
from configs.model import EarsConfig
from duplex.ears import CONFIG, VOCABULARY, WEIGHTS
from duplex.stages.whisper_decoding import Whisper, load_whisper
from duplex.text.spoken import spoken_words
from duplex.text.whisper_vocabulary import WhisperVocabulary

Samples = NDArray[np.float32]


@dataclass(frozen=True)
class Pair:
    """Words that were said and words that were heard, both as spoken."""

    said: list[str]
    heard: list[str]


def run(config: RecognitionConfig, rows: Path, ears: Path, out: Path) -> None:
    """Recognise the clips of a list and append a pair per clip to `out`; clips that `out` already has are skipped.

    Args:
        config: of the recognition.
        rows: JSON lines with "wav" (a path, relative to the list's folder) and "text".
        ears: folder of the hearing half's weights.
        out: JSON lines with "said" and "heard", in the order of `rows`.

    Raises:
        ConfigError: a file is missing or cannot be read.
    """
    whisper = embedded_whisper(ears)
    done = len(out.read_text(encoding="utf-8").splitlines()) if out.exists() else 0
    todo = _rows(rows)[done:]
    with out.open("a", encoding="utf-8") as file:
        for first in track(range(0, len(todo), config.window), description="recognising"):
            some = todo[first : first + config.window]
            clips = [read_clip(rows.parent / row["wav"]) for row in some]
            for pair in pairs(whisper, [row["text"] for row in some], clips, config):
                file.write(json.dumps({"said": " ".join(pair.said), "heard": " ".join(pair.heard)}) + "\n")
            file.flush()


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


def read_clip(path: Path) -> Samples:
    """Audio of a file, mono at 16 kHz.

    Raises:
        ConfigError: the file is missing or is no audio.
    """
    try:
        samples, rate = soundfile.read(path, dtype="float32", always_2d=True)
    except (OSError, soundfile.LibsndfileError) as error:
        raise ConfigError(f"{path}: no audio can be read ({error}); check the path") from None
    mono: Samples = soxr.resample(samples.mean(axis=1), rate, AUDIO.input_rate).astype(np.float32)
    return mono


def _rows(path: Path) -> list[dict[str, str]]:
    try:
        return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    except (OSError, ValueError) as error:
        raise ConfigError(f"{path}: no list of clips can be read ({error}); check the path") from None
