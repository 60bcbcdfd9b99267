"""What a listening model is told of another model's answer, slot by slot."""

import pytest

from configs.model.language import TextTokenizerConfig
from configs.model.live_turns import HeadPolicyConfig
from duplex.model.layouts.turns.shadow_answer import ShadowAnswer, ShadowSlot
from duplex.model.layouts.turns.turn_interface import ToldAnswer
from duplex.model.text.tokenizer import TextTokenizer

IDS = TextTokenizer.of_letters(TextTokenizerConfig())
LEAD = 16
TEXT = "It cost 20, I know."


def shadow(lead_words: int = 6) -> ShadowAnswer:
    return ShadowAnswer(IDS, LEAD, HeadPolicyConfig(lead_words=lead_words))


def told(begun: int = 0, text: str = TEXT, complete: bool = True) -> ToldAnswer:
    return ToldAnswer(text, begun, complete)


def items(slots: list[ShadowSlot]) -> list[tuple[str, ...]]:
    return [slot.items for slot in slots]


def test_a_word_with_its_marks_enters_in_every_slot_as_it_is_said() -> None:
    answer = shadow()
    slots = [answer.next_slot(told(begun), 0) for begun in (0, 1, 1, 2, 2, 2)]
    assert items(slots) == [("it",), ("cost",), ("twenty", ","), ("i",), ("know", "."), ()]


def test_no_word_enters_while_enough_of_them_wait_to_be_spoken() -> None:
    answer = shadow()
    assert answer.next_slot(told(), LEAD).items == ()
    assert answer.next_slot(told(), LEAD - 1).items == ("it",)


@pytest.mark.parametrize(
    ("most", "begun", "entered"),
    [
        (6, (0, 0, 0), [("it",), (), ()]),
        (6, (1, 1, 1, 1), [("it",), ("cost",), ("twenty", ","), ()]),
        (6, (2, 2, 2, 2), [("it", "cost"), ("twenty", ","), ("i",), ("know", ".")]),
        (1, (2, 2, 2), [("it", "cost"), ("twenty", ","), ()]),
    ],
)
def test_it_may_be_ahead_by_as_many_words_as_were_said(
    most: int, begun: tuple[int, ...], entered: list[tuple[str, ...]]
) -> None:
    answer = shadow(lead_words=most)
    assert items([answer.next_slot(told(count), 0) for count in begun]) == entered


def test_a_voice_that_turns_out_to_be_slower_is_followed_closely() -> None:
    answer = shadow()
    steps = [(1, 0), (1, 1), (1, 2), (1, 3), (2, 4), (3, 4), (4, 5)]
    slots = [answer.next_slot(told(begun), 0, spoken) for begun, spoken in steps]
    assert items(slots) == [("it",), ("cost",), ("twenty", ","), (), (), ("i",), ("know", ".")]


def test_words_that_sound_enter_at_once_even_if_many_wait_to_be_spoken() -> None:
    answer = shadow()
    slots = [answer.next_slot(told(begun), LEAD) for begun in (1, 1, 4)]
    assert items(slots) == [("it",), (), ("cost", "twenty", ",", "i")]


def test_the_ids_of_a_word_enter_one_slot_after_the_other_and_old_ones_are_skipped() -> None:
    answer = shadow()
    slots = [answer.next_slot(told(1, text="abcdef gh"), queued) for queued in (0, LEAD, LEAD, 0, LEAD)]
    ids = [*IDS.encode("abcdef"), *IDS.encode("gh")]
    assert [slot.text_id for slot in slots] == [*ids[:3], ids[5], ids[6]]


def test_the_text_ends_once_its_last_word_sounds_and_nothing_follows() -> None:
    answer = shadow()
    begun = [*[2] * 5, 4, 5, 5]
    slots = [answer.next_slot(told(count), 0) for count in begun]
    assert [slot.text_id == IDS.eos for slot in slots] == [False] * 6 + [True, False]
    assert [slot.finished for slot in slots] == [False] * 6 + [True, True]
    assert slots[-1].text_id == IDS.hold
    open_end = shadow()
    assert not any(open_end.next_slot(told(5, complete=False), 0).finished for _ in range(8))


def test_text_may_come_in_parts_and_late() -> None:
    answer = shadow()
    parts = [None, told(text="", complete=False), told(text="It cost", complete=False), told(1), told(1), told(2)]
    slots = [answer.next_slot(part, 0) for part in parts]
    assert items(slots) == [(), (), ("it",), ("cost",), ("twenty", ","), ("i",)]
    assert [slot.text_id for slot in slots[:2]] == [IDS.hold] * 2


def test_words_of_which_nothing_is_said_are_left_out() -> None:
    answer = shadow()
    slots = [answer.next_slot(told(begun, text="– Yes 😀 no"), 0) for begun in (1, 3)]
    assert items(slots) == [("yes",), ("no",)]
