"""The words of an answer, when they are spoken, and what was heard of them."""

import pytest

from configs.model.live_turns import LiveTurnsConfig, WordClockConfig
from duplex.model.interface import ConversationOptions, UserWords
from duplex.model.layouts.turns.answer import SoundingAnswer
from duplex.model.layouts.turns.turn_conversation import TurnConversation

CONFIG = LiveTurnsConfig(clock=WordClockConfig(letter_ms=50, sign_ms=200, mark_ms=0, word_ms=0))
"""Four letters sound for a slot."""


def answer(delay_ms: float = 0.0, speaks: bool = True) -> SoundingAnswer:
    return SoundingAnswer(0, speaks, delay_ms, CONFIG)


def test_words_sound_one_a_slot() -> None:
    one = answer()
    assert one.write("four five si") == ("four", "five")
    assert [word.text for word in one.sound(speaking=True)] == ["four"]
    assert one.write("xs") == ()
    assert [word.text for word in one.sound(speaking=True)] == ["five"]
    assert one.find_heard_text() == "four five"
    assert one.end() == ("sixs",)
    assert one.text == "four five sixs"


def test_what_is_known_is_told_up_to_a_words_end_with_how_much_of_it_has_begun() -> None:
    one = answer()
    assert (one.complete_words, one.begun) == ("", 0)
    one.write("four, five si")
    assert (one.complete_words, one.begun) == ("four, five", 0)
    one.sound(speaking=True)
    one.sound(speaking=True)
    assert one.begun == 2
    one.end()
    assert one.complete_words == "four, five si"


def test_sound_that_comes_later_is_heard_later() -> None:
    one = answer(delay_ms=300)
    one.write("four five ")
    assert one.sound(speaking=True) == ()
    (word,) = one.sound(speaking=True)
    assert (word.text, word.start_ms, word.end_ms) == ("four", 100, 200)
    assert one.find_heard_text() == "four", "half of it sounded"
    assert one.count_heard_slots() == 0


def test_tokens_ahead_shorten_the_delay() -> None:
    one = answer(delay_ms=300)
    one.prime()
    one.write("four five ")
    (word,) = one.sound(speaking=True)
    assert (word.start_ms, word.end_ms) == (100, 200)
    one.end()
    assert [word.done for word in one.sound(speaking=False)] == [1.0, pytest.approx(0.5)]
    assert not one.over
    (last,) = one.sound(speaking=False)
    assert one.over
    assert (last.text, last.end_ms, last.done) == ("five", 100, 1.0)
    assert one.count_heard_slots() == 2


def test_what_was_taken_back_is_not_heard() -> None:
    one = answer()
    one.write("four five sixs ")
    for _ in range(3):
        one.sound(speaking=True)
    assert one.find_heard_text() == "four five sixs"
    assert one.find_heard_text(unheard_ms=99) == "four five sixs"
    assert one.find_heard_text(unheard_ms=101) == "four five"
    assert one.find_heard_text(unheard_ms=350) == "four"
    assert one.find_heard_text(unheard_ms=600) == ""
    assert one.count_heard_slots(unheard_ms=250) == 2


def test_at_the_end_of_the_sound_all_words_were_said() -> None:
    one = answer()
    one.write("four five sixs seven")
    one.sound(speaking=True)
    one.end()
    words = one.sound(speaking=True)
    assert one.over
    assert [(word.text, word.done) for word in words] == [("five", 1.0), ("sixs", 1.0), ("seven", 1.0)]
    assert one.find_heard_text() == "four five sixs seven"


def test_an_answer_that_is_read_is_heard_as_it_is_written() -> None:
    one = answer(speaks=False)
    one.write("four five si")
    assert [word.text for word in one.sound(speaking=False)] == ["four", "five"]
    assert one.find_heard_text() == "four five"
    assert not one.over
    one.end()
    assert [word.text for word in one.sound(speaking=False)] == ["si"]
    assert one.over


def test_words_that_were_recognised_and_written_in_one_slot_are_both_told() -> None:
    one = TurnConversation(ConversationOptions(), 0.0, CONFIG)
    one.typed = "in writing"
    one.take_typed()
    spoken = UserWords(0, "aloud", "aloud", 0.0, 1.0)
    assert one.hear(spoken) == spoken
    written = one.hear(None)
    assert written is not None
    assert (written.turn, written.text) == (1, "in writing")
    assert one.hear(None) is None
