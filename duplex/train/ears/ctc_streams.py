"""Training data of CTC ears: clips of the bank in streams, with rooms and noise, as features of the live encoder.

A stream's line is written after its features, so a run that was killed loses at most one stream. Nothing here depends
on spelling.
"""

import json
import random
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import track
from torch import Tensor

from configs.audio import AUDIO
from configs.train.ctc_training import CtcStreamConfig
from configs.train.simulation import SimulationConfig
from duplex.io.whole_files import whole_lines, write_text
from duplex.model.interface import Samples
from duplex.model.stages.encoder import OfflineEncoder
from duplex.model.text.spoken import list_spoken_words
from duplex.train.dialogue.library import TRAINING, BankScript, Library, open_library
from duplex.train.dialogue.microphone import record

_FEATURES, _SEGMENTS = "features.f16", "segments.jsonl"
_BYTES = 2


@dataclass(frozen=True)
class LabelledSegment:
    """A stretch of frames and the words that are said in it, "" if nobody speaks."""

    first: int
    frames: int
    text: str


class FeatureStore:
    """Features of all streams on disk, opened for reading and appending."""

    def __init__(self, folder: Path, dim: int) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._features, self._index, self._dim = folder / _FEATURES, folder / _SEGMENTS, dim
        text = self._index.read_text(encoding="utf-8") if self._index.exists() else ""
        rows = whole_lines(text)
        streams = [json.loads(row) for row in rows]
        self.streams = len(streams)
        self.segments = [LabelledSegment(*values) for stream in streams for values in stream["segments"]]
        self._end = streams[-1]["end"] if streams else 0
        write_text(self._index, "".join(rows))
        with self._features.open("ab") as file:
            file.truncate(self._end * dim * _BYTES)

    def add(self, features: Tensor, segments: Sequence[LabelledSegment]) -> None:
        """Append a stream: features [T, D], and its segments counted from its own beginning."""
        placed = [LabelledSegment(self._end + one.first, one.frames, one.text) for one in segments]
        with self._features.open("ab") as file:
            file.write(features.to(torch.float16).contiguous().numpy().tobytes())
        self._end += len(features)
        row = {"end": self._end, "segments": [[one.first, one.frames, one.text] for one in placed]}
        with self._index.open("a", encoding="utf-8") as file:
            file.write(json.dumps(row) + "\n")
        self.streams += 1
        self.segments += placed

    def frames(self) -> NDArray[np.float16]:
        """All frames [N, D], memory-mapped from disk."""
        return np.memmap(self._features, np.float16, "r", shape=(self._end, self._dim))


def prepare(config: CtcStreamConfig, seed: int, bank: Path, encoder: OfflineEncoder, out: Path) -> FeatureStore:
    """Complete the store in `out`: streams that it lacks are staged and encoded.

    Configuration, seed and bank determine the content of a stream; if one of them changes, use another folder.

    Raises:
        BankError: the clip bank in `bank` lacks something that is required.
    """
    simulation = SimulationConfig(seed=seed, rooms=config.rooms, noises=config.noises, channel=config.channel)
    library = open_library(bank, simulation, TRAINING)
    streams = plan_streams(config, library, random.Random(seed))
    store = FeatureStore(out, int(encoder.encode(torch.zeros(1, AUDIO.slot_input_samples)).shape[-1]))
    for number in track(range(store.streams, len(streams)), "streams", console=Console(stderr=True)):
        rng = random.Random(f"{seed}/{number}")
        samples, segments = stage_stream(config, library, streams[number], rng)
        with torch.inference_mode():
            store.add(encoder.encode(torch.from_numpy(samples)[None])[0], segments)
    return store


def plan_streams(config: CtcStreamConfig, library: Library, rng: random.Random) -> list[list[BankScript]]:
    """Assign scripts to streams."""
    uses = (
        (library.talks, config.talks_s),
        (library.turns, config.turns_s),
        (library.backchannels, config.backchannels_s),
        (library.commands, config.commands_s),
    )
    scripts: list[BankScript] = []
    for spoken, most_s in uses:
        left = most_s
        for script in rng.sample(list(spoken), len(spoken)):
            if left > 0:
                scripts.append(script)
                left -= _seconds(script)
    rng.shuffle(scripts)
    streams: list[list[BankScript]] = [[]]
    for script in scripts:
        if streams[-1] and sum(map(_seconds, streams[-1])) + _seconds(script) > config.stream_s:
            streams.append([])
        streams[-1].append(script)
    return streams


def stage_stream(
    config: CtcStreamConfig, library: Library, scripts: Sequence[BankScript], rng: random.Random
) -> tuple[Samples, list[LabelledSegment]]:
    """Stage a stream of whole slots as the microphone hears it, and its segments."""
    parts, said = [_silence(rng, config.pause)], []
    now = len(parts[0])
    for speech, text in _segments(config, library, scripts, rng):
        said.append((now, now + len(speech), text))
        parts += [speech, _silence(rng, config.pause)]
        now += len(parts[-2]) + len(parts[-1])
    parts.append(np.zeros(-now % AUDIO.slot_input_samples, np.float32))
    segments = [_place(config, *one) for one in said]
    return record(np.concatenate(parts), library, config.channel, rng), segments


def _segments(
    config: CtcStreamConfig, library: Library, scripts: Sequence[BankScript], rng: random.Random
) -> list[tuple[Samples, str]]:
    found = []
    for script in scripts:
        pieces = [piece for line in script.script.lines for piece in line.pieces if piece.length]
        while pieces:
            count = rng.randint(*config.together)
            some, pieces = pieces[:count], pieces[count:]
            text = " ".join(word for piece in some for word in list_spoken_words(piece.text))
            clips = [part for piece in some for part in (script.bank.samples(piece), _silence(rng, config.gap))]
            found.append((np.concatenate(clips[:-1]), text))
            if rng.random() < config.nobody_share:
                found.append((_noise(config, library, rng), ""))
    return found


def _place(config: CtcStreamConfig, start: int, end: int, text: str) -> LabelledSegment:
    """The slots of a segment that sounds from sample `start` to sample `end`."""
    slot, frames = AUDIO.slot_input_samples, AUDIO.packets_per_slot
    first = (start - round(config.lead_s * AUDIO.input_rate)) // slot
    last = (end + round(config.tail_s * AUDIO.input_rate)) // slot
    return LabelledSegment(first * frames, (last - first) * frames, text)


def _noise(config: CtcStreamConfig, library: Library, rng: random.Random) -> Samples:
    sound = np.zeros(round(rng.uniform(*config.nobody_s) * AUDIO.input_rate), np.float32)
    event = rng.choice(library.events)[: len(sound)]
    sound[: len(event)] = event * np.float32(rng.uniform(*config.nobody_level))
    return sound


def _silence(rng: random.Random, seconds: tuple[float, float]) -> Samples:
    return np.zeros(round(rng.uniform(*seconds) * AUDIO.input_rate), np.float32)


def _seconds(spoken: BankScript) -> float:
    return sum(piece.length for line in spoken.script.lines for piece in line.pieces) / AUDIO.input_rate
