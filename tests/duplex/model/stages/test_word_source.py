"""The source that hears nothing."""

import torch

from configs.audio import AUDIO
from duplex.model.stages.word_source import NoWords, WordsInput, step


def test_no_words_come_of_anything() -> None:
    source = NoWords()
    state = source.init_state(2)
    x = WordsInput(torch.ones(2, AUDIO.slot_input_samples), torch.ones(2, 10, 4), torch.tensor([True, False]))
    for _ in range(3):
        assert step(source, x, state, torch.tensor([True, False])) == [None, None]
    state.reset(torch.tensor([True, True]))
    assert source.delay_ms == AUDIO.slot_ms
