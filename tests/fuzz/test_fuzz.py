"""Some inputs of every kind, always the same ones; and the search itself finds what it looks for."""

import time
from random import Random

import pytest

from duplex.io.sound_file import SoundFileError
from runtime.errors import LogError
from tests.fuzz.edits import almost
from tests.fuzz.kind import MOST_BYTES, FaultError, try_input
from tests.fuzz.kinds import KINDS
from tests.fuzz.run import Summary, outcomes

INPUTS = {"offers": 60, "messages": 100, "requests": 200}
MOST = 300
"""Inputs of the other kinds."""


@pytest.mark.parametrize("kind", KINDS)
def test_inputs_that_are_almost_right_are_accepted_or_refused(kind: str) -> None:
    summary = Summary(kind)
    for number, outcome in outcomes(kind, 1, range(INPUTS.get(kind, MOST))):
        summary.add(number, outcome)
    assert summary.faults == {}, "again: python -m tests.fuzz --kind KIND --only NUMBER"
    assert summary.accepted >= 5
    assert summary.refused > summary.accepted / 10


@pytest.mark.parametrize("kind", KINDS)
def test_a_seed_gives_the_same_inputs(kind: str) -> None:
    one, other = KINDS[kind](), KINDS[kind]()
    assert [one.draw(1, number) for number in range(20)] == [other.draw(1, number) for number in range(20)]
    assert one.draw(1, 0) != one.draw(2, 0)


def test_typed_errors_are_no_faults() -> None:
    def refuse(data: bytes) -> bool:
        raise LogError("line 1 was changed; use an untouched copy")

    assert try_input(refuse, b"") is False
    assert try_input(lambda data: True, b"") is True


@pytest.mark.parametrize("error", [KeyError("x"), RecursionError(), SoundFileError("not a type for users")])
def test_other_exceptions_are_faults(error: Exception) -> None:
    def fail(data: bytes) -> bool:
        raise error

    with pytest.raises(FaultError, match=type(error).__name__):
        try_input(fail, b"")


def test_memory_and_long_messages_are_faults() -> None:
    with pytest.raises(FaultError, match=r"it took 2.. MB for 3 bytes"):
        try_input(lambda data: bool(bytes(MOST_BYTES + 10)), b"abc")

    def talk(data: bytes) -> bool:
        raise LogError("x" * 5000)

    with pytest.raises(FaultError, match="a message of 5000 characters"):
        try_input(talk, b"")


def test_an_input_that_takes_long_is_a_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    times = iter((1.0, 31.0))
    monkeypatch.setattr(time, "process_time", lambda: next(times))
    with pytest.raises(FaultError, match=r"it took 30\.0 s"):
        try_input(lambda data: True, b"")


def test_a_summary_counts_and_names() -> None:
    summary = Summary("sounds")
    for number, outcome in enumerate(["accepted", "refused", "refused", "KeyError: x", "KeyError: x"]):
        summary.add(number, outcome)
    assert summary.line() == "sounds: 5 inputs, 1 accepted, 2 refused, 2 faults of 1 kinds"
    assert summary.faults == {"KeyError: x": [3, 4]}


def test_edits_of_nothing_are_possible() -> None:
    assert all(isinstance(almost(Random(seed), [b""]), bytes) for seed in range(300))
