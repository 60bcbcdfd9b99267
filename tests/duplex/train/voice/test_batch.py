"""Offline tracks equal the live head's, one row at a time, with the text held back in the same way."""

import torch

from duplex.model.stages.srh import PointerRefinedHead, SrhInput
from duplex.train.voice.batch import HOLD, AnswerTrack, answer_tracks
from tests.duplex.model.stages.voices import small_voice

ANSWERS = [
    [["hello"], ["."]],
    [["the"], ["cat"], ["sat"], [","], [], ["strawberries"], [], [], ["sat"], ["."]],
    [["strawberries"], ["strawberries"], ["strawberries"], ["strawberries"], ["strawberries"], ["."]],
]
LEAD = 16


def _live(head: PointerRefinedHead, answer: list[list[str]]) -> AnswerTrack:
    state, yes = head.init_state(1), torch.tensor([True])
    track, at, queued, done = AnswerTrack(), 0, 0, False
    while not done:
        entering = HOLD if queued >= LEAD or at > len(answer) else at
        at += entering != HOLD
        words = answer[entering] if 0 <= entering < len(answer) else []
        out = head.step(SrhInput([words], torch.tensor([entering == len(answer)]), yes), state, yes)
        queued, done = int(out.queued[0]), bool(out.exhausted[0])
        track.text.append(entering)
        track.tokens.append(out.tokens[0].numpy())
        track.spoken.append(out.spoken[0])
    return track


def test_batch_equals_the_live_head() -> None:
    head = small_voice().head
    for answer, track in zip(ANSWERS, answer_tracks(head, ANSWERS, LEAD, batch=2), strict=True):
        live = _live(head, answer)
        assert track.text == live.text
        assert track.spoken == live.spoken
        assert all((one == two).all() for one, two in zip(track.tokens, live.tokens, strict=True))


def test_every_text_token_enters_once_and_long_words_are_held() -> None:
    tracks = answer_tracks(small_voice().head, ANSWERS, LEAD)
    for answer, track in zip(ANSWERS, tracks, strict=True):
        assert [index for index in track.text if index != HOLD] == list(range(len(answer) + 1))
    assert HOLD in tracks[2].text[:6]
