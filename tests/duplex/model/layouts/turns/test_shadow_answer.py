"""What a listening model is told of another model's answer, slot by slot."""

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
    slots = [answer.next_slot(told(), 0) for _ in range(6)]
    assert items(slots) == [("it",), ("cost",), ("twenty", ","), ("i",), ("know", "."), ()]


def test_no_word_enters_while_enough_of_them_wait_to_be_spoken() -> None:
    answer = shadow()
    assert answer.next_slot(told(), LEAD).items == ()
    assert answer.next_slot(told(), LEAD - 1).items == ("it",)


def test_it_is_ahead_of_the_word_that_sounds_by_a_few_words_only() -> None:
    answer = shadow(lead_words=1)
    slots = [answer.next_slot(told(begun), 0) for begun in (0, 0, 1, 2)]
    assert items(slots) == [("it",), (), ("cost",), ("twenty", ",")]


def test_words_that_sound_enter_at_once_even_if_many_wait_to_be_spoken() -> None:
    answer = shadow()
    slots = [answer.next_slot(told(begun), LEAD) for begun in (1, 1, 4)]
    assert items(slots) == [("it",), (), ("cost", "twenty", ",", "i")]


def test_the_ids_of_a_word_enter_one_slot_after_the_other_and_old_ones_are_skipped() -> None:
    answer = shadow()
    slots = [answer.next_slot(told(text="abcdef gh"), queued) for queued in (0, LEAD, LEAD, 0, LEAD)]
    ids = [*IDS.encode("abcdef"), *IDS.encode("gh")]
    assert [slot.text_id for slot in slots] == [*ids[:3], ids[5], ids[6]]


def test_the_text_ends_once_its_last_word_sounds_and_nothing_follows() -> None:
    answer = shadow()
    begun = [*[0] * 5, 4, 5, 5]
    slots = [answer.next_slot(told(count), 0) for count in begun]
    assert [slot.text_id == IDS.eos for slot in slots] == [False] * 6 + [True, False]
    assert [slot.finished for slot in slots] == [False] * 6 + [True, True]
    assert slots[-1].text_id == IDS.hold
    open_end = shadow()
    assert not any(open_end.next_slot(told(5, complete=False), 0).finished for _ in range(8))


def test_text_may_come_in_parts_and_late() -> None:
    answer = shadow()
    parts = [None, told(text="", complete=False), told(text="It cost", complete=False), told(), told(), told()]
    slots = [answer.next_slot(part, 0) for part in parts]
    assert items(slots) == [(), (), ("it",), ("cost",), ("twenty", ","), ("i",)]
    assert [slot.text_id for slot in slots[:2]] == [IDS.hold] * 2


def test_words_of_which_nothing_is_said_are_left_out() -> None:
    answer = shadow()
    slots = [answer.next_slot(told(text="– Yes 😀 no"), 0) for _ in range(2)]
    assert items(slots) == [("yes",), ("no",)]
