"""Estimated times of words."""

import pytest

from configs.model.live_turns import WordClockConfig
from duplex.model.text.word_clock import WordClock

CONFIG = WordClockConfig(letter_ms=50, sign_ms=200, mark_ms=100, word_ms=50)


def test_lengths_follow_letters_signs_and_marks() -> None:
    clock = WordClock(CONFIG)
    assert clock.milliseconds("four") == 250
    assert clock.milliseconds("four.") == 350
    assert clock.milliseconds("界。") == 300
    assert clock.milliseconds("…") == 100


def test_what_is_not_said_as_it_is_written_lasts_as_long_as_what_is_said() -> None:
    clock = WordClock(CONFIG)
    assert clock.milliseconds("$5,") == clock.milliseconds("five") + clock.milliseconds("dollars,")
    assert clock.milliseconds("6,400") == sum(map(clock.milliseconds, ["six", "thousand", "four", "hundred"]))
    assert clock.milliseconds("Straße") == clock.milliseconds("strasse")
    assert clock.milliseconds("café") == clock.milliseconds("cafe")


def test_words_sound_one_after_another_and_go_on_in_the_next_slot() -> None:
    clock = WordClock(CONFIG)
    clock.add(["a", "four", "be"])
    first = clock.slot()
    assert [(part.item, part.start_ms, part.end_ms, part.done) for part in first] == [
        (0, 0.0, 100.0, 1.0),
        (1, 100.0, 200.0, pytest.approx(0.4)),
    ]
    assert [(part.item, part.end_ms, part.done) for part in clock.slot()] == [
        (1, 150.0, 1.0),
        (2, 200.0, pytest.approx(1 / 3)),
    ]
    assert [(part.item, part.end_ms) for part in clock.slot()] == [(2, 100.0)]
    assert clock.slot() == ()


def test_a_word_is_not_spoken_before_it_is_known() -> None:
    clock = WordClock(CONFIG)
    assert clock.slot() == ()
    clock.add(["a"])
    assert [(part.item, part.start_ms) for part in clock.slot(150)] == [(0, 150)]
    assert [(part.item, part.end_ms, part.done) for part in clock.slot()] == [(0, 50.0, 1.0)]


def test_at_the_end_everything_was_spoken() -> None:
    clock = WordClock(CONFIG)
    clock.add(["four", "five", "six"])
    clock.slot()
    parts = clock.end(90)
    assert [part.item for part in parts] == [0, 1, 2]
    assert all(part.done == 1 for part in parts)
    assert parts[-1].end_ms == pytest.approx(90)
    assert clock.end() == ()
