"""Results of a step, made by hand."""

import numpy as np

from duplex.model.interface import Samples, SlotResult
from tdm.slots import State

SLOT = 4800


def result(slot: int, state: State, event: str = "", pcm: Samples | None = None) -> SlotResult:
    """The result of user slot `slot`; silence where no audio is given."""
    sound = np.zeros(SLOT, dtype=np.float32) if pcm is None else pcm
    tokens = np.zeros((5, 15), dtype=np.int8)
    return SlotResult(slot, 0.5, state, event, 0, (), tokens, sound, None, (), {})


def tone(slot: int, level: float = 0.3, hertz: float = 100.0) -> Samples:
    """Assistant slot `slot` of an endless tone."""
    time = (slot * SLOT + np.arange(SLOT)) / 24_000
    return (level * np.sin(2 * np.pi * hertz * time)).astype(np.float32)


def speak(slot: int, event: str = "") -> SlotResult:
    """Assistant slot `slot + 1` of the tone."""
    return result(slot, State.SPEAK, event, tone(slot + 1))


def mute(slot: int, event: str = "", tail: int = 0) -> SlotResult:
    """A MUTE slot that begins with `tail` faded samples of the tone."""
    pcm = np.zeros(SLOT, dtype=np.float32)
    pcm[:tail] = tone(slot + 1)[:tail] * np.linspace(1, 0, tail, dtype=np.float32)
    return result(slot, State.MUTE, event, pcm)
