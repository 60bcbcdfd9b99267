"""Sounds for the tests of conditions: tones, noise, a room, a data folder, and a user driven slot by slot."""

import json
from pathlib import Path

import numpy as np
import soundfile

from configs.eval.conditions import ConditionsConfig
from configs.eval.evaluation import EvaluationConfig
from duplex.eval.users.clip import Clip
from duplex.eval.users.conditions import Conditions, parse
from duplex.eval.users.user import At, Event, Script, User
from duplex.model.interface import Samples
from tests.duplex.eval.fakes import IN, SLOT_OUT

CONFIG, NUMBERS = EvaluationConfig(), ConditionsConfig()
DELAY = 40
"""Samples before the direct sound in the room's response."""


def tone(hertz: float, seconds: float, rate: int = IN, level: float = 0.2) -> Samples:
    """A sine, [seconds * rate]."""
    return (level * np.sin(2 * np.pi * hertz * np.arange(round(seconds * rate)) / rate)).astype(np.float32)


def hiss(seconds: float, rate: int = IN, rms: float = 0.1, seed: int = 0) -> Samples:
    """White noise, [seconds * rate]."""
    return (rms * np.random.default_rng(seed).standard_normal(round(seconds * rate))).astype(np.float32)


def rms(samples: Samples) -> float:
    """Root mean square."""
    return float(np.sqrt(np.mean(np.square(samples, dtype=np.float64))))


def response() -> Samples:
    """A room: faint noise, the direct sound, an echo, a tail of 0.3 s."""
    tail = hiss(0.3, rms=0.05, seed=5) * np.exp(-np.arange(round(0.3 * IN)) / 800).astype(np.float32)
    tail[0], tail[300] = 1.0, -0.4
    return np.concatenate([hiss(DELAY / IN, rms=0.001), tail]).astype(np.float32) * np.float32(0.5)


def write_sounds(folder: Path) -> Path:
    """A data folder with two noises of 5 s, one of 0.5 s, and two rooms."""
    sounds = {
        "noise/hiss.wav": hiss(5.0),
        "noise/short.wav": hiss(0.5),
        "noise/other.wav": hiss(5.0, seed=1),
        "rir/room.wav": response(),
        "rir/open.wav": np.array([0.5], np.float32),
    }
    for name, samples in sounds.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        soundfile.write(folder / name, samples, IN, subtype="FLOAT")
    (folder / "manifest.jsonl").write_text("".join(json.dumps({"file": name}) + "\n" for name in sounds))
    return folder


def clip_of(path: Path, samples: Samples) -> Clip:
    """A clip of exactly these samples."""
    soundfile.write(path, samples, IN, subtype="FLOAT")
    return Clip(path, exact=True)


def script_of(clip: Clip, *seconds: float, silence_s: float = 1.0) -> Script:
    """The clip at these times, then silence."""
    return Script(tuple(Event(str(number), clip, At(at)) for number, at in enumerate(seconds)), silence_s)


def user_under(data: Path, script: Script, *conditions: str, seed: int = 0) -> User:
    """A user under one condition."""
    (condition,) = parse(conditions)
    return Conditions.of(condition, data, NUMBERS).user(script, CONFIG, seed)


def hear(user: User, assistant: Samples | None = None) -> Samples:
    """The whole channel while the assistant says this, [n] at 24 kHz, and then nothing."""
    said = np.zeros(0, np.float32) if assistant is None else assistant
    slots: list[Samples] = []
    while True:
        piece = said[len(slots) * SLOT_OUT : (len(slots) + 1) * SLOT_OUT]
        slot = user.next_slot(np.pad(piece, (0, SLOT_OUT - len(piece))))
        if slot is None:
            return np.concatenate(slots)
        slots.append(slot)
