"""Figures of other benchmarks on rows whose words and times are known."""

import pytest

from configs.eval.protocols import ProtocolsConfig
from duplex.eval.measures.figures import Figure
from duplex.eval.suite import DialogueRow, Facts
from duplex.eval.suites import benchmarks
from tests.duplex.eval.counted import share_of

CONFIG = ProtocolsConfig()
ASKED = {"side": "user", "kind": "turn", "name": "turn", "start": 1.0, "end": 3.0}


def row(name: str, words: list[tuple[str, float, float]], *speech: tuple[float, float]) -> DialogueRow:
    """A turn of the user from 1 to 3 s, and the assistant's words and speech."""
    told = [{"text": text, "start": start, "end": end} for text, start, end in words]
    answers = [{"words": told}] if told else []
    spoken: list[Facts] = [
        {"side": "assistant", "kind": "speech", "name": "", "start": start, "end": end} for start, end in speech
    ]
    return DialogueRow(name, "group", {}, 0.0, (ASKED, *spoken), {"seconds": 10.0, "answers": answers})


def by_name(figures: list[Figure]) -> dict[str, Figure]:
    return {figure.name: figure for figure in figures}


ANSWERED = row("answered", [("it", 3.5, 3.7), ("is", 3.7, 4.0), ("so", 4.0, 4.6)], (3.4, 4.6))
SHORT = row("short", [("no", 3.4, 3.6)], (3.4, 3.6))
EARLY = row("early", [("well", 2.0, 2.4), ("it", 2.4, 2.9), ("is", 2.9, 3.3)], (2.0, 3.3))
SILENT = row("silent", [])
WORDLESS = row("wordless", [], (3.4, 5.0))


def test_a_smooth_turn_is_taken_by_words_after_its_end() -> None:
    found = by_name(list(benchmarks.smooth_turns([ANSWERED, SHORT, SILENT], "turn", CONFIG)))
    assert share_of(found["Full-Duplex-Bench v1 takeover, smooth turn"]) == pytest.approx(1 / 3)
    latency = found["Full-Duplex-Bench v1 latency, smooth turn, as published"].numbers
    assert (latency["n"], latency["mean"]) == (1, 0.5)


def test_who_speaks_before_the_end_of_a_smooth_turn_is_published_as_in_time() -> None:
    found = by_name(list(benchmarks.smooth_turns([EARLY], "turn", CONFIG)))
    assert share_of(found["Full-Duplex-Bench v1 takeover, smooth turn"]) == 1.0
    assert found["Full-Duplex-Bench v1 latency, smooth turn, as published"].numbers["mean"] == 0.0


def test_words_before_the_end_of_an_interruption_are_no_answer_to_it() -> None:
    found = by_name(list(benchmarks.interruptions([EARLY], "turn", CONFIG)))
    assert share_of(found["Full-Duplex-Bench v1 takeover, interruption"]) == 0.0


def test_a_pause_is_taken_over_by_words_before_the_turns_end() -> None:
    brief = row("brief", [("mm", 1.5, 1.8), ("hm", 2.0, 2.4)], (1.5, 2.4))
    found = by_name(list(benchmarks.pauses([EARLY, brief, ANSWERED, SILENT], "turn", CONFIG)))
    figure = found["Full-Duplex-Bench v1 takeover, pauses"]
    assert dict(figure.values) == {"early": 1.0, "brief": 0.0, "answered": 0.0, "silent": 0.0}


def test_a_system_without_words_is_left_out() -> None:
    assert list(benchmarks.smooth_turns([WORDLESS], "turn", CONFIG)) == []
    figures = by_name(list(benchmarks.smooth_turns([WORDLESS, ANSWERED], "turn", CONFIG)))
    assert figures["Full-Duplex-Bench v1 takeover, smooth turn"].numbers["n"] == 1


def test_overlaps_and_gaps_are_those_of_v15() -> None:
    spoke = row("spoke", [], (0.0, 1.4), (3.6, 5.0))
    found = by_name(list(benchmarks.overlap_timing([spoke], CONFIG)))
    assert found["Full-Duplex-Bench v1.5 stop (overlap)"].numbers["mean"] == pytest.approx(0.4)
    assert found["Full-Duplex-Bench v1.5 response"].numbers["mean"] == pytest.approx(0.6)
