"""What a row of a generator gets of the language model that it asks."""

from duplex.model.interface import Came
from duplex.model.language_models.answers import LiveAnswers
from duplex.model.language_models.interface import ChatMessage
from tests.duplex.model.language_models.scripted_answers import CONFIG, ScriptedLlm

ASKED = ChatMessage("user", "Tell me a story.")
CUT = [ASKED, ChatMessage("assistant", "Once upon —"), ChatMessage("user", "Go on.")]


def resume(llm: ScriptedLlm, rest: list[str]) -> list[Came]:
    """All that comes."""
    answers = LiveAnswers(llm, CONFIG, 1)
    answers.resume(0, CUT, rest)
    return [came for came in iter(lambda: answers.poll(0), None) if came is not None]


def test_a_local_model_goes_on_with_the_answer_that_was_cut() -> None:
    llm = ScriptedLlm("there was a king.")
    llm.continues = True
    came = resume(llm, ["a", "time"])
    assert llm.requests == [(ASKED, ChatMessage("assistant", "Once upon a time"))]
    assert "".join(part.text for part in came) == "a time there was a king."
    assert came[-1].finished


def test_how_quick_the_model_was_is_remembered_for_its_next_answers() -> None:
    llm = ScriptedLlm("It is Oslo, as far as one can know.", word_ms=60.0)
    answers = LiveAnswers(llm, CONFIG, 1)
    answers.virtual = True
    waited = []
    for _ in range(2):
        answers.ask(0, [ASKED])
        waited.append(next(count for count in range(1, 20) if answers.poll(0)))
        for _ in range(10):
            answers.poll(0)
    assert (waited, llm.first_ms) == ([2, 2], 250.0)
    llm.first_ms = 330.0
    answers.ask(0, [ASKED])
    assert answers.poll(0) is None
    assert answers.poll(0) == Came("It ")


def test_without_a_rest_it_goes_on_with_what_was_heard() -> None:
    llm = ScriptedLlm("a time there was a king.")
    llm.continues = True
    assert resume(llm, [])[0].text.startswith("a time")
    assert llm.requests == [(ASKED, ChatMessage("assistant", "Once upon"))]


def test_a_server_that_cannot_is_asked_with_the_whole_conversation() -> None:
    llm = ScriptedLlm("So, once upon a time.")
    assert "".join(part.text for part in resume(llm, ["a", "time"])) == "So, once upon a time."
    assert llm.requests == [tuple(CUT)]
