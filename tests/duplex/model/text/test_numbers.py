"""Cardinals in words."""

import pytest

from duplex.model.text.numbers import LARGEST, cardinal, cardinal_of, ordinal_of, year


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
        (3_000_000_000, "three billion"),
        (10**18 + 1, "one quintillion one"),
        (LARGEST + 1, " ".join(["one", *["zero"] * 66])),
    ],
)
def test_cardinal(number: int, words: str) -> None:
    assert cardinal(number) == words


def test_a_row_of_digits_may_be_longer_than_any_number() -> None:
    assert cardinal_of("0042") == "forty two"
    assert cardinal_of("1" * 5000) == " ".join(["one"] * 5000)


def test_ordinals() -> None:
    assert [ordinal_of(digits) for digits in ("1", "12", "20", "21", "100")] == [
        "first",
        "twelfth",
        "twentieth",
        "twenty first",
        "one hundredth",
    ]


def test_years() -> None:
    assert [year(number) for number in (1066, 1900, 1905, 1989, 2000, 2005, 2024)] == [
        "ten sixty six",
        "nineteen hundred",
        "nineteen oh five",
        "nineteen eighty nine",
        "two thousand",
        "two thousand five",
        "twenty twenty four",
    ]
