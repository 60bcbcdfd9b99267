"""TextGrids in both text forms, and files that are none."""

from pathlib import Path

import pytest

from duplex.eval.errors import EvaluationError
from duplex.eval.exchange.textgrid import Interval, read_textgrid

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
    assert read_textgrid(write(tmp_path / "a.TextGrid", LONG, encoding)) == {"words": WORDS}


def test_the_short_form(tmp_path: Path) -> None:
    lines = ['"ooTextFile"', '"TextGrid"', "0 2.5", "<exists>", "1", '"IntervalTier" "words" 0 2.5 3']
    lines += ['0 0.25 "so"', '0.25 1 "say ""hi 5"""', '1 2.5 ""']
    text = "File type = " + "\n".join(lines)
    assert read_textgrid(write(tmp_path / "a.TextGrid", text)) == {"words": WORDS}


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("hello", "it ends too early"),
        (LONG.replace("TextGrid", "Sound"), "does not begin with"),
        (LONG[:400], "it ends too early"),
        (LONG.replace("IntervalTier", "Tier"), "no kind of tier 'Tier'"),
    ],
)
def test_another_file_is_named(tmp_path: Path, text: str, why: str) -> None:
    with pytest.raises(EvaluationError, match=why) as caught:
        read_textgrid(write(tmp_path / "a.TextGrid", text))
    assert "\n" not in str(caught.value)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(EvaluationError, match=r"none.TextGrid: cannot be read"):
        read_textgrid(tmp_path / "none.TextGrid")
