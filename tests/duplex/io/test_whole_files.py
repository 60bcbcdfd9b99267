"""Text and files: line feeds separate lines, undecodable names are escaped, files are whole or untouched."""

import json
import os
from pathlib import Path

import pytest

from duplex.io.whole_files import (
    ESCAPING,
    escape,
    json_text,
    name_within,
    parse_json,
    replacing,
    text_lines,
    whole_lines,
    write_json,
    write_json_lines,
    write_text,
)

NAME = os.fsdecode(b"b\xe9d\xff.wav")
"""A file's name in another encoding than UTF-8, as Python holds it."""


@pytest.mark.parametrize("mark", ["\u2028", "\u2029", "\x85", "\x0b", "\x0c", "\x1c", "\r"])
def test_only_a_line_feed_ends_a_line(mark: str) -> None:
    assert text_lines(f"a{mark}b\nc") == [f"a{mark}b", "c"]
    assert whole_lines(f"a{mark}b\nc") == [f"a{mark}b\n"]


def test_a_last_line_may_lack_its_line_feed() -> None:
    assert text_lines("a\n\nb\n") == text_lines("a\n\nb") == ["a", "", "b"]
    assert text_lines("") == whole_lines("") == []


def test_what_is_no_text_is_escaped() -> None:
    assert escape(NAME) == r"b\xe9d\xff.wav"
    assert escape("\ud83d") == r"\ud83d"
    assert escape("é\u2028") == "é\u2028"
    assert f"é{NAME}".encode("ascii", ESCAPING) == rb"\xe9b\xe9d\xff.wav"


def test_json_of_any_name_is_json() -> None:
    assert json.loads(json_text({NAME: ["\ud83d", "é"]}).encode()) == {r"b\xe9d\xff.wav": [r"\ud83d", "é"]}


@pytest.mark.parametrize("text", ["", ".", "..", "...", ". .", "../../x", "/etc/passwd", "a\\..\\b", "a\0b"])
def test_a_name_from_elsewhere_stays_in_its_folder(tmp_path: Path, text: str) -> None:
    path = tmp_path / name_within(text)
    assert path.resolve().parent == tmp_path.resolve()
    path.mkdir()
    assert name_within("a b.c-1") == "a b.c-1"


def test_deep_json_is_a_value_error() -> None:
    with pytest.raises(ValueError, match="nested too deeply"):
        parse_json("[" * 100_000)


def test_a_file_is_whole_or_untouched(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    write_json(path, {"a": 1})
    with pytest.raises(TypeError):
        write_json(path, {"a": object()})
    with pytest.raises(KeyError):
        _break_off(path)
    assert json.loads(path.read_text()) == {"a": 1}
    assert os.listdir(tmp_path) == ["a.json"]


def _break_off(path: Path) -> None:
    with replacing(path) as beside:
        beside.write_text("half")
        raise KeyError


def test_nobody_sees_a_file_before_it_is_complete(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    with replacing(path) as beside:
        beside.write_text("all")
        assert not path.exists()
    assert path.read_text() == "all"


def test_text_and_lines_are_written_with_names_escaped(tmp_path: Path) -> None:
    write_text(tmp_path / "a.txt", NAME)
    assert (tmp_path / "a.txt").read_text(encoding="utf-8") == r"b\xe9d\xff.wav"
    write_json_lines(tmp_path / "a.jsonl", [{"a": NAME}, 2])
    assert [json.loads(line) for line in text_lines((tmp_path / "a.jsonl").read_text())] == [{"a": escape(NAME)}, 2]


def test_mode_and_links_stay(tmp_path: Path) -> None:
    target, link = tmp_path / "target", tmp_path / "link"
    write_text(target, "old")
    target.chmod(0o640)
    link.symlink_to(target)
    write_text(link, "new")
    assert link.is_symlink()
    assert target.read_text() == "new"
    assert target.stat().st_mode & 0o777 == 0o640


def test_a_device_is_written_to(tmp_path: Path) -> None:
    write_text(Path(os.devnull), "text")
    assert not Path(os.devnull).is_file()


def test_a_place_that_cannot_be_written_is_an_os_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        write_text(tmp_path / "none" / "a.txt", "text")
    with pytest.raises(IsADirectoryError):
        write_text(tmp_path, "text")
