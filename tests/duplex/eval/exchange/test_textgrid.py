"""TextGrids in both text forms, and files that are not TextGrids."""

from pathlib import Path

import pytest

from duplex.eval.errors import EvaluationError
from duplex.eval.exchange.textgrid import Interval, Tier, read_textgrid

LONG = '''File type = "ooTextFile"
Object class = "TextGrid"

xmin = 0
xmax = 2.5
tiers? <exists>
size = 2
item []:
    item [1]:
        class = "IntervalTier"
        name = "words"
        xmin = 0
        xmax = 2.5
        intervals: size = 3
        intervals [1]:
            xmin = 0
            xmax = 0.25
            text = "so"
        intervals [2]:
            xmin = 0.25
            xmax = 1e0
            text = "say ""hi 5"""
        intervals [3]:
            xmin = 1
            xmax = 2.5
            text = ""
    item [2]:
        class = "TextTier"
        name = "points"
        xmin = 0
        xmax = 2.5
        points: size = 1
        points [1]:
            number = 1.5
            mark = "x"
'''
WORDS = (Interval("so", 0.0, 0.25), Interval('say "hi 5"', 0.25, 1.0), Interval("", 1.0, 2.5))


def write(path: Path, text: str, encoding: str = "utf-8") -> Path:
    path.write_text(text, encoding=encoding)
    return path


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "utf-8-sig"])
def test_the_long_form(tmp_path: Path, encoding: str) -> None:
    tiers = read_textgrid(write(tmp_path / "a.TextGrid", LONG, encoding))
    assert tiers == (Tier("words", WORDS), Tier("points", (), 1))


@pytest.mark.parametrize("head", ['"ooTextFile"', '"ooTextFile short"', '"ooTextFile short"\nObject class ='])
def test_the_short_forms(tmp_path: Path, head: str) -> None:
    lines = [head, '"TextGrid"', "0 2.5", "<exists>", "1", '"IntervalTier" "words" 0 2.5 3']
    lines += ['0 0.25 "so"', '0.25 1 "say ""hi 5"""', '1 2.5 ""']
    text = "File type = " + "\n".join(lines).replace("class =\n", "class = ")
    assert read_textgrid(write(tmp_path / "a.TextGrid", text)) == (Tier("words", WORDS),)


def test_words_that_do_not_stand_free_are_comments(tmp_path: Path) -> None:
    text = """File type = "ooTextFile"
Object class = "TextGrid"
0s 2.5s ! it lasts "2.5" <seconds>, not 3
we say that tiers <exists> and count 1 tier[2]
"IntervalTier" "words" from 0 to +25e-1: 3
0 0.25 "so" ! 1
0.25 1 "say ""hi 5\"""
1 2.5 ""
"""
    assert read_textgrid(write(tmp_path / "a.TextGrid", text)) == (Tier("words", WORDS),)


def test_the_chronological_form(tmp_path: Path) -> None:
    text = """"Praat chronological TextGrid text file"
0 2.5   ! Time domain.
3   ! Number of tiers.
"IntervalTier" "words" 0 2.5
"TextTier" "points" 0 2.5
"IntervalTier" "words" 0 2.5
1 0 0.25
"so"
3 0 2.5 "again"
2 1.5
"x"
1 0.25 1 "say ""hi 5\"""
1 1 2.5 ""
"""
    again = Tier("words", (Interval("again", 0.0, 2.5),))
    assert read_textgrid(write(tmp_path / "a.TextGrid", text)) == (Tier("words", WORDS), Tier("points", (), 1), again)


def test_tiers_of_one_name_are_all_kept(tmp_path: Path) -> None:
    text = LONG.replace('"points"', '"words"')
    assert [tier.name for tier in read_textgrid(write(tmp_path / "a.TextGrid", text))] == ["words", "words"]


def test_other_text_than_unicode_is_latin_1_as_for_praat(tmp_path: Path) -> None:
    tiers = read_textgrid(write(tmp_path / "a.TextGrid", LONG.replace('"so"', '"caf\u00e9"'), "latin-1"))
    assert tiers[0].intervals[0].text == "caf\u00e9"


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("hello", "it ends too early"),
        (LONG.replace("TextGrid", "Sound"), "does not begin with"),
        (LONG[:400], "it ends too early"),
        (LONG.replace("IntervalTier", "Tier"), "no kind of tier 'Tier'"),
        (LONG.replace('"so"', "so"), "there is a number where a string must be"),
        (LONG.replace('"so"', '"so"x'), "line 18: a quote or bracket is not closed, or not doubled"),
        (LONG.replace("size = 3", "size = -3"), "-3 cannot be a count"),
        (LONG.replace("1e0", "1e999"), "a number is too large"),
        ('"Praat chronological TextGrid text file" 0 1 1 "IntervalTier" "a" 0 1 2 0 1 "x"', "there is no tier 2"),
    ],
)
def test_another_file_is_named(tmp_path: Path, text: str, why: str) -> None:
    with pytest.raises(EvaluationError, match=why) as caught:
        read_textgrid(write(tmp_path / "a.TextGrid", text))
    assert "\n" not in str(caught.value)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(EvaluationError, match=r"none.TextGrid: cannot be read"):
        read_textgrid(tmp_path / "none.TextGrid")
