"""A row that is given again what it was asks nobody, and its unfinished answer goes on afterwards."""

import pytest

from duplex.model.interface import Came, StartedCall
from duplex.model.language_models.interface import ChatMessage
from duplex.model.language_models.rehearsed_answers import RehearsedAnswers
from tests.duplex.model.language_models.scripted_answers import CONFIG, ScriptedLlm

ASKED = [ChatMessage("user", "Tell me a story.")]


@pytest.fixture
def llm() -> ScriptedLlm:
    return ScriptedLlm("there was a king.")


@pytest.fixture
def answers(llm: ScriptedLlm) -> RehearsedAnswers:
    made = RehearsedAnswers(llm, CONFIG, 1)
    made.open(0)
    made.rehearse(0)
    return made


def rest(answers: RehearsedAnswers) -> list[Came]:
    return [came for came in iter(lambda: answers.poll(0), None) if came is not None]


def test_what_came_is_given_and_nobody_is_asked(answers: RehearsedAnswers, llm: ScriptedLlm) -> None:
    given = Came("Once upon a time ")
    answers.prefill(0, ASKED)
    answers.ask(0, ASKED)
    answers.give(0, given)
    assert (answers.poll(0), answers.poll(0)) == (given, None)
    assert llm.requests == []


@pytest.mark.parametrize(
    ("came", "asked"),
    [([], [tuple(ASKED)]), (["Once upon ", "a time "], [(*ASKED, ChatMessage("assistant", "Once upon a time"))])],
)
def test_an_answer_that_was_under_way_goes_on(
    answers: RehearsedAnswers, llm: ScriptedLlm, came: list[str], asked: list[tuple[ChatMessage, ...]]
) -> None:
    llm.continues = True
    answers.ask(0, ASKED)
    for text in came:
        answers.give(0, Came(text))
        answers.poll(0)
    answers.end_rehearsal(0)
    assert "".join(part.text for part in rest(answers)) == "there was a king."
    assert llm.requests == asked


@pytest.mark.parametrize("end", ["finished", "dropped", "asked nothing"])
def test_what_was_over_stays_over(answers: RehearsedAnswers, llm: ScriptedLlm, end: str) -> None:
    if end != "asked nothing":
        answers.ask(0, ASKED)
        answers.give(0, Came("A king.", finished=end == "finished"))
        answers.poll(0)
    if end == "dropped":
        answers.drop(0)
    answers.end_rehearsal(0)
    assert (rest(answers), llm.requests) == ([], [])


@pytest.mark.parametrize("came", [Came("Once upon "), Came(started=(StartedCall("1", "roll_dice", "{}"),))])
def test_an_answer_that_cannot_go_on_ends_with_the_reason(
    answers: RehearsedAnswers, llm: ScriptedLlm, came: Came
) -> None:
    """A server begins a new message; a function that was called would be called again."""
    llm.continues = bool(came.started)
    answers.ask(0, ASKED)
    answers.give(0, came)
    answers.poll(0)
    answers.end_rehearsal(0)
    (told,) = rest(answers)
    assert (told.finished, "the rest of the answer was lost" in told.error.lower()) == (True, True)
    assert llm.requests == []


def test_after_the_rehearsal_all_is_live(answers: RehearsedAnswers, llm: ScriptedLlm) -> None:
    answers.end_rehearsal(0)
    answers.ask(0, ASKED)
    assert "".join(part.text for part in rest(answers)) == "there was a king."
    assert llm.requests == [tuple(ASKED)]
