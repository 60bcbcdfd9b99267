"""The rest of an answer that was cut: on request, and where the user said nothing."""

import pytest

from duplex.model.layouts.tdm.delegated import GO_ON, RESUME_SLOTS, DelegatedAnswers
from tests.duplex.model.language_models.scripted_answers import CONFIG, AskedAnswers
from tests.duplex.model.layouts.tdm.delegated_moves import begin_answer, begin_story, end, hear, receive, take_all


def test_who_is_expected_to_say_go_on_is_not_answered_before_it_is_said(
    llm: DelegatedAnswers, source: AskedAnswers
) -> None:
    hear(llm, "Tell me.")
    receive(llm, source, "One two three. ", finished=True)
    llm.want()
    llm.begin()
    take_all(llm)
    hear(llm, "Okay,", turn=1)
    end(llm, "One", cut=True)
    hear(llm, "Okay,", turn=1, expected="Okay, go on.")
    hear(llm, "Okay, go on.", turn=1)
    assert source.questions[-1] == "Okay."
    assert llm.want()
    llm.begin()
    assert take_all(llm) == [["two"], ["three", "."]]


def test_go_on_brings_the_rest_of_an_answer_that_was_cut_and_asks_nobody(
    llm: DelegatedAnswers, source: AskedAnswers
) -> None:
    begin_story(llm, source, "Once there was a king. He had $5. ", finished=True)
    end(llm, "Once there was", cut=True)
    hear(llm, "Sorry, go on.", turn=1)
    assert [llm.find_reminder(p_high=True) for _ in range(2)] == [GO_ON, ""]
    assert source.questions == ["Tell me."]
    assert llm.takes(refuses=False)
    assert llm.want()
    llm.begin()
    assert take_all(llm) == [["a"], ["king", "."], ["he"], ["had"], ["five"], ["dollars", "."]]
    assert llm.over
    assert llm.written.words == ["a", "king.", "He", "had", "$5."]
    end(llm, "a king. He had $5.", cut=False)
    hear(llm, "Go on.", turn=2)
    assert source.questions[-1] == "Go on.", "there is no more of it"
    assert [m.content for m in source.asked[-1]] == [
        "Tell me.",
        "Once there was —",
        "Sorry, go on.",
        "a king. He had $5.",
        "Go on.",
    ]


def test_what_was_not_written_yet_is_asked_for_behind_what_was(llm: DelegatedAnswers, source: AskedAnswers) -> None:
    begin_story(llm, source, "Once there was a king ", finished=False)
    end(llm, "Once there", cut=True)
    hear(llm, "Go on.", turn=1)
    assert source.resumed == [("was", "a", "king")]
    receive(llm, source, "was a king of Norway.", finished=True)
    assert llm.want()
    llm.begin()
    assert take_all(llm)[0] == ["was"]


def test_a_request_to_wait_and_its_answer_leave_the_rest_where_it_is(
    llm: DelegatedAnswers, source: AskedAnswers
) -> None:
    begin_story(llm, source, "Once there was a king. ", finished=True)
    end(llm, "Once there was", cut=True)
    begin_answer(llm, source, "Hold on a second.", "Of course. ", finished=True, turn=1)
    end(llm, "Of course.", cut=False)
    hear(llm, "Okay, continue.", turn=2)
    assert llm.want()
    assert take_all(llm) == [["a"], ["king", "."]]


def test_after_another_answer_there_is_nothing_to_go_on_with(llm: DelegatedAnswers, source: AskedAnswers) -> None:
    begin_story(llm, source, "Once there was a king. ", finished=True)
    end(llm, "Once there was", cut=True)
    begin_answer(llm, source, "What is a fjord?", "An inlet. ", finished=True, turn=1)
    end(llm, "An inlet.", cut=False)
    hear(llm, "Go on.", turn=2)
    assert source.questions[-1] == "Go on."


@pytest.mark.parametrize("finished", [True, False])
def test_an_answer_that_was_cut_although_nobody_said_anything_goes_on(finished: bool) -> None:
    """The state head stops for a noise, or by mistake, and wants to speak again: the words are there."""
    mixture = AskedAnswers(CONFIG.model_copy(update={"answers": "unknown"}))
    llm = DelegatedAnswers(mixture, 0, "")
    hear(llm, "Tell me.")
    assert llm.takes(refuses=True)
    begin_story(llm, mixture, "Once there was a king. ", finished)
    end(llm, "Once there", cut=True)
    mixture.next = None
    llm.receive()
    assert llm.takes(refuses=False), "the embedded mind has nothing to say to that"
    if not finished:
        assert not llm.want()
        assert mixture.resumed == [("was", "a", "king.")]
        receive(llm, mixture, "was a king. ", finished=True)
    assert llm.want()
    llm.begin()
    assert take_all(llm) == [["was"], ["a"], ["king", "."]]
    hear(llm, "Mm-hm.", turn=1)
    end(llm, "was a king.", cut=False)
    hear(llm, "Thanks.", turn=2)
    assert llm.takes(refuses=True)
    assert [m.content for m in mixture.asked[-1]] == ["Tell me.", "Once there was a king.", "Thanks."]


def test_long_after_the_cut_it_does_not_go_on_by_itself(llm: DelegatedAnswers, source: AskedAnswers) -> None:
    begin_story(llm, source, "Once there was a king. ", finished=True)
    end(llm, "Once there", cut=True)
    source.next = None
    for _ in range(RESUME_SLOTS):
        llm.receive()
    assert not llm.want()
    hear(llm, "Go on.", turn=1)
    assert llm.want(), "when asked, it does"


def test_what_the_user_said_when_it_was_cut_is_answered_instead(llm: DelegatedAnswers, source: AskedAnswers) -> None:
    begin_story(llm, source, "Once there was a king. ", finished=True)
    hear(llm, "Which king?", turn=1)
    end(llm, "Once there", cut=True)
    assert not llm.want()
    assert [m.content for m in source.asked[-1]] == ["Tell me.", "Once there —", "Which king?"]


def test_with_the_mixture_go_on_is_the_language_models_where_its_answer_was_cut() -> None:
    source = AskedAnswers(CONFIG.model_copy(update={"answers": "unknown"}))
    llm = DelegatedAnswers(source, 0, "")
    hear(llm, "Tell me.")
    assert llm.takes(refuses=True)
    begin_story(llm, source, "Once there was a king. ", finished=True)
    end(llm, "Once there was", cut=True)
    hear(llm, "Go on.", turn=1)
    assert llm.takes(refuses=False)
