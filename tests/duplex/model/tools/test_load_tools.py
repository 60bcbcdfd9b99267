"""Tools by name."""

import json
from pathlib import Path

import pytest

from configs.base import ConfigError
from configs.model.tools import ToolsConfig
from duplex.model.tools.load_tools import load_tools

TOOLS = """
def double(x: int) -> int:
    "Twice a number."
    return 2 * x

seven = 7
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder, with a module, one that fails, and a file of definitions."""
    (tmp_path / "my_chat_tools.py").write_text(TOOLS)
    (tmp_path / "my_broken_tools.py").write_text("import nothing_of_that_name")
    (tmp_path / "tools.json").write_text(json.dumps([{"name": "battery"}, {"function": {"name": "light"}}]))
    (tmp_path / "one.json").write_text('{"name": "door"}')
    (tmp_path / "bad.json").write_text("[")
    (tmp_path / "wrong.json").write_text('[{"name": "a"}, {"nam": "b"}]')
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    return tmp_path


def test_files_and_functions_together(folder: Path) -> None:
    runner = load_tools(["tools.json", "my_chat_tools:double", "one.json"], ToolsConfig())
    assert list(runner.tools) == ["battery", "light", "double", "door"]
    assert runner.tools["battery"].run is None
    assert runner.tools["double"].run is not None


def test_examples_by_name() -> None:
    assert list(load_tools(["examples"], ToolsConfig()).tools) == ["time_in", "calculate", "roll_dice"]
    assert list(load_tools(["roll_dice", "time_in"], ToolsConfig()).tools) == ["roll_dice", "time_in"]


def test_in_a_live_conversation_nobody_gives_the_results_of_definitions(folder: Path) -> None:
    with pytest.raises(ConfigError, match=r"tools\.json: definitions in a file are answered by whoever chats"):
        load_tools(["tools.json"], ToolsConfig(), live=True)


@pytest.mark.parametrize(
    ("name", "error"),
    [
        ("none.json", "none.json: cannot be read"),
        ("bad.json", "bad.json: is not valid JSON"),
        ("wrong.json", "wrong.json, tool 2: "),
        ("double", "--tools double: is neither an example"),
        ("my_chat_tools:triple", "my_chat_tools has no function 'triple'"),
        ("my_chat_tools:seven", "my_chat_tools has no function 'seven'"),
        ("my_broken_tools:double", "my_broken_tools cannot be imported"),
    ],
)
def test_what_cannot_be_taken(folder: Path, name: str, error: str) -> None:
    with pytest.raises(ConfigError, match=error):
        load_tools([name], ToolsConfig())
