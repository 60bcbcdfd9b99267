"""When a language model is asked, what is said of its answer, and what it remembers."""

from duplex.model.layouts.tdm.delegated import REMIND_SLOTS, DelegatedAnswers
from tests.duplex.model.language_models.scripted_answers import CONFIG, AskedAnswers
from tests.duplex.model.layouts.tdm.delegated_moves import end, hear, receive, take_all


def test_an_answer_begins_before_the_turn_ends_and_is_dropped_when_words_change(
    llm: DelegatedAnswers, source: AskedAnswers
) -> None:
    hear(llm, "What is")
    receive(llm, source, "I cannot say. ")
    hear(llm, "What is a fjord?")
    assert source.questions == ["What is?", "What is a fjord?"]
    assert not llm.want()
    assert llm.thinking


def test_an_answer_to_words_that_are_expected_is_kept_when_they_come(
    llm: DelegatedAnswers, source: AskedAnswers
) -> None:
    hear(llm, "What is a", expected="What is a fjord?")
    receive(llm, source, "It is a bay. ")
    hear(llm, "What is a Fjord")
    assert llm.want()
    hear(llm, "What is a Fjord,", expected="What is a Fjord, please?")
    hear(llm, "What is a Fjord, or a bay?")
    assert not llm.want()
    assert source.questions == ["What is a fjord?", "What is a Fjord, please?", "What is a Fjord, or a bay?"]


def test_expected_words_that_do_not_come_are_not_answered(llm: DelegatedAnswers, source: AskedAnswers) -> None:
    hear(llm, "What is", expected="What is a fjord?")
    receive(llm, source, "It is a bay. ")
    assert not llm.want()
    assert source.questions == ["What is a fjord?", "What is?"]


def test_a_server_that_costs_money_is_asked_only_when_the_turn_has_ended() -> None:
    source = AskedAnswers(CONFIG.model_copy(update={"source": "http://127.0.0.1/v1"}))
    llm = DelegatedAnswers(source, 0, "")
    hear(llm, "What is a", expected="What is a fjord?")
    hear(llm, "What is a fjord?")
    assert source.questions == []
    assert source.prefilled == ["", "What is a?", "What is a fjord?"], (
        "the system prompt is read before anything is said"
    )
    llm.want()
    assert source.questions == ["What is a fjord?"]


def test_asking_twice_for_the_same_is_one_request(llm: DelegatedAnswers, source: AskedAnswers) -> None:
    hear(llm, "What is a fjord?")
    llm.want()
    llm.want()
    assert len(source.asked) == 1


def test_words_come_one_by_one_with_the_marks_behind_them(llm: DelegatedAnswers, source: AskedAnswers) -> None:
    hear(llm, "How much?")
    receive(llm, source, "Well, 25 - or more. ", finished=True)
    assert llm.want()
    llm.begin()
    assert take_all(llm) == [["well", ","], ["twenty"], ["five", ","], ["", "or"], ["more", "."]]
    assert llm.over


def test_a_written_word_is_shown_with_its_first_sound(llm: DelegatedAnswers, source: AskedAnswers) -> None:
    hear(llm, "How much?")
    receive(llm, source, "$25 in all. ", finished=True)
    llm.begin()
    shown = []
    while items := llm.take_items():
        shown.append([item.written for item in items if item.written is not None])
    assert shown == [["$25"], [], [], ["in"], ["all."]]


def test_nothing_to_say_is_no_answer_and_is_not_asked_again(llm: DelegatedAnswers, source: AskedAnswers) -> None:
    hear(llm, "Hello.")
    receive(llm, source, "", finished=True, error="the server refused the connection; start it")
    assert not llm.want()
    assert not llm.thinking
    assert llm.came is not None
    assert llm.came.error.startswith("the server refused")
    assert not llm.want()
    assert len(source.asked) == 1
    hear(llm, "Are you there?", turn=1)
    assert len(source.asked) == 2


def test_text_that_comes_too_slowly_pauses_the_answer_and_resumes_it(
    llm: DelegatedAnswers, source: AskedAnswers
) -> None:
    hear(llm, "Tell me.")
    llm.takes(refuses=False)
    receive(llm, source, "Once upon a time, ")
    assert llm.want()
    llm.begin()
    take_all(llm)
    end(llm, "Once upon a time,", cut=False)
    assert llm.thinking
    assert source.wanted
    receive(llm, source, "there was a sea.", finished=True)
    assert [llm.find_reminder(p_high=False) for _ in range(REMIND_SLOTS + 1)] == [
        "tell me",
        *[""] * (REMIND_SLOTS - 1),
        "tell me",
    ]
    assert llm.find_reminder(p_high=True) == ""
    assert llm.want()
    llm.begin()
    assert take_all(llm)[0] == ["there"]
    end(llm, "there was a sea.", cut=False)
    hear(llm, "And then?", turn=1)
    assert [m.content for m in source.asked[-1]] == [
        "Tell me.",
        "Once upon a time, there was a sea.",
        "And then?",
    ]


def test_a_user_who_speaks_in_such_a_pause_has_cut_the_answer(llm: DelegatedAnswers, source: AskedAnswers) -> None:
    hear(llm, "Tell me.")
    receive(llm, source, "Once upon a time, ")
    llm.begin()
    take_all(llm)
    end(llm, "Once upon a time,", cut=False)
    hear(llm, "Stop.", turn=1)
    assert [m.content for m in source.asked[-1]] == ["Tell me.", "Once upon a time, —", "Stop."]


def test_an_interruption_drops_the_rest_and_asks_anew(llm: DelegatedAnswers, source: AskedAnswers) -> None:
    hear(llm, "Tell me.")
    receive(llm, source, "Once upon a time there was a sea. ")
    llm.begin()
    take_all(llm)
    hear(llm, "What is a sea?", turn=1)
    assert len(source.asked) == 1, "words over an answer may be a backchannel"
    end(llm, "Once upon", cut=True)
    assert [m.content for m in source.asked[-1]] == ["Tell me.", "Once upon —", "What is a sea?"]


def test_a_retracted_answer_leaves_the_turn_open(llm: DelegatedAnswers, source: AskedAnswers) -> None:
    hear(llm, "What is")
    receive(llm, source, "It is ")
    llm.begin()
    llm.retract()
    hear(llm, "What is a fjord?")
    assert source.questions[-1] == "What is a fjord?"
    assert len(source.asked[-1]) == 1


def test_with_the_mixture_only_what_the_mind_would_refuse_is_delegated() -> None:
    source = AskedAnswers(CONFIG.model_copy(update={"answers": "unknown"}))
    llm = DelegatedAnswers(source, 0, "")
    hear(llm, "What is a fjord?")
    assert not llm.takes(refuses=False)
    assert not source.wanted
    end(llm, "A long inlet.", cut=False)
    hear(llm, "Who was Ibsen?", turn=1)
    assert llm.takes(refuses=True)
    assert llm.takes(refuses=False), "once chosen for a question, it stays"
    assert [m.content for m in source.asked[-1]] == ["What is a fjord?", "A long inlet.", "Who was Ibsen?"]


def test_a_written_question_breaks_off_an_answer_and_is_answered_at_once(
    llm: DelegatedAnswers, source: AskedAnswers
) -> None:
    hear(llm, "Tell me.")
    receive(llm, source, "Once upon a time. ")
    llm.begin()
    llm.write("What is 2+2?")
    assert llm.interrupts
    end(llm, "Once", cut=True)
    assert [m.content for m in source.asked[-1]] == ["Tell me.", "Once —", "What is 2+2?"]
    assert not llm.interrupts


def test_where_the_language_model_fails_the_mixture_lets_the_mind_refuse() -> None:
    source = AskedAnswers(CONFIG.model_copy(update={"answers": "unknown"}))
    llm = DelegatedAnswers(source, 0, "")
    hear(llm, "Who was Ibsen?")
    assert llm.takes(refuses=True)
    receive(llm, source, "", finished=True, error="it is gone")
    assert not llm.takes(refuses=True)
    end(llm, "Sorry, I don't know that.", cut=False)
    hear(llm, "Who was Grieg?", turn=1)
    assert llm.takes(refuses=True), "the next question is its own"


def test_what_is_said_or_written_over_an_answer_of_the_mind_is_not_asked_before_it_is_over() -> None:
    source = AskedAnswers(CONFIG.model_copy(update={"answers": "unknown"}))
    llm = DelegatedAnswers(source, 0, "")
    hear(llm, "What is a fjord?")
    assert not llm.takes(refuses=False)
    hear(llm, "Mm-hm.", turn=1)
    llm.write("Who was Ibsen?")
    assert source.questions == ["What is a fjord?"]
    assert llm.interrupts
    end(llm, "A long", cut=True)
    assert not llm.interrupts
    assert [m.content for m in source.asked[-1]] == ["What is a fjord?", "A long —", "Mm-hm. Who was Ibsen?"]


def test_text_that_comes_while_an_answer_ends_for_want_of_it_is_said_in_the_next_part(
    llm: DelegatedAnswers, source: AskedAnswers
) -> None:
    hear(llm, "Tell me.")
    receive(llm, source, "Once upon a time, ")
    assert llm.want()
    llm.begin()
    take_all(llm)
    receive(llm, source, "there was a sea. ", finished=True)
    end(llm, "Once upon a time,", cut=False)
    assert llm.want()
    llm.begin()
    assert take_all(llm)[0] == ["there"]
    assert llm.written.words == ["there", "was", "a", "sea."], "words are counted from the part's first"
