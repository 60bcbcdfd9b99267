"""Examples that would teach something wrong are left out, and it is said why."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from configs.train.examples import ExamplesInfo, FilterConfig
from duplex.train.examples.example import Example
from duplex.train.examples.example_folder import ExampleFolder, ExampleWriter
from duplex.train.examples.filter import ExampleFilter
from tests.duplex.train.examples.conftest import TOKENS, spoken

WHOLE = replace(spoken("a"), language="en")


def change(place: int, **fields: Any) -> Example:
    turns = [replace(turn, **fields) if number == place else turn for number, turn in enumerate(WHOLE.turns)]
    return replace(WHOLE, turns=tuple(turns))


@pytest.fixture
def folder(tmp_path: Path, write_sound: Callable[[str, float], Path]) -> ExampleFolder:
    write_sound("a-0.wav", 2.0)
    with ExampleWriter(tmp_path / "in", ExamplesInfo(tokens=TOKENS, audio="..")) as writer:
        writer.add([WHOLE])
    return ExampleFolder(tmp_path / "in")


@pytest.mark.parametrize(
    ("example", "why"),
    [
        (WHOLE, None),
        (change(0, seconds=0.1), "too short"),
        (change(0, seconds=61.0), "too long"),
        (change(1, tokens=(1,) * 4), "too short"),
        (change(1, tokens=(1,) * 1501), "too long"),
        (change(1, tokens=()), None),
        (replace(WHOLE, language="de"), "another language"),
    ],
)
def test_lengths_and_languages(folder: ExampleFolder, example: Example, why: str | None) -> None:
    def deaf(samples: object) -> str:
        raise AssertionError("nothing is to be heard without a limit of word errors")

    assert ExampleFilter(FilterConfig(languages=("en",)), folder, deaf).refuse(example) == why


@pytest.mark.parametrize(
    ("heard", "most", "why"),
    [
        ("question zero", 0.0, None),
        ("Question?", 0.4, "word errors"),
        ("question", 0.5, None),
        ("", 0.9, "word errors"),
    ],
)
def test_speech_that_is_not_its_text(folder: ExampleFolder, heard: str, most: float, why: str | None) -> None:
    lengths: list[int] = []

    def recognise(samples: Any) -> str:
        lengths.append(len(samples))
        return heard

    rule = ExampleFilter(FilterConfig(most_word_errors=most), folder, recognise)
    assert rule.refuse(change(0, text="Question zero?")) == why
    assert lengths == [48_000], "two seconds at 24 kHz, of the only turn that has sound"


def test_sound_that_is_gone_is_left_out(folder: ExampleFolder, tmp_path: Path) -> None:
    (tmp_path / "a-0.wav").unlink()
    rule = ExampleFilter(FilterConfig(most_word_errors=0.5), folder, lambda samples: "")
    assert rule.refuse(WHOLE) == "sound that cannot be read"
