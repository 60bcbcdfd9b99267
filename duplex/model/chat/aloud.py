"""Written answers of the embedded model: read out of its text core, and spoken with its own voice without a microphone.

Knows text, words and the voice's stages; knows nothing of conversations. The voice runs as it does live, but for the
hidden vector of the language model, which a written answer does not have.
"""

import re
from collections.abc import Callable, Iterator
from datetime import datetime

import torch

from configs.audio import AUDIO
from duplex.model.interface import Samples
from duplex.model.layouts.tdm.mind import EmbeddedMind
from duplex.model.layouts.tdm.tdm_generator import TdmGenerator
from duplex.model.layouts.tdm.voice import EmbeddedVoice
from duplex.model.stages.detokenizer import DetokenizerInput
from duplex.model.stages.srh import SrhInput
from duplex.model.text.clock_words import fill_in_words
from duplex.model.text.reading.reader import read

_FILL_IN = re.compile(r"<\|(\w+)\|>")


class Written:
    """Pattern T2T: every question is a conversation of its own."""

    def __init__(self, generator: TdmGenerator, mind: EmbeddedMind, now: Callable[[], datetime]) -> None:
        self._generator, self._mind, self._now = generator, mind, now

    def answer(self, question: str) -> str:
        """Greedy, in lower case where the embedded mind wrote it; time and date are those of now."""
        text = self._generator.write(question)
        return _FILL_IN.sub(lambda found: " ".join(fill_in_words(found[1], self._now())), text)

    def show(self, answer: str) -> str:
        """The answer as a reader expects it."""
        return self._mind.truecase(answer) if answer == answer.lower() else answer


def aloud(voice: EmbeddedVoice, text: str, lead_units: int, seed: int = 0) -> Iterator[Samples]:
    """A written text read aloud: [4800] samples at 24 kHz a slot, until all of it has been said.

    Args:
        voice: the stages.
        text: any writing; see `duplex.model.text.reading`.
        lead_units: the next word is held back while this many units are queued.
        seed: of the noise in the sound.
    """
    words, place, queued = [item for said in read(text) for item in said.items], 0, 0
    head, sound = voice.head.init_state(1), voice.detokenizer.init_state(1, [seed])
    yes = torch.tensor([True])
    over = not words
    while not over:
        new = words[place : place + 1] if queued < lead_units else []
        place += len(new)
        out = voice.head.step(SrhInput([new], torch.tensor([place == len(words)]), yes), head, yes)
        queued, over = int(out.queued[0]), bool(out.exhausted[0])
        yield voice.detokenizer.step(DetokenizerInput(out.tokens, yes), sound, yes)[0].numpy()
    silence = voice.head.silence.to(torch.int8).expand(1, AUDIO.tokens_per_slot, -1)
    yield voice.detokenizer.step(DetokenizerInput(silence, ~yes), sound, yes)[0].numpy()
