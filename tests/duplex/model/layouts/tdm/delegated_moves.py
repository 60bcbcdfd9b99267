"""What a conversation tells its delegated answers, slot by slot."""

from duplex.model.interface import Came, UserWords
from duplex.model.layouts.tdm.delegated import DelegatedAnswers
from tests.duplex.model.language_models.scripted_answers import AskedAnswers


def hear(llm: DelegatedAnswers, caption: str, turn: int = 0, expected: str = "") -> None:
    llm.hear(UserWords(turn, caption.lower(), caption, 0.0, 1.0), expected)


def receive(llm: DelegatedAnswers, source: AskedAnswers, text: str, finished: bool = False, error: str = "") -> None:
    source.next = Came(text, finished, error)
    llm.receive()


def end(llm: DelegatedAnswers, heard: str, cut: bool) -> None:
    llm.end(heard, len(heard.split()), cut)


def take_all(llm: DelegatedAnswers) -> list[list[str]]:
    taken = []
    while items := llm.take_items():
        taken.append([item.said for item in items])
    return taken


def begin_story(llm: DelegatedAnswers, source: AskedAnswers, text: str, finished: bool) -> None:
    begin_answer(llm, source, "Tell me.", text, finished)


def begin_answer(
    llm: DelegatedAnswers, source: AskedAnswers, question: str, text: str, finished: bool, turn: int = 0
) -> None:
    hear(llm, question, turn)
    receive(llm, source, text, finished)
    assert llm.want()
    llm.begin()
    take_all(llm)
