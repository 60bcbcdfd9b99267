"""Exist-match as published, and on normalised words."""

import pytest

from duplex.eval.measures.text_match import exist_match, exist_match_norm, holds_phrase, normalise


@pytest.mark.parametrize(
    ("answer", "key", "official", "norm"),
    [
        ("The capital is Paris.", "Paris", True, True),
        ("the capital is paris", "Paris", True, True),
        ("Parisian", "Paris", False, False),
        ("It has 7 notes.", "Seven", False, True),
        ("twenty one", "Twenty one", True, True),
        ("Twenty-one.", "Twenty one", False, True),
        ("It is 21.", "twenty-one", False, True),
        ("six hundred and thirteen", "613", False, True),
        ("Beyonce sang it", "Beyoncé", False, True),
        ("Sao Paulo", "São Paulo", False, True),
        ("the lord of rings", "The lord of the rings", False, True),
        ("Mariana Trench", "Challenger Deep, Mariana Trench", False, False),
        ("it is the dog", "cat|dog", True, True),
        ("The symbol of gold is A U.", "Au", False, True),
        ("The first letter of apple is A.", "A", True, True),
        ("Cat is spelled K, A, T.", "C, A, T", False, False),
        ("", "Paris", False, False),
        ("anything", "", False, False),
    ],
)
def test_exist_match(answer: str, key: str, official: bool, norm: bool) -> None:
    assert exist_match(answer, key) is official
    assert exist_match_norm(answer, key) is norm


def test_punctuation_marks_are_tokens_of_the_published_match() -> None:
    assert not exist_match("A B", "A, B")
    assert exist_match("well A , B", "A, B")


def test_normalised_words() -> None:
    words = " ".join(normalise("The 1,024 Cats and a dog's house"))
    assert words == "one thousand twenty four cats and dogs house"


@pytest.mark.parametrize(("answer", "refuses"), [("Sorry, I don't know that.", True), ("I know that.", False)])
def test_phrases(answer: str, refuses: bool) -> None:
    assert holds_phrase(answer, ("don't know", "not sure")) is refuses
