"""Written English, word by word, as it is read aloud. The pairs are in written_spoken.tsv."""

from pathlib import Path

import pytest

from duplex.model.text.reading.reader import read
from duplex.model.text.spoken import list_spoken_words

PAIRS = [
    line.split("\t") for line in Path(__file__).with_name("written_spoken.tsv").read_text("utf-8").split("\n")[:-1]
]


def test_there_are_many_pairs() -> None:
    assert len(PAIRS) >= 200


@pytest.mark.parametrize(("written", "spoken"), PAIRS)
def test_written_as_spoken(written: str, spoken: str) -> None:
    assert " ".join(list_spoken_words(written)) == spoken


@pytest.mark.parametrize(("written", "spoken"), PAIRS)
def test_spoken_stays_as_it_is(written: str, spoken: str) -> None:
    assert list_spoken_words(spoken) == spoken.split()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("$1.5 million, yes!", [("$1.5", "one point five"), ("million,", "million dollars ,"), ("yes!", "yes !")]),
        ("7 - 3?", [("7", "seven"), ("-", "minus"), ("3?", "three ?")]),
        ("6,400 km (3,976 miles).", [
            ("6,400", "six thousand four hundred"), ("km", "kilometers ,"),
            ("(3,976", "three thousand nine hundred seventy six"), ("miles).", "miles ."),
        ]),
        ("$ 5, USD 5", [("$", ""), ("5,", "five dollars ,"), ("USD", ""), ("5", "five u s dollars")]),
        ("(555) 123-4567", [("(555)", "five five five"), ("123-4567", "one two three four five six seven")]),
        ("Hi 😀 北京!", [("Hi", "hi"), ("😀", ""), ("北", "bei"), ("京!", "jing !")]),
    ],
)  # fmt: skip
def test_every_written_word_has_what_is_said_for_it(text: str, said: list[tuple[str, str]]) -> None:
    assert [(one.written, " ".join(one.items)) for one in read(text)] == said


@pytest.mark.parametrize(
    ("text", "items"),
    [
        ("# Tea\n\nBoil water.\n- leaves\n- 2 cups\n\nDone", "tea . boil water . leaves . two cups . done"),
        ("| a | b |\n|---|---|\n| 1 | 2 |", "a , b . one , two"),
        ("A line\nthat goes on", "a line that goes on"),
        ("```py\nx = 1\n```", "py . x equals one ."),
        ("one (two), three; four: five", "one , two , three , four , five"),
        ("Really?! Yes... no", "really ? ! yes . no"),
    ],
)
def test_lines_and_signs_become_pauses(text: str, items: str) -> None:
    assert " ".join(item for one in read(text) for item in one.items) == items
