"""Which words ask for the rest of an answer, and which only for a moment."""

import pytest

from duplex.model.language_models.go_on import asks_to_go_on, asks_to_wait


@pytest.mark.parametrize(
    "words",
    [
        "Go on.",
        "okay go on",
        "Sorry, please continue.",
        "Keep going!",
        "go ahead",
        "Can you carry on, please?",
        "you were saying",
        "Please continue with the story.",
        "continue from where you stopped",
        "stop... no, go on",
        "Go on, please continue.",
    ],
)
def test_asks_for_the_rest(words: str) -> None:
    assert asks_to_go_on(words)
    assert not asks_to_wait(words) or "stop" in words


@pytest.mark.parametrize(
    "words",
    [
        "",
        "What trip should I go on?",
        "Does the war continue?",
        "Go on a diet.",
        "What comes on?",
        "Continue with Norway.",
        "on go",
    ],
)
def test_asks_for_something_else(words: str) -> None:
    assert not asks_to_go_on(words)


@pytest.mark.parametrize("words", ["Wait.", "hold on a second please", "Stop!", "just a moment", "okay stop"])
def test_asks_for_a_moment(words: str) -> None:
    assert asks_to_wait(words)


@pytest.mark.parametrize("words", ["", "okay", "Stop the war.", "On what?", "Wait, what is a fjord?"])
def test_asks_for_more_than_a_moment(words: str) -> None:
    assert not asks_to_wait(words)
