"""Written text as spoken words."""

import pytest

from duplex.model.text.spoken import list_spoken_words


@pytest.mark.parametrize(
    ("written", "spoken"),
    [
        ("What is 27+14?", "what is twenty seven plus fourteen"),
        ("It's  the Dr. O’Neill!", "it's the doctor o'neill"),
        ("The 1st, the 22nd and the 30th.", "the first the twenty second and the thirtieth"),
        ("In 1989, in 2005 and 2024", "in nineteen eighty nine in two thousand five and twenty twenty four"),
        ("1,500 people, 144 dogs", "one thousand five hundred people one hundred forty four dogs"),
        ("3.14", "three point one four"),
        ("$5 or $1.50", "five dollars or one dollar and fifty cents"),
        ("at 3:05 p.m.", "at three oh five p m"),
        ("at 10:00", "at ten o'clock"),
        ("the 1960s", "the nineteen sixties"),
        ("C-A-T spells cat.", "c a t spells cat"),
        ("second-hand", "second hand"),
        ("OK, café", "okay cafe"),
        ("50% of U.S. 007", "fifty percent of u s zero zero seven"),
        ("'Tis the students' book.", "tis the students book"),
        ('... -- ""', ""),
    ],
)
def test_written_as_spoken(written: str, spoken: str) -> None:
    assert " ".join(list_spoken_words(written)) == spoken


def test_spoken_text_stays_as_it_is() -> None:
    text = "what is twenty seven plus fourteen isn't it"
    assert " ".join(list_spoken_words(text)) == text


def test_words_do_not_depend_on_where_the_text_is_cut() -> None:
    text = "On May 2nd, 1999, Mr. Smith paid $20 for 3 books."
    pieces = text.split(" ")
    joined = [word for piece in pieces for word in list_spoken_words(piece)]
    assert joined == list_spoken_words(text)


@pytest.mark.parametrize(
    ("before", "text", "spoken"),
    [
        ("What is 7", "- 3?", "minus three"),
        ("What is 7 -", "3?", "minus three"),
        ("It is 6,400", "km away", "kilometers away"),
        ("$1.50", "million", "million dollars"),
        ("Baker", "St.", "street"),
        ("so", "it is", "it is"),
    ],
)
def test_a_text_that_comes_in_pieces_is_read_behind_what_was_said(before: str, text: str, spoken: str) -> None:
    assert " ".join(list_spoken_words(text, before)) == spoken
