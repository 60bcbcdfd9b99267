"""Properties of reading any text: nothing is lost, nothing fails, spoken text is unchanged."""

import re

from hypothesis import example, given
from hypothesis import strategies as st

from duplex.model.text.reading.reader import MARKS, read
from duplex.model.text.spoken import list_spoken_words
from duplex.model.text.word_stream import WORD

_BITS = (
    "1", "0", "7", "12", "2024", "1,000", "3.5", "$", "€", "%", "°", "'", '"', "-", "–", "/", "*", "x", "km", "m²", "½",
    "St.", "Dr.", "p.m.", "NASA", "PDFs", "II", "H2O", "@", "#", ":", ".", ",", "?", "(", ")", "http://", "www.", "a.b",
    "\n", "- ", "**", "|", "`", "May", "the", "ok", "é", "ß", "Ж", "北", "😀", "=", "<", ">", "^", "~", "_", "²",
    "million",
)  # fmt: skip
_WRITING = st.lists(st.one_of(st.sampled_from(_BITS), st.just(" "), st.text(max_size=3)), max_size=14).map("".join)
_TEXTS = st.one_of(st.text(), _WRITING)
_PLAIN = re.compile(r"[a-z]+(?:'[a-z]+)*")


@given(_TEXTS)
@example("ok's")
@example("a'")
@example("\ud800")
@example("9" * 5000)
@example("½" * 30 + "⅞¾")
@example("1/0 0/0 1:0 99:99 00/00/0000 0000-00-00")
def test_any_text_is_read_in_plain_words_and_marks_word_by_word(text: str) -> None:
    said = read(text)
    assert [one.written for one in said] == WORD.findall(text)
    assert all(item in MARKS or _PLAIN.fullmatch(item) for one in said for item in one.items)


@given(_TEXTS)
@example("ok. mr. etc. vs.")
@example("OK-OK")
def test_spoken_text_is_spoken_as_it_is(text: str) -> None:
    words = list_spoken_words(text)
    assert list_spoken_words(" ".join(words)) == words


@given(_TEXTS)
@example("USD 5")
@example("$ 5")
def test_a_text_with_letters_or_digits_is_never_silent(text: str) -> None:
    assert bool(list_spoken_words(text)) or not any(sign.isalpha() or sign.isdecimal() for sign in text)


@given(_TEXTS, st.integers(min_value=0))
@example("221B", 3)
@example("$1.5 million", 1)
@example("5'11\"", 0)
@example("https://www.example.com/docs", 0)
def test_every_letter_and_every_digit_counts(text: str, place: int) -> None:
    """Another letter or digit in its place changes what is said."""
    places = [at for at, sign in enumerate(text) if sign.isascii() and sign.isalnum()]
    if not places:
        return
    at = places[place % len(places)]
    assert list_spoken_words(text[:at] + _other(text[at]) + text[at + 1 :]) != list_spoken_words(text)


def _other(sign: str) -> str:
    if sign.isdecimal():
        return str((int(sign) + 1) % 10)
    return "q" if sign.lower() != "q" else "k"
