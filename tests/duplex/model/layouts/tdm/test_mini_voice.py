"""The voice that ships: it speaks at a natural pace and without clicks at starts, cuts and joins of slots."""

from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

import duplex
from duplex.model.layouts.tdm.voice import EmbeddedVoice
from duplex.model.stages.detokenizer import DetokenizerInput
from duplex.model.stages.srh import SrhInput

MINI = Path(duplex.__file__).parent / "pretrained" / "mini"
FIRST = ["sure", ",", "the", "capital", "of", "france", "is", "paris", "."]
SENTENCE = [*FIRST, "it", "lies", "on", "the", "river", "seine", "."]
YES, NO = torch.tensor([True]), torch.tensor([False])
SLOT = 4800
JOIN_REACH = 2


@pytest.fixture(scope="module")
def voice() -> EmbeddedVoice:
    return EmbeddedVoice.load(MINI)


class _Talk:
    """One conversation; every slot's samples in `pcm`."""

    def __init__(self, voice: EmbeddedVoice) -> None:
        self._voice = voice
        self._head = voice.head.init_state(1)
        self._sound = voice.detokenizer.init_state(1, [3])
        self.pcm: list[NDArray[np.float32]] = []

    def say(self, words: list[str], slots: int) -> int:
        """One word a slot for `slots` slots; returns the number of slots until all was spoken."""
        exhausted = 0
        for slot in range(slots):
            out = self._step(words[slot : slot + 1], slot >= len(words), speaking=True)
            exhausted = exhausted or (slot + 1 if out else 0)
        return exhausted

    def mute(self, slots: int) -> None:
        """Silence."""
        for _ in range(slots):
            self._step([], False, speaking=False)

    def _step(self, words: list[str], finished: bool, speaking: bool) -> bool:
        flag = YES if speaking else NO
        out = self._voice.head.step(SrhInput([words], torch.tensor([finished]), flag), self._head, YES)
        pcm = self._voice.detokenizer.step(DetokenizerInput(out.tokens, flag), self._sound, YES)
        self.pcm.append(pcm[0].numpy())
        return bool(out.exhausted[0])


@pytest.fixture(scope="module")
def talk(voice: EmbeddedVoice) -> _Talk:
    """Silence, a whole answer, silence, an answer cut after seven slots, silence."""
    one = _Talk(voice)
    one.mute(2)
    one.say(SENTENCE, 30)
    one.mute(2)
    one.say(SENTENCE, 7)
    one.mute(2)
    return one


def _bend(pcm: NDArray[np.float32]) -> NDArray[np.float32]:
    """Size of the second difference at each sample."""
    return np.abs(np.diff(pcm, 2, prepend=0, append=0))


def test_speaks_at_a_natural_pace(voice: EmbeddedVoice) -> None:
    slots = _Talk(voice).say(SENTENCE, 40)
    assert 18 <= slots <= 32


def test_speech_is_loud_and_never_beyond_full_scale(talk: _Talk) -> None:
    loudest = max(float(np.abs(slot).max()) for slot in talk.pcm)
    assert 0.1 < loudest < 1.0


def test_mute_is_zero_and_waiting_inaudible(talk: _Talk) -> None:
    assert not np.concatenate(talk.pcm[:2]).any()
    assert not np.concatenate([talk.pcm[33], *talk.pcm[-1:]]).any()
    assert float(np.abs(talk.pcm[2][:2400]).max()) < 1e-3


def test_start_of_sound_is_no_step(talk: _Talk) -> None:
    for first in (2, 34):
        begin = np.concatenate(talk.pcm[first - 1 : first + 1])[SLOT - 10 : SLOT + 50]
        assert float(_bend(begin).max()) < 1e-3


def test_joins_of_slots_do_not_stand_out(talk: _Talk) -> None:
    pcm = np.concatenate(talk.pcm[2:32])
    bend = _bend(pcm)
    joins = range(SLOT, len(pcm) - SLOT, SLOT)
    assert sum(_is_peak(bend, join) for join in joins) <= 0.15 * len(joins)
    clicked = pcm.copy()
    clicked[list(joins)] += 0.2
    assert sum(_is_peak(_bend(clicked), join) for join in joins) >= 0.8 * len(joins)


def test_cut_bends_no_more_than_the_speech_before(talk: _Talk) -> None:
    pcm = np.concatenate(talk.pcm[-4:])
    bend = _bend(pcm)
    cut = 2 * SLOT
    assert float(np.abs(pcm[cut - 480 : cut]).max()) > 1e-3
    assert float(bend[cut - 1 : cut + 300].max()) <= 1.2 * float(bend[cut - 2400 : cut - 1].max())
    assert not pcm[cut + 240 :].any()


def _is_peak(bend: NDArray[np.float32], join: int) -> bool:
    """Whether the strongest bend within 10 ms lies at the join itself."""
    around = bend[join - 240 : join + 240]
    return abs(int(around.argmax()) - 240) <= JOIN_REACH
