"""Thoughts are removed however the text is cut; what can be given is given at once."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from duplex.model.language_models.reasoning import MARKS, ReasoningFilter

HARMONY = (
    "<|channel|>analysis<|message|>The user greets.<|end|><|start|>assistant<|channel|>final<|message|>Hello!<|return|>"
)
CALL = (
    "<|channel|>commentary<|message|>Let me look.<|end|>"
    '<|start|>assistant<|channel|>commentary to=functions.clock <|constrain|>json<|message|>{"place": "Rome"}<|call|>'
)


def spoken(pieces: list[str], begins_inside: bool = False, cut_off: bool = False) -> str:
    """What is left of a stream."""
    reasoning = ReasoningFilter(begins_inside)
    return "".join(reasoning.feed(piece) for piece in pieces) + reasoning.finish(cut_off)


@pytest.mark.parametrize(
    ("written", "heard"),
    [
        ("No thought.", "No thought."),
        ("  Spaces stay. ", "  Spaces stay. "),
        ("<think>Hm.</think>\n\nParis.", "Paris."),
        ("<think></think>Paris.", "Paris."),
        ("<think>a</think> <think>b</think> Paris.", "Paris."),
        ("Well, <think>which?</think> Paris.", "Well, Paris."),
        ("Well,<think>which?</think> Paris.", "Well, Paris."),
        ("<thinking>a </think> b</thinking>Paris.", "Paris."),
        ("<thought>a</thought><reasoning>b</reasoning>Paris.", "Paris."),
        ("[THINK]a[/THINK]Paris.", "Paris."),
        ("◁think▷a◁/think▷Paris.", "Paris."),
        ("<|START_THINKING|>a<|END_THINKING|>Paris.", "Paris."),
        ("<|channel>thought\na<channel|>Paris.", "Paris."),
        ("<think>a<think>b</think>Paris.", "Paris."),
        ("<think>It never ends. Paris.", ""),
        ("<think>It never ends.</thi", ""),
        ("Paris.<think>And why?", "Paris."),
        ("If a < b, then a<b, and [so] on. <thi", "If a < b, then a<b, and [so] on. <thi"),
        ("It began inside.</think>Paris.", "It began inside.Paris."),
        (HARMONY, "Hello!"),
        ("<|start|>assistant<|message|>Hello!<|end|>", "Hello!"),
        ("<|channel|>analysis<|message|>A <think> in a thought.<|end|><|channel|>final<|message|>Hello!", "Hello!"),
        ("<|channel|>analysis<|message|>Never done.", ""),
        ("<|channel|>fin", ""),
        (CALL, "Let me look."),
    ],
)
def test_only_what_is_no_thought_is_left(written: str, heard: str) -> None:
    assert spoken([written]) == heard


@pytest.mark.parametrize(
    ("written", "heard", "heard_cut_off"),
    [
        ("Hm, which?</think>\n\nParis.", "Paris.", "Paris."),
        ("<think>Hm, which?</think>Paris.", "Paris.", "Paris."),
        ("[THINK]Hm[/THINK]Paris.", "Paris.", "Paris."),
        ("Paris, with no thought.", "Paris, with no thought.", ""),
        ("<think>Never done.", "", ""),
        (HARMONY, "Hello!", "Hello!"),
    ],
)
def test_an_answer_that_begins_inside_a_thought(written: str, heard: str, heard_cut_off: str) -> None:
    assert spoken([written], begins_inside=True) == heard
    assert spoken([written], begins_inside=True, cut_off=True) == heard_cut_off


def test_the_filter_tells_what_it_met() -> None:
    plain, thinking, inside = (ReasoningFilter() for _ in range(3))
    plain.feed("Paris.")
    thinking.feed("<think>a</think>Paris.")
    inside.feed("a</think>Paris.")
    assert [(one.has_thought, one.began_inside) for one in (plain, thinking, inside)] == [
        (False, False),
        (True, False),
        (True, True),
    ]


def test_text_is_given_as_soon_as_it_cannot_be_a_mark() -> None:
    reasoning = ReasoningFilter()
    assert [reasoning.feed(piece) for piece in ("One ", "two <", "b", " three <thin", "k>x", "</think", ">four")] == [
        "One ",
        "two ",
        "<b",
        " three ",
        "",
        "",
        "four",
    ]


def test_no_mark_is_the_begin_of_another() -> None:
    assert not [(one, other) for one in MARKS for other in MARKS if one != other and other.startswith(one)]


PARTS = st.sampled_from([*MARKS, "<", "<thi", "</", "<|", "[", "|>", " ", "\n", "a", "Paris. ", "final", "to=f", "◁"])


@given(
    st.lists(PARTS, max_size=12).map("".join), st.lists(st.integers(0, 60), max_size=8), st.booleans(), st.booleans()
)
def test_any_cut_gives_the_same_text(text: str, cuts: list[int], begins_inside: bool, cut_off: bool) -> None:
    places = [0, *sorted(min(cut, len(text)) for cut in cuts), len(text)]
    pieces = [text[first:last] for first, last in pairwise(places)]
    whole = spoken([text], begins_inside, cut_off)
    assert spoken(pieces, begins_inside, cut_off) == whole
    assert spoken(list(text), begins_inside, cut_off) == whole


@given(st.text(st.characters(exclude_characters="<[◁")))
def test_text_without_marks_is_not_changed(text: str) -> None:
    assert ReasoningFilter().feed(text) == text
