"""Text that grows is released in parts that can be spoken."""

from hypothesis import given
from hypothesis import strategies as st

from duplex.model.interface import Came
from duplex.model.language_models.interface import AnswerPiece
from duplex.model.language_models.phrases import PhraseGate


def release(gate: PhraseGate, text: str, at_ms: float, **more: str) -> str:
    came = gate.pass_on([AnswerPiece(text, at_ms=at_ms, **more)])  # type: ignore[arg-type]
    return came.text if came else ""


def test_text_that_outruns_speech_is_released_by_words_but_the_newest() -> None:
    gate = PhraseGate()
    assert release(gate, "It ", 0) == ""
    assert release(gate, "costs", 40) == "", "an answer that began with one word would soon lack the next"
    assert release(gate, " about", 60) == "It costs "
    assert release(gate, " $1.5 ", 80) == "about "
    assert release(gate, "million in ", 120) == ""
    assert release(gate, "the end ", 160) == "$1.5 million in the "


def test_a_model_that_is_known_to_be_quick_begins_with_the_first_word() -> None:
    gate = PhraseGate(quick=True)
    assert release(gate, "It ", 0) == ""
    assert release(gate, "costs", 60) == "It "
    assert release(gate, " about", 120) == "costs "
    assert gate.quick is None
    release(gate, " three times as much ", 400)
    assert gate.quick
    slow = PhraseGate(quick=True)
    assert release(slow, "It ", 0) + release(slow, "costs", 700) == ""
    release(slow, " three times as much ", 2000)
    assert slow.quick is False


def test_three_words_in_a_second_do_not_outrun_speech() -> None:
    gate = PhraseGate()
    assert release(gate, "It costs ", 0) == ""
    assert release(gate, "about ", 1000) == ""


def test_slow_text_is_released_by_clauses() -> None:
    gate = PhraseGate()
    assert release(gate, "Oslo, ", 0) == "Oslo, "
    assert release(gate, "which lies at the head of a fjord", 3000) == ""
    assert release(gate, ". It", 4000) == "which lies at the head of a fjord. "


def test_a_long_clause_without_a_mark_does_not_wait_for_ever() -> None:
    gate = PhraseGate()
    released = "".join(release(gate, f"word{index} ", 1000.0 * index) for index in range(20))
    assert released.startswith("word0 word1 ")
    assert not released.endswith("word19 ")


def test_a_number_is_not_cut_at_its_point() -> None:
    gate = PhraseGate()
    assert release(gate, "It is 3.", 0) == ""
    assert release(gate, "5 percent. ", 2000) == "It is 3.5 percent. "


def test_the_end_releases_everything() -> None:
    gate = PhraseGate()
    assert gate.pass_on([AnswerPiece("One two", at_ms=0), AnswerPiece(finish="stop", at_ms=9)]) == Came(
        "One two", finished=True
    )


def test_an_error_goes_with_what_came_before_it() -> None:
    gate = PhraseGate()
    assert gate.pass_on([AnswerPiece("Well", at_ms=0)]) is None
    error = AnswerPiece(finish="error", error="the server is gone", at_ms=10)
    assert gate.pass_on([error]) == Came("Well", finished=True, error="the server is gone")


def test_nothing_new_is_nothing() -> None:
    assert PhraseGate().pass_on([]) is None


def test_what_can_be_spoken_is_released_at_once() -> None:
    """A plain word behind the end of a sentence too, even if a number stands before it."""
    gate = PhraseGate()
    assert release(gate, "We are no 1. Then we", 100) == "We are no 1. Then "
    assert gate.pass_on([]) is None


@given(st.lists(st.tuples(st.text(alphabet="ab, .\n1", max_size=12), st.floats(0, 500)), max_size=20))
def test_no_letter_is_lost_or_doubled_and_parts_end_between_words(parts: list[tuple[str, float]]) -> None:
    gate, released, now = PhraseGate(), [], 0.0
    for text, after in parts:
        now += after
        released.append(release(gate, text, now))
        assert gate.pass_on([]) is None, "without news nothing becomes speakable"
    assert all(not part or part[-1].isspace() for part in released)
    last = gate.pass_on([AnswerPiece(finish="stop", at_ms=now)])
    assert last is not None
    assert "".join(released) + last.text == "".join(text for text, _ in parts)
