"""A made-up utterance for the tests of the voice's recipes."""

import numpy as np

from duplex.model.text.lexicon import Lexicon
from duplex.model.text.phonemes import END, START, Unit
from duplex.train.voice.teacher_shards import Utterance, units_of
from tests.duplex.model.stages.voices import WORDS

ITEMS = ("hello", "the", "cat", "sat", ",", "the", "strawberries", "sat", ".")


def utterance(items: tuple[str, ...] = ITEMS, unit_ms: float = 50.0) -> Utterance:
    """Every unit lasts `unit_ms`; the bands of frame n hold the number n."""
    units, owners = units_of(items, Lexicon(WORDS))
    whole = [Unit(START), *units, Unit(END)]
    frames = round(len(whole) * unit_ms * 0.075)
    bands = np.repeat(np.arange(frames)[:, None] / 100, 98, 1).astype(np.float16)
    return Utterance(
        items=items,
        bands=bands,
        units=np.array([unit.place for unit in whole]),
        stress=np.array([unit.stress for unit in whole]),
        owners=np.array([0, *owners, len(items)]),
        milliseconds=np.full(len(whole), unit_ms, np.float32),
        speed=1.0,
    )
