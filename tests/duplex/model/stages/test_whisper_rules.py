"""What may be written next, when a transcript is over, and which part of its end is discarded."""

import math

import pytest
import torch

from configs.model.ears import DecodingConfig
from duplex.model.stages.whisper_rules import (
    forbid,
    is_over,
    most_tokens,
    repeats,
    same,
    stutters,
    without_repeat,
    words_of,
)
from tests.duplex.model.stages.pieces import (
    BLANK,
    CAT,
    COMMA,
    DOT,
    END,
    MAT,
    NO,
    NO_SPEECH,
    ON,
    PIECES,
    SAT,
    START,
    T0,
    THE,
    TING,
    VOCABULARY,
    YES,
    A,
    S,
    time_token,
)

CONFIG = DecodingConfig()


def _find_allowed(written: list[int], likely: dict[int, float] | None = None) -> set[int]:
    logits = torch.zeros(len(VOCABULARY))
    logits[:T0] = 20.0
    for token, value in (likely or {}).items():
        logits[token] = value
    forbid(logits, written, VOCABULARY, CONFIG)
    return {token for token, value in enumerate(logits.tolist()) if value > -math.inf}


def test_a_transcript_begins_with_a_time_near_the_start() -> None:
    assert _find_allowed([]) == set(range(T0, time_token(CONFIG.latest_start_s) + 1))


def test_an_opening_time_is_followed_by_text() -> None:
    assert _find_allowed([T0]) == set(range(len(PIECES))) - {BLANK}
    assert _find_allowed([T0, CAT, time_token(1), time_token(1)]) == (set(range(len(PIECES))) - {BLANK}) | {END}


def test_text_is_followed_by_text_the_end_or_a_latertime_token() -> None:
    assert _find_allowed([time_token(0.5), CAT]) == {
        *range(len(PIECES)),
        END,
        *range(time_token(0.5) + 1, len(VOCABULARY)),
    }


def test_a_closing_time_is_followed_by_the_end_or_an_openingtime_token() -> None:
    assert _find_allowed([T0, CAT, time_token(1)]) == {END, *range(time_token(1), len(VOCABULARY))}


def test_a_time_is_due_when_times_together_are_likelier_than_any_piece() -> None:
    likely = {time_token(1): 19.9, time_token(1) + 1: 19.9}
    assert min(_find_allowed([T0, CAT], likely)) >= T0
    assert CAT in _find_allowed([T0, CAT], {time_token(1): 19.9})


def test_start_and_no_speech_are_never_written() -> None:
    for written in ([T0], [T0, CAT], [T0, CAT, time_token(1)]):
        assert not {START, NO_SPEECH} & _find_allowed(written)


def test_a_transcript_is_over_at_its_end_near_the_clips_end_or_when_it_is_too_long() -> None:
    assert not is_over([], 2.0, VOCABULARY, CONFIG)
    assert not is_over([T0, CAT], 2.0, VOCABULARY, CONFIG)
    assert is_over([T0, CAT, END], 2.0, VOCABULARY, CONFIG)
    assert not is_over([T0, CAT, time_token(1.3)], 2.0, VOCABULARY, CONFIG)
    assert is_over([T0, CAT, time_token(1.5)], 2.0, VOCABULARY, CONFIG)
    long = [T0, *[CAT, SAT] * 20]
    assert is_over(long[: most_tokens(3.0, CONFIG)], 3.0, VOCABULARY, CONFIG)


def test_a_transcript_is_over_when_it_begins_again() -> None:
    sentence = [THE, CAT, SAT, ON]
    assert not repeats([T0, *sentence, A, THE, CAT, SAT], VOCABULARY, 4)
    assert repeats([T0, *sentence, A, *sentence], VOCABULARY, 4)
    assert is_over([T0, *sentence, A, *sentence], 9.0, VOCABULARY, CONFIG)


def test_a_broken_off_repetition_is_dropped() -> None:
    written = [T0, THE, CAT, SAT, ON, THE, MAT, COMMA, THE, CAT, SAT]
    assert without_repeat(written, 9.0, VOCABULARY, CONFIG) == (T0, THE, CAT, SAT, ON, THE, MAT, COMMA)


@pytest.mark.parametrize(
    "end",
    [
        pytest.param([NO, YES, CAT], id="the same words"),
        pytest.param([NO, YES], id="fewer of them"),
        pytest.param([NO, YES, CAT, S, ON], id="one word of four is another"),
    ],
)
def test_a_repetition_that_is_broken_off_within_a_word_is_removed(end: list[int]) -> None:
    said = [T0, NO, YES, CAT, TING, ON, DOT]
    assert without_repeat([*said, *end], 9.0, VOCABULARY, CONFIG) == tuple(said)


def test_other_words_that_are_broken_off_stay() -> None:
    written = [T0, NO, YES, CAT, ON, DOT, YES, MAT, CAT, SAT]
    assert without_repeat(written, 9.0, VOCABULARY, CONFIG) == tuple(written)


def test_too_many_words_for_the_time_are_a_repetition() -> None:
    closed = [T0, NO, YES, DOT, NO, YES, DOT, NO, YES, DOT, time_token(0.8)]
    assert without_repeat(closed, 0.5, VOCABULARY, CONFIG) == (T0, NO, YES, DOT)


@pytest.mark.parametrize(("seconds", "kept"), [(2.0, 5), (4.0, 9)])
def test_a_sentence_said_twice_must_have_its_time(seconds: float, kept: int) -> None:
    closed = [T0, NO, CAT, SAT, MAT, NO, CAT, SAT, MAT, time_token(2.0)]
    assert without_repeat(closed, seconds, VOCABULARY, CONFIG)[:kept] == tuple(closed[:kept])
    assert sum(map(VOCABULARY.is_text, without_repeat(closed, seconds, VOCABULARY, CONFIG))) == kept - 1


def test_words_said_twice_in_their_time_stay() -> None:
    closed = [T0, NO, YES, DOT, NO, YES, DOT, time_token(1.9)]
    assert without_repeat([*closed, END], 2.0, VOCABULARY, CONFIG) == tuple(closed)


def test_words_begin_at_spaces_and_times() -> None:
    tokens = [T0, THE, CAT, S, DOT, time_token(1), time_token(1), TING, SAT, TING, COMMA, END]
    assert words_of(tokens, VOCABULARY) == [(THE,), (CAT, S, DOT), (TING,), (SAT, TING, COMMA)]
    assert same([(CAT, S, DOT)], [(CAT, S)], VOCABULARY)
    assert not same([(CAT, S)], [(CAT,)], VOCABULARY)


def test_one_word_on_and_on_is_a_stutter() -> None:
    assert not stutters([T0, NO, NO, COMMA, NO, NO, YES], 4, VOCABULARY)
    assert stutters([T0, YES, NO, NO, COMMA, NO, NO, NO], 4, VOCABULARY)
    assert not stutters([T0], 4, VOCABULARY)
