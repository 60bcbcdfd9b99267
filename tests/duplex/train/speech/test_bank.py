from pathlib import Path

import numpy as np
import pytest

from duplex.train.speech.bank import BankError, BankPart, BankWriter, Line, Piece, ReadingScript


def script(name: str, *texts: str) -> ReadingScript:
    pieces = tuple(Piece(text, "s") for text in texts)
    return ReadingScript(
        name, "your name is ada.", (Line(" ".join(texts), "Yes.", "kind", "key", False, pieces),), "a/b"
    )


def ramp(count: int) -> np.ndarray[tuple[int], np.dtype[np.float32]]:
    return np.linspace(-1, 1, count, dtype=np.float32)


def test_what_was_added_is_read(tmp_path: Path) -> None:
    writer = BankWriter(tmp_path, "turns")
    writer.add(script("turns/0", "hello", "there"), [[ramp(100), ramp(50)]])
    writer.add(script("turns/1", "bye"), [[ramp(70)]])
    part = BankPart(tmp_path, "turns")
    assert [s.name for s in part.scripts] == ["turns/0", "turns/1"]
    assert part.scripts[0].lines[0].answer == "Yes."
    lengths = [[piece.length for piece in s.lines[0].pieces] for s in part.scripts]
    assert lengths == [[100, 50], [70]]
    assert np.allclose(part.samples(part.scripts[1].lines[0].pieces[0]), ramp(70), atol=1e-4)


def test_resuming_drops_what_was_cut_off(tmp_path: Path) -> None:
    BankWriter(tmp_path, "turns").add(script("turns/0", "hello"), [[ramp(100)]])
    with (tmp_path / "turns.jsonl").open("a") as index, (tmp_path / "turns.i16").open("ab") as samples:
        index.write('{"name": "turns/1", "pro')
        samples.write(b"\0" * 77)
    writer = BankWriter(tmp_path, "turns")
    assert writer.done == {"turns/0"}
    writer.add(script("turns/1", "again"), [[ramp(30)]])
    part = BankPart(tmp_path, "turns")
    assert np.allclose(part.samples(part.scripts[1].lines[0].pieces[0]), ramp(30), atol=1e-4)


def test_missing_part_is_named(tmp_path: Path) -> None:
    with pytest.raises(BankError, match=r"turns\.jsonl is missing; run 'duplex train speech'"):
        BankPart(tmp_path, "turns")
