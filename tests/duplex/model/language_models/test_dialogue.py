"""What a language model reads of a conversation: what was heard, no more."""

import pytest

from duplex.model.interface import EndedCall, StartedCall, UserWords
from duplex.model.language_models.dialogue import NOT_AWAITED, ChatHistory, alike, as_written
from duplex.model.language_models.interface import ChatMessage, RequestedCall


def hear(dialogue: ChatHistory, turn: int, caption: str) -> None:
    dialogue.hear(UserWords(turn, caption.lower(), caption, 0.0, 1.0))


def texts(dialogue: ChatHistory) -> list[str]:
    return [f"{message.role}: {message.content}" for message in dialogue.messages]


def test_a_turn_that_grows_is_one_question() -> None:
    dialogue = ChatHistory("Be brief.")
    assert dialogue.messages == ()
    hear(dialogue, 0, "What is")
    hear(dialogue, 0, "What is the time?")
    assert texts(dialogue) == ["system: Be brief.", "user: What is the time?"]


def test_what_the_user_may_go_on_to_say() -> None:
    dialogue = ChatHistory("")
    hear(dialogue, 0, "Hello.")
    hear(dialogue, 1, "What is")
    assert [message.content for message in dialogue.expect(1, "What is the time?")] == ["Hello. What is the time?"]
    assert texts(dialogue) == ["user: Hello. What is?"]


@pytest.mark.parametrize(
    ("left", "right", "same"),
    [
        ("what is the time?", "What is, the Time?", True),
        ("Is that so?", "Is that so.", False),
        ("What is 3 - 2?", "What is 3 2?", False),
        ("3.5", "35", False),
        ("?", "!", False),
    ],
)
def test_messages_are_alike_where_only_case_and_marks_within_them_differ(left: str, right: str, same: bool) -> None:
    before = ChatMessage("system", "Be brief.")
    assert alike((before, ChatMessage("user", left)), (before, ChatMessage("user", right))) is same
    assert not alike((before, ChatMessage("user", left)), (ChatMessage("user", left),))
    assert not alike((before, ChatMessage("user", left)), ())


@pytest.mark.parametrize(
    ("heard", "written"),
    [
        ("who founded the city", "Who founded the city?"),
        ("Who founded the city.", "Who founded the city?"),
        ("who founded the city?", "Who founded the city?"),
        ("How many? I mean, how many towers", "How many? I mean, how many towers."),
        ("Hello there. what's the time,", "Hello there. what's the time?"),
        ("When does it open", "When does it open?"),
        ("When I was young it was open.", "When I was young it was open."),
        ("What a day", "What a day."),
        ("Is it open?", "Is it open?"),
        ("It is open?", "It is open?"),
        ("Tell me a story,", "Tell me a story."),
        ("Stop!", "Stop!"),
        ("  ", ""),
        ("...", "..."),
        ("iPhone", "iPhone."),
    ],
)
def test_what_was_heard_is_sent_as_it_would_be_written(heard: str, written: str) -> None:
    assert as_written(heard) == written
    dialogue = ChatHistory("")
    hear(dialogue, 0, heard)
    assert [message.content for message in dialogue.messages] == ([written] if heard.strip() else [])


def test_what_was_written_is_sent_as_it_is() -> None:
    dialogue = ChatHistory("")
    dialogue.write("who founded  the city")
    assert texts(dialogue) == ["user: who founded  the city"]


def test_an_answer_that_was_heard_to_its_end() -> None:
    dialogue = ChatHistory("")
    hear(dialogue, 0, "Hello.")
    dialogue.begin_answer()
    dialogue.keep("Hello to you.", cut=False)
    assert dialogue.messages == ()
    hear(dialogue, 1, "How are you?")
    assert texts(dialogue) == ["user: Hello.", "assistant: Hello to you.", "user: How are you?"]


def test_a_cut_answer_ends_with_what_was_heard_and_a_dash() -> None:
    dialogue = ChatHistory("")
    hear(dialogue, 0, "Tell me a story.")
    dialogue.begin_answer()
    hear(dialogue, 1, "Stop.")
    dialogue.keep("Once upon a", cut=True)
    assert texts(dialogue) == ["user: Tell me a story.", "assistant: Once upon a —", "user: Stop."]


def test_words_over_an_answer_that_was_heard_to_its_end_are_no_turn() -> None:
    dialogue = ChatHistory("")
    hear(dialogue, 0, "Tell me a story.")
    dialogue.begin_answer()
    hear(dialogue, 1, "Mm-hm.")
    dialogue.keep("Once upon a time.", cut=False)
    assert dialogue.messages == ()


def test_an_answer_of_which_nothing_was_heard_leaves_its_question_open() -> None:
    dialogue = ChatHistory("")
    hear(dialogue, 0, "What is")
    dialogue.begin_answer()
    dialogue.keep("", cut=True)
    hear(dialogue, 0, "What is a fjord?")
    assert texts(dialogue) == ["user: What is a fjord?"]


def test_a_turn_that_went_on_over_its_answer_is_not_asked_twice() -> None:
    dialogue = ChatHistory("")
    hear(dialogue, 0, "What is a fjord?")
    dialogue.begin_answer()
    hear(dialogue, 0, "What is a fjord? No, wait.")
    dialogue.keep("A fjord is", cut=True)
    assert texts(dialogue)[-1] == "user: No, wait."


def test_what_is_written_is_asked_like_what_is_said() -> None:
    dialogue = ChatHistory("")
    dialogue.write("What is 2+2?")
    assert texts(dialogue) == ["user: What is 2+2?"]


TIME = StartedCall("1", "time_in", '{"place": "Tokyo"}')
ASKED = [
    "user: What is the time in Tokyo?",
    "assistant: ",
]


def call_time(dialogue: ChatHistory) -> None:
    """A question, and a call for it."""
    hear(dialogue, 0, "What is the time in Tokyo?")
    dialogue.note_asked()
    dialogue.note_calls((TIME,), ())


def test_calls_stand_between_the_question_and_the_heard_answer() -> None:
    dialogue = ChatHistory("")
    call_time(dialogue)
    dialogue.note_calls((), (EndedCall("1", "14:32"),))
    assert texts(dialogue) == [*ASKED, "tool: 14:32"]
    dialogue.begin_answer()
    dialogue.keep("It is half past two.", cut=False)
    hear(dialogue, 1, "And in Oslo?")
    assert texts(dialogue) == [*ASKED, "tool: 14:32", "assistant: It is half past two.", "user: And in Oslo?"]
    called, result = dialogue.messages[1:3]
    assert called.calls == (RequestedCall("1", "time_in", '{"place": "Tokyo"}'),)
    assert result.call_id == "1"


def test_rounds_of_calls_follow_one_another() -> None:
    dialogue = ChatHistory("")
    call_time(dialogue)
    dialogue.note_calls((), (EndedCall("1", "14:32"),))
    dialogue.note_calls((StartedCall("2", "roll_dice", "{}"),), ())
    dialogue.note_calls((), (EndedCall("2", "6"),))
    assert texts(dialogue) == [*ASKED, "tool: 14:32", "assistant: ", "tool: 6"]


def test_a_user_who_speaks_before_the_answer_does_not_make_the_call_undone() -> None:
    """It may have had effects; what was said since is the next message, also where the caption has grown."""
    dialogue = ChatHistory("")
    call_time(dialogue)
    hear(dialogue, 0, "What is the time in Tokyo? And the date")
    hear(dialogue, 1, "please?")
    assert texts(dialogue) == [*ASKED, f"tool: {NOT_AWAITED}", "user: And the date please?"]
    dialogue.note_calls((), (EndedCall("1", NOT_AWAITED, failed=True),))
    dialogue.begin_answer()
    dialogue.keep("It is Monday.", cut=False)
    assert dialogue.messages == ()
    hear(dialogue, 2, "Thanks.")
    expected = [f"tool: {NOT_AWAITED}", "user: And the date please?", "assistant: It is Monday.", "user: Thanks."]
    assert texts(dialogue)[2:] == expected


def test_words_over_the_first_part_of_an_answer_are_not_what_a_call_is_for() -> None:
    dialogue = ChatHistory("")
    hear(dialogue, 0, "What is the time in Tokyo?")
    dialogue.note_asked()
    dialogue.begin_answer()
    hear(dialogue, 1, "Okay.")
    dialogue.note_calls((TIME,), (EndedCall("1", "14:32"),))
    dialogue.keep("Let me look. It is half past two.", cut=False)
    hear(dialogue, 2, "Thanks.")
    assert texts(dialogue) == [
        *ASKED,
        "tool: 14:32",
        "assistant: Let me look. It is half past two.",
        "user: Thanks.",
    ]
