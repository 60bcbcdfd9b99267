"""The patterns, and the prompts word for word."""

import hashlib

import pytest

from configs.base import ConfigError
from configs.model.patterns import (
    FUNAUDIOCHAT,
    PAPERS,
    SPOKEN_PERSONA,
    TOOLS_SECTION,
    Pattern,
    multiple_choice,
    system_prompt,
    wording_of,
)


def test_what_goes_in_and_what_comes_out() -> None:
    assert {pattern for pattern in Pattern if not pattern.hears} == {Pattern.T2M, Pattern.T2T}
    assert {pattern for pattern in Pattern if not pattern.speaks} == {Pattern.S2T, Pattern.T2T}
    assert {pattern for pattern in Pattern if pattern.writes_first} == {Pattern.STC, Pattern.SAC, Pattern.SUC}
    assert Pattern.STC.steps == ("transcription", "text", "text and speech")


def test_seven_patterns_have_five_prompts() -> None:
    assert set(PAPERS.prompts) == set(FUNAUDIOCHAT.prompts) == set(Pattern)
    assert len(set(PAPERS.prompts.values())) == len(set(FUNAUDIOCHAT.prompts.values())) == 5
    assert PAPERS.prompts[Pattern.S2M] == PAPERS.prompts[Pattern.T2M]
    assert PAPERS.prompts[Pattern.STC] == (
        "You are a helpful assistant. Let's think step by step. Convert speech to text if the query is speech, think "
        "of an appropriate text response, and then convert the response back to both text and speech tokens at the "
        "same time."
    )


def test_the_released_checkpoint_has_its_own_wording() -> None:
    wording = wording_of("funaudiochat-8b")
    assert wording.prompts[Pattern.S2T] == "You are asked to generate text tokens."
    assert wording.prompts[Pattern.S2M] == ("You are asked to generate both text and speech tokens at the same time.")
    assert wording.note(Pattern.S2M) == ""
    assert "untested" in wording.note(Pattern.STC)
    assert wording_of("drvoice") is PAPERS
    assert PAPERS.note(Pattern.STC) == ""


@pytest.mark.parametrize(
    ("text", "digest"),
    [
        (system_prompt(FUNAUDIOCHAT, Pattern.S2M, SPOKEN_PERSONA), "9b409be9920866e5"),
        (
            system_prompt(FUNAUDIOCHAT, Pattern.S2T) + TOOLS_SECTION.replace("{tools}", "{tools_definition}"),
            "92c5e74becff91bd",
        ),
    ],
)
def test_published_prompts_are_word_for_word(text: str, digest: str) -> None:
    """Hashes of the authors' SPOKEN_S2M_PROMPT and FUNCTION_CALLING_PROMPT."""
    assert hashlib.sha256(text.encode()).hexdigest()[:16] == digest


def test_options_are_lettered() -> None:
    asked = multiple_choice("Who speaks?", ["a man", "a child"])
    assert asked == "Who speaks? Choose the correct option from the following options:\n(A)a man\n(B)a child"
    assert multiple_choice("Who speaks?", []) == "Who speaks?"
    with pytest.raises(ConfigError, match="27 options are more than there are letters"):
        multiple_choice("Which?", ["x"] * 27)


def test_patterns_by_name() -> None:
    assert Pattern.by_name("s2m") is Pattern.S2M
    with pytest.raises(ConfigError, match="unknown pattern 'S2S'; choose one of S2M, S2T"):
        Pattern.by_name("S2S")
