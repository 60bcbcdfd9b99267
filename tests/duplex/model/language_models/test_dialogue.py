"""What a language model reads of a conversation: what was heard, no more."""

from duplex.model.interface import UserWords
from duplex.model.language_models.dialogue import ChatHistory


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
