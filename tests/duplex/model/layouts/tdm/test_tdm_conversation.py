"""One row's bookkeeping: user words that wait, the growing answer, marks, veto, fill-ins of the clock."""

from functools import partial

import pytest

from configs.model.language import TextTokenizerConfig
from configs.policy import PolicyConfig, Threshold
from configs.schedule import ScheduleConfig
from duplex.model.interface import ConversationOptions
from duplex.model.layouts.tdm.tdm_conversation import TdmConversation
from duplex.model.layouts.tdm.writing import PieceWriting
from duplex.model.stages.fusion import ABSENT
from duplex.model.text.sounding_word import SoundingWord
from duplex.model.text.tokenizer import TextTokenizer
from duplex.model.text.truecase import Truecase
from tdm.slots import State

TOKENIZER = TextTokenizer.train(TextTokenizerConfig(vocab_size=200), dict.fromkeys(["hello", "paris", "is"], 5))
QUICK = PolicyConfig(start=Threshold(probability=0.5, slots=1), stop=Threshold(probability=0.5, slots=1), guard_slots=0)


@pytest.fixture
def conversation() -> TdmConversation:
    writing = partial(PieceWriting, TOKENIZER, Truecase({"paris": "Paris"}, {}))
    return TdmConversation(ConversationOptions(policy=QUICK), ScheduleConfig(), TOKENIZER, writing, [])


def say(conversation: TdmConversation, text: str) -> list[str]:
    return [word for index in TOKENIZER.encode(text) for word in conversation.say(index)]


def test_user_words_enter_four_tokens_a_slot(conversation: TdmConversation) -> None:
    conversation.hear("a b c d e f")
    first, second, third = (conversation.take_user_words() for _ in range(3))
    assert first == TOKENIZER.encode("a b c d")
    assert second == [*TOKENIZER.encode("e f"), ABSENT, ABSENT]
    assert third == [ABSENT] * 4


def test_words_are_complete_with_their_last_piece_and_shown_once(conversation: TdmConversation) -> None:
    conversation.decide(0.9)
    assert say(conversation, "hello, paris is zzz.") == ["hello", ",", "paris", "is", "zzz", "."]
    assert conversation.take_captions() == ("Hello", ",", "Paris", "is", "zzz", ".")
    assert conversation.take_captions() == ()


def test_marks_are_spoken_when_the_word_before_them_is(conversation: TdmConversation) -> None:
    conversation.decide(0.9)
    say(conversation, "hello, paris.")
    first = conversation.list_spoken([SoundingWord(0, 20, 90, 1.0), SoundingWord(2, 100, 200, 0.4)])
    assert [(word.index, word.text, word.start_ms) for word in first] == [
        (0, "Hello", 20),
        (1, ",", 90),
        (2, "Paris", 100),
    ]
    last = conversation.list_spoken([SoundingWord(2, 0, 50, 1.0)])
    assert [(word.index, word.text, word.done) for word in last] == [(2, "Paris", 1.0), (3, ".", 1.0)]


def test_a_mark_that_comes_after_its_word_is_spoken_at_once(conversation: TdmConversation) -> None:
    conversation.decide(0.9)
    say(conversation, "hello")
    conversation.list_spoken([SoundingWord(0, 0, 90, 1.0)])
    say(conversation, ".")
    assert [(word.index, word.start_ms) for word in conversation.list_spoken([])] == [(1, 0.0)]


def test_events_of_an_answer_from_start_to_end(conversation: TdmConversation) -> None:
    events = []
    for p_speak in (0.1, 0.9, 0.9):
        conversation.decide(p_speak)
        events.append(conversation.event)
    conversation.end_text()
    conversation.update_speech(0, exhausted=True)
    conversation.decide(0.9)
    assert [*events, conversation.event] == ["", "start", "", "end"]
    assert conversation.assistant.state is State.MUTE


def test_a_cut_begins_a_new_answer_next_time(conversation: TdmConversation) -> None:
    conversation.decide(0.9)
    say(conversation, "hello")
    conversation.decide(0.1)
    assert conversation.event == "cut"
    conversation.decide(0.9)
    assert (conversation.event, conversation.answer.index, conversation.answer.words) == ("start", 1, [])


def test_an_answer_waits_until_all_words_of_the_user_entered(conversation: TdmConversation) -> None:
    conversation.hear("a b c d e f")
    events = []
    for _ in range(2):
        conversation.take_user_words()
        conversation.decide(0.9)
        events.append(conversation.event)
    assert events == ["", "start"]


def test_an_answer_waits_for_words_that_are_late(conversation: TdmConversation) -> None:
    events = []
    for late in (True, True, False):
        conversation.words_late = late
        conversation.decide(0.9)
        events.append(conversation.event)
    assert events == ["", "", "start"]


def test_late_words_do_not_stop_an_answer(conversation: TdmConversation) -> None:
    conversation.decide(0.9)
    conversation.words_late = True
    say(conversation, "hello")
    conversation.decide(0.9)
    assert conversation.event == ""


@pytest.mark.parametrize(("sounds", "event"), [(False, "cut"), (True, "")])
def test_words_that_enter_before_an_answer_sounds_take_it_back(
    conversation: TdmConversation, sounds: bool, event: str
) -> None:
    conversation.decide(0.9)
    say(conversation, "hello")
    conversation.list_spoken([SoundingWord(0, 0, 90, 1.0)] if sounds else [])
    conversation.hear("a")
    conversation.take_user_words()
    conversation.decide(0.9)
    assert conversation.event == event


def test_a_veto_is_no_answer(conversation: TdmConversation) -> None:
    conversation.decide(0.9)
    conversation.veto()
    assert (conversation.event, conversation.assistant.state) == ("veto", State.MUTE)
    conversation.decide(0.9)
    assert conversation.answer.index == 0


def test_an_unfinished_piece_becomes_a_word_at_the_end_of_the_text(conversation: TdmConversation) -> None:
    conversation.decide(0.9)
    pieces = [index for index in TOKENIZER.encode("hi") if not TOKENIZER.ends_word(index)]
    assert [word for index in pieces for word in conversation.say(index)] == []
    assert conversation.end_text() == [TOKENIZER.piece(pieces[0])]


def test_the_clock_fills_in_the_time_of_the_slot() -> None:
    options = ConversationOptions(policy=QUICK, started_at=10 * 3600 + 59.7, utc_offset_s=3600)
    writing = partial(PieceWriting, TOKENIZER, Truecase({}, {}))
    conversation = TdmConversation(options, ScheduleConfig(), TOKENIZER, writing, [])
    (time,) = TOKENIZER.encode("<|time|>")
    conversation.decide(0.1)
    assert conversation.say(time) == ["eleven", "o'clock", "a", "m"]
    conversation.decide(0.1)
    assert conversation.say(time) == ["eleven", "oh", "one", "a", "m"]
