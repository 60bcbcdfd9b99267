"""The slot log: what is written is read back, a changed byte is located by line, a truncated log is readable."""

import json
import os
from dataclasses import replace
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from configs.policy import policy
from duplex.io.whole_files import text_lines
from duplex.model.interface import Came, ConversationOptions, EndedCall, StartedCall
from runtime.converse import converse
from runtime.errors import LogError
from runtime.session.log_records import LoggedUser, LoggedWord, LogHeader, SlotRow
from runtime.session.slot_log import SlotLogWriter, chain, read_log
from tests.malformed import is_one_line, make_malformed, value_or_error
from tests.runtime.fakes import FakeGenerator
from tests.runtime.user_audio import QUESTION

OPTIONS = ConversationOptions(7, policy("patient"), "be brief – bitte", 0.5, 1.75e9, 3600)
HEADER = LogHeader("abc", "fake", "fake-1", 1.5, OPTIONS, {"python": "3.11"}, "a file.wav")


@pytest.fixture(scope="module")
def rows() -> tuple[SlotRow, ...]:
    return converse(FakeGenerator(), QUESTION, tail_s=1.0).rows


@pytest.fixture
def log(tmp_path: Path, rows: tuple[SlotRow, ...]) -> Path:
    path = tmp_path / "slots.jsonl"
    writer = SlotLogWriter(path, HEADER)
    for row in rows:
        writer.row(row)
    writer.close("bye")
    writer.close("twice")
    return path


def test_a_log_reads_back_equal(log: Path, rows: tuple[SlotRow, ...]) -> None:
    content = read_log(log)
    assert content.header == HEADER
    assert content.rows == rows
    assert content.end is not None
    assert (content.end.slots, content.end.reason) == (len(rows), "bye")


def test_calls_of_functions_read_back_equal(tmp_path: Path, rows: tuple[SlotRow, ...]) -> None:
    calls = Came(
        "Wait. ", started=(StartedCall("1", "time_in", '{"place": "Oslo"}'),), ended=(EndedCall("1", "14:32", True),)
    )
    header = replace(HEADER, options=replace(OPTIONS, tools=("time_in",)), llm={"source": "x"}, tools=("time_in",))
    writer = SlotLogWriter(tmp_path / "log", header)
    writer.row(replace(rows[0], came=calls))
    writer.row(replace(rows[1], came=Came("It is late.", finished=True)))
    writer.close("end")
    content = read_log(tmp_path / "log")
    assert content.header == header
    assert content.rows[0].came == calls
    lines = (tmp_path / "log").read_text().splitlines()
    assert json.loads(lines[2])["came"] == {"text": "It is late.", "finished": True, "error": ""}


def test_a_conversation_without_functions_is_logged_as_ever(log: Path) -> None:
    header = json.loads(log.read_text().splitlines()[0])
    assert "tools" not in header
    assert "tools" not in header["options"]


def test_rows_are_on_disk_as_they_come(tmp_path: Path, rows: tuple[SlotRow, ...]) -> None:
    writer = SlotLogWriter(tmp_path / "log", HEADER)
    for count, row in enumerate(rows[:4], start=1):
        writer.row(row)
        assert len(read_log(tmp_path / "log").rows) == count
    writer.close("end")


@settings(
    max_examples=150, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(place=st.floats(0, 1, exclude_max=True), change=st.integers(1, 255))
def test_one_changed_byte_is_reported_with_its_line(log: Path, place: float, change: int) -> None:
    data = log.read_bytes()
    index = int(place * len(data))
    damaged = log.with_name("damaged.jsonl")
    damaged.write_bytes(data[:index] + bytes([data[index] ^ change]) + data[index + 1 :])
    with pytest.raises(LogError, match=rf"line {data[:index].count(10) + 1} was changed or damaged"):
        read_log(damaged)


@pytest.mark.parametrize("edit", ["swap", "drop", "repeat"])
def test_moved_lines_are_reported(log: Path, edit: str) -> None:
    lines = log.read_bytes().splitlines(keepends=True)
    new = {"swap": [*lines[:3], lines[4], lines[3], *lines[5:]], "drop": lines[:3] + lines[4:], "repeat": lines[:4] * 2}
    log.write_bytes(b"".join(new[edit]))
    with pytest.raises(LogError, match="was changed or damaged"):
        read_log(log)


def test_a_log_that_ends_early_is_readable_up_to_its_last_whole_line(log: Path, rows: tuple[SlotRow, ...]) -> None:
    data = log.read_bytes()
    lines = data.splitlines(keepends=True)
    log.write_bytes(b"".join(lines[:6]) + lines[6][:100])
    content = read_log(log)
    assert content.rows == rows[:5]
    assert content.end is None


@pytest.mark.parametrize("content", [b"", b"hello\n", b"{}\n", b"\xff\xfe\n", b'{"kind":"header"}\n'])
def test_other_files_are_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "x.jsonl"
    path.write_bytes(content)
    with pytest.raises(LogError, match=r"x\.jsonl: "):
        read_log(path)


def test_a_missing_log_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(LogError, match="cannot be read"):
        read_log(tmp_path / "none.jsonl")
    with pytest.raises(LogError, match="cannot be written"):
        SlotLogWriter(tmp_path / "no folder" / "slots.jsonl", HEADER)


def test_a_value_that_json_cannot_hold_is_not_written(tmp_path: Path, rows: tuple[SlotRow, ...]) -> None:
    writer = SlotLogWriter(tmp_path / "log", HEADER)
    with pytest.raises(ValueError, match="not JSON compliant"):
        writer.row(replace(rows[0], p_speak=float("nan")))
    writer.close("end")
    assert read_log(tmp_path / "log").rows == ()


def test_a_source_that_is_no_text_is_escaped(tmp_path: Path) -> None:
    writer = SlotLogWriter(tmp_path / "log", replace(HEADER, source=os.fsdecode(b"b\xff.wav")))
    writer.close("end")
    assert read_log(tmp_path / "log").header.source == r"b\xff.wav"
    json.loads(text_lines((tmp_path / "log").read_text(encoding="utf-8"))[0])


def add_chain(lines: list[bytes]) -> bytes:
    """Lines with a chain of their own, as if the program had written them."""
    data, previous = b"", ""
    for line in lines:
        content = line.decode("utf-8", errors="surrogateescape")
        previous = chain(previous, content)
        data += line[:-1] + f',"chain":"{previous}"}}\n'.encode()
    return data


WORD = LoggedWord(1, 0, "yes", 0.0, 90.0, 1.0)
USER = LoggedUser(0, "hello", "hello", 0.2, 0.9)
ROW = SlotRow(
    0, 0.5, "MUTE", "none", 3, ("yes",), [[1, 2]], USER, (WORD,), "a", "b", -60.0, -100.0, ((0, 4),), 0.0, ("holes",),
    {"captured": 0.2}, {"ears": 1.0},
)  # fmt: skip
PIECES = [b'"', b"{", b"}", b"[", b"]", b",", b":", b"null", b"[]", b'"x"', b"1e999", b"\xff", b"\n", b'"kind":"end"']


@cache
def good_lines() -> list[bytes]:
    with TemporaryDirectory() as folder:
        writer = SlotLogWriter(Path(folder) / "log", HEADER)
        writer.row(ROW)
        writer.close("bye")
        return [line[:-76] + b"}" for line in (Path(folder) / "log").read_bytes().split(b"\n")[:-1]]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(drawn=st.data(), whole=st.booleans())
def test_any_file_is_a_log_or_a_typed_error(tmp_path: Path, drawn: st.DataObject, whole: bool) -> None:
    path = tmp_path / "log"
    if whole:
        lines = [drawn.draw(st.just(line) | make_malformed([line], PIECES)) for line in good_lines()]
        path.write_bytes(add_chain(lines))
    else:
        path.write_bytes(drawn.draw(make_malformed([add_chain(good_lines())], PIECES)))
    found = value_or_error(lambda: read_log(path), LogError)
    if isinstance(found, LogError):
        assert is_one_line(found, path)
    else:
        assert found.header.session


def test_the_lines_that_are_made_malformed_are_good(tmp_path: Path) -> None:
    (tmp_path / "log").write_bytes(add_chain(good_lines()))
    assert read_log(tmp_path / "log").rows == (ROW,)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b'"p_speak":0.5', b'"p_speak":"loud"'),
        (b'"p_speak":0.5', b'"p_speak":' + b"9" * 400),
        (b'"p_speak":0.5', b'"p_speak":1e999'),
        (b'"tokens":[[1,2]]', b'"tokens":[3]'),
        (b'"holes":[[0,4]]', b'"holes":[[0]]'),
        (b'"holes":[[0,4]]', b'"holes":5'),
        (b'"times_ms":{', b'"times_ms":null,"x":{'),
        (b'"user":{', b'"user":[{'),
        (b'"spoken":[{', b'"spoken":[1,{'),
        (b'"options":{', b'"options":7,"x":{'),
        (b'"policy":{', b'"policy":[],"x":{'),
        (b'"versions":{', b'"versions":"x","y":{'),
        (b'"slots":1', b'"slots":null'),
        (b'"slot":0', b'"slot":' + b"[" * 5000),
    ],
)
def test_a_whole_log_with_a_value_of_another_type_is_one_line(tmp_path: Path, old: bytes, new: bytes) -> None:
    (tmp_path / "log").write_bytes(add_chain([line.replace(old, new) for line in good_lines()]))
    with pytest.raises(LogError) as caught:
        read_log(tmp_path / "log")
    assert is_one_line(caught.value, tmp_path / "log")
    assert old in b"".join(good_lines())
