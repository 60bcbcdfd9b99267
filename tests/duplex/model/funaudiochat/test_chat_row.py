"""The rules of an answer, token by token."""

from configs.model.funaudiochat import FUNAUDIOCHAT_TINY
from duplex.model.funaudiochat.chat_row import ChatAnswer, ChatElement, ChatRow, Group, advance, list_spoken_elements

IDS, CODES = FUNAUDIOCHAT_TINY.ids, FUNAUDIOCHAT_TINY.codes
END = 257
PROMPT = ChatElement(10)
ONE, TWO = (1, 2, 3, 4, 5), (6, 7, 8, 9, 10)


def _answer(*steps: tuple[int, Group | None]) -> tuple[ChatAnswer, list[ChatElement]]:
    """An answer after steps of (text id, speech tokens), and what each step accepted."""
    answer, log = ChatAnswer(start=0, next=PROMPT, carried=CODES.bos), []
    for text_id, tokens in steps:
        log.append(answer.next)
        advance(answer, text_id, tokens, FUNAUDIOCHAT_TINY, END)
    return answer, log


def test_speech_begins_with_the_step_after_its_token() -> None:
    answer, log = _answer((IDS.audio_bos, ONE), (65, ONE), (66, TWO))
    assert answer.groups == [ONE, TWO]
    assert log == [PROMPT, ChatElement(IDS.audio_bos), ChatElement(65, spoken=ONE)]
    assert answer.next == ChatElement(66, spoken=TWO)
    assert answer.carried == TWO[-1]


def test_an_end_of_speech_token_fills_its_group_and_becomes_the_text() -> None:
    ending = (*TWO[:3], CODES.eos, 4)
    answer, _ = _answer((IDS.audio_bos, ONE), (65, ONE), (66, ending))
    assert answer.groups[-1] == (CODES.eos,) * 5
    assert answer.text == [IDS.audio_bos, 65, IDS.audio_eos]
    assert answer.next == ChatElement(IDS.audio_eos)
    assert answer.carried == 4, "what was chosen is carried, not what replaced it"
    assert not answer.speaking
    assert not answer.finished


def test_the_end_of_the_turn_ends_the_answer_also_in_speech() -> None:
    answer, _ = _answer((IDS.audio_bos, ONE), (END, ONE))
    assert answer.finished
    assert answer.text[-1] == END
    assert answer.next == ChatElement(IDS.sil, spoken=ONE)
    answer, _ = _answer((65, None), (END, None))
    assert answer.finished
    assert answer.groups == []


def test_elements_up_to_a_group() -> None:
    answer, log = _answer((IDS.audio_bos, ONE), (65, ONE), (66, TWO))
    for groups, count in ((0, 2), (1, 3), (2, 4), (9, 4)):
        assert len(list_spoken_elements(answer, log, groups, IDS.audio_bos)) == count
    assert list_spoken_elements(*_answer(), groups=3, opens=IDS.audio_bos) == [PROMPT]


def test_a_conversation_forgets_what_waits_first() -> None:
    elements = [ChatElement(number) for number in range(6)]
    row = ChatRow(log=elements[:4], waiting=elements[4:], turns=[1, 4])
    row.truncate(5)
    assert (row.log, row.waiting, row.turns) == (elements[:4], elements[4:5], [1, 4])
    row.truncate(3)
    assert (row.log, row.waiting, row.turns) == (elements[:3], [], [1])
