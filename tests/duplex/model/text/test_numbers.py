"""Cardinals in words."""

import pytest

from duplex.model.text.numbers import LARGEST, cardinal


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (0, "zero"),
        (13, "thirteen"),
        (20, "twenty"),
        (42, "forty two"),
        (100, "one hundred"),
        (365, "three hundred sixty five"),
        (1984, "one thousand nine hundred eighty four"),
        (2_000_001, "two million one"),
        (LARGEST + 1, "one zero zero zero zero zero zero zero zero zero"),
    ],
)
def test_cardinal(number: int, words: str) -> None:
    assert cardinal(number) == words
