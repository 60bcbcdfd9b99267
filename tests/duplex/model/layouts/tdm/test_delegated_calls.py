"""Functions that a language model calls in a conversation: when, what is kept, what an interruption does."""

import pytest

from duplex.model.interface import Came, EndedCall, StartedCall, UserWords
from duplex.model.language_models.dialogue import NOT_AWAITED
from duplex.model.layouts.tdm.delegated import DelegatedAnswers
from tests.duplex.model.language_models.scripted_answers import CONFIG, AskedAnswers

TIME = StartedCall("1", "time_in", '{"place": "Tokyo"}')
QUESTION = "What time is it in Tokyo?"


@pytest.fixture
def llm(source: AskedAnswers) -> DelegatedAnswers:
    return DelegatedAnswers(source, 0, "", ("time_in",))


def hear(llm: DelegatedAnswers, caption: str, turn: int = 0) -> None:
    llm.hear(UserWords(turn, caption.lower(), caption, 0.0, 1.0))


def receive(llm: DelegatedAnswers, source: AskedAnswers, came: Came) -> None:
    source.next = came
    llm.receive()


def take_all(llm: DelegatedAnswers) -> list[str]:
    """What is said."""
    said: list[str] = []
    while items := llm.take_items():
        said += [item.said for item in items]
    return said


def say_first_part(llm: DelegatedAnswers, source: AskedAnswers) -> None:
    """The question, "Let me look." aloud, and a call that runs on."""
    hear(llm, QUESTION)
    receive(llm, source, Came("Let me look. "))
    assert llm.want()
    llm.begin()
    take_all(llm)
    receive(llm, source, Came(started=(TIME,)))
    llm.end("Let me look.", 99, cut=False)
    assert llm.thinking


def contents(source: AskedAnswers) -> list[str]:
    return [message.content for message in source.asked[-1]]


def test_a_call_for_expected_words_is_kept_with_the_words_that_came(
    llm: DelegatedAnswers, source: AskedAnswers
) -> None:
    llm.hear(UserWords(0, "what time", "What time", 0.0, 1.0), "What time is it in Tokyo")
    hear(llm, QUESTION)
    llm.want()
    receive(llm, source, Came(started=(TIME,)))
    assert [message.content for message in llm.dialogue.messages if message.role == "user"] == [QUESTION]
    assert len(source.asked) == 1


def test_only_an_answer_that_is_wanted_may_call_functions(llm: DelegatedAnswers, source: AskedAnswers) -> None:
    assert source.allowed == ("time_in",)
    hear(llm, QUESTION)
    assert source.wanted
    assert not source.confirmed
    assert not llm.want()
    assert source.confirmed
    hear(llm, f"{QUESTION} And", turn=0)
    assert not source.confirmed, "other words, another request"


def test_a_request_that_calls_is_not_made_again(llm: DelegatedAnswers, source: AskedAnswers) -> None:
    hear(llm, QUESTION)
    for came in (Came(started=(TIME,)), Came(ended=(EndedCall("1", "14:32"),))):
        assert not llm.want()
        assert llm.thinking
        receive(llm, source, came)
    receive(llm, source, Came("It is half past two.", finished=True))
    assert llm.want()
    llm.begin()
    take_all(llm)
    llm.end("It is half past two.", 99, cut=False)
    assert len(source.asked) == 1
    hear(llm, "And in Oslo?", turn=1)
    assert contents(source) == [QUESTION, "", "14:32", "It is half past two.", "And in Oslo?"]


def test_the_answer_goes_on_behind_what_was_said_before_the_call(llm: DelegatedAnswers, source: AskedAnswers) -> None:
    say_first_part(llm, source)
    receive(llm, source, Came("It is half past two.", finished=True, ended=(EndedCall("1", "14:32"),)))
    assert llm.want()
    llm.begin()
    assert take_all(llm)[0] == "it"
    llm.end("It is half past two.", 99, cut=False)
    hear(llm, "Thanks.", turn=1)
    assert contents(source) == [QUESTION, "", "14:32", "Let me look. It is half past two.", "Thanks."]


def test_okay_over_the_first_part_neither_cuts_the_answer_nor_calls_again(
    llm: DelegatedAnswers, source: AskedAnswers
) -> None:
    hear(llm, QUESTION)
    receive(llm, source, Came("Let me look. "))
    assert llm.want()
    llm.begin()
    take_all(llm)
    hear(llm, "Okay.", turn=1)
    receive(llm, source, Came(started=(TIME,), ended=(EndedCall("1", "14:32"),)))
    llm.end("Let me look.", 99, cut=False)
    receive(llm, source, Came("It is half past two.", finished=True))
    assert llm.want()
    assert len(source.asked) == 1


def test_a_user_who_speaks_while_a_function_runs_has_interrupted(llm: DelegatedAnswers, source: AskedAnswers) -> None:
    say_first_part(llm, source)
    hear(llm, "In Kyoto, I mean.", turn=1)
    assert contents(source) == [QUESTION, "", NOT_AWAITED, "Let me look. —", "In Kyoto, I mean."]
    assert not source.confirmed
    receive(llm, source, Came(ended=(EndedCall("1", NOT_AWAITED, failed=True),)))
    llm.want()
    assert len(source.asked) == 2, "that the call was given up is known already"


def test_a_user_who_speaks_before_anything_was_said_keeps_the_call_in_the_history(
    llm: DelegatedAnswers, source: AskedAnswers
) -> None:
    hear(llm, QUESTION)
    llm.want()
    receive(llm, source, Came(started=(TIME,)))
    hear(llm, f"{QUESTION} And in Oslo?")
    assert contents(source) == [QUESTION, "", NOT_AWAITED, "And in Oslo?"]


def test_an_answer_that_was_retracted_is_written_again_with_the_results(
    llm: DelegatedAnswers, source: AskedAnswers
) -> None:
    hear(llm, QUESTION)
    llm.want()
    receive(llm, source, Came("It is half past two. ", started=(TIME,), ended=(EndedCall("1", "14:32"),)))
    llm.begin()
    llm.retract()
    assert contents(source) == [QUESTION, "", "14:32"]


def test_an_answer_that_fails_after_its_first_part_is_over(llm: DelegatedAnswers, source: AskedAnswers) -> None:
    say_first_part(llm, source)
    receive(llm, source, Came(finished=True, error="The server is gone. Start it.", ended=(EndedCall("1", "14:32"),)))
    assert not llm.thinking
    hear(llm, "Hello?", turn=1)
    assert contents(source) == [QUESTION, "", "14:32", "Let me look.", "Hello?"]


def test_nobody_thinks_where_nothing_was_asked(llm: DelegatedAnswers) -> None:
    assert not llm.want()
    assert not llm.thinking


def test_a_server_that_costs_money_calls_as_soon_as_it_is_asked() -> None:
    source = AskedAnswers(CONFIG.model_copy(update={"source": "http://127.0.0.1/v1"}))
    llm = DelegatedAnswers(source, 0, "")
    hear(llm, QUESTION)
    assert not source.wanted
    llm.want()
    assert source.confirmed


def test_a_call_that_was_given_up_does_not_reopen_an_answer_that_goes_on(
    llm: DelegatedAnswers, source: AskedAnswers
) -> None:
    hear(llm, "Tell me.")
    receive(llm, source, Came("Once upon a time. There was a king.", finished=True))
    assert llm.want()
    llm.begin()
    take_all(llm)
    hear(llm, "Wait.", turn=1)
    llm.end("Once upon a time.", 4, cut=True)
    hear(llm, "Go on.", turn=2)
    receive(llm, source, Came(ended=(EndedCall("1", NOT_AWAITED, failed=True),)))
    assert llm.want()
    llm.begin()
    assert take_all(llm)[:2] == ["there", "was"]
    assert llm.over
