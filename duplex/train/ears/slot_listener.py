"""Feeds a clip to the ears slot by slot, as in a conversation, and records which words became known when.

This module uses the stages' interface; it does not depend on data or figures.
"""

from dataclasses import dataclass

import numpy as np
import torch

from configs.audio import AUDIO
from configs.train.ears import EarsEvaluation
from duplex.model.interface import Samples, UserWords
from duplex.model.layouts.tdm.ears import EmbeddedEars
from duplex.model.stages.word_source import WordsInput, step

_SPEECH_DB = -35.0
_FRAME_S = 0.01


@dataclass(frozen=True)
class HeardWords:
    """Words, and the start of the slot with which they became known, in seconds since the conversation's start."""

    at_s: float
    words: UserWords


def listen(ears: EmbeddedEars, samples: Samples) -> list[HeardWords]:
    """Recognise all words of a conversation: samples [N] at 16 kHz, with the assistant mute throughout."""
    size = AUDIO.slot_input_samples
    pcm = torch.from_numpy(np.pad(samples, (0, -len(samples) % size)))
    encoder, state = ears.encoder.init_state(1), ears.words.init_state(1)
    active, mute = torch.ones(1, dtype=torch.bool), torch.zeros(1, dtype=torch.bool)
    told = []
    for slot, part in enumerate(pcm.split(size)):
        features = ears.encoder.step(part[None], encoder, active)
        (words,) = step(ears.words, WordsInput(part[None], features, mute), state, active)
        if words is not None:
            told.append(HeardWords(slot * AUDIO.slot_seconds, words))
    return told


def as_conversation(clip: Samples, config: EarsEvaluation) -> Samples:
    """The clip with silence around it and faint noise under everything."""
    lead, tail = (round(seconds * AUDIO.input_rate) for seconds in (config.lead_s, config.tail_s))
    padded = np.pad(clip, (lead, tail))
    noise = np.random.default_rng(config.seed).normal(0.0, config.floor, len(padded))
    return np.asarray(padded + noise, np.float32)


def speech_end_s(clip: Samples) -> float:
    """End of the last 10 ms frame within 35 dB of the loudest."""
    size = round(_FRAME_S * AUDIO.input_rate)
    frames = clip[: len(clip) // size * size].reshape(-1, size)
    level = 10 * np.log10(np.square(frames, dtype=np.float64).mean(axis=1) + 1e-12)
    return float(np.flatnonzero(level > level.max() + _SPEECH_DB)[-1] + 1) * _FRAME_S
