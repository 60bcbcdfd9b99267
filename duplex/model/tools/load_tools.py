"""Loads tools by name: an example, a file with definitions in JSON, or `module:function`."""

import sys
from collections.abc import Callable, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any, Final

from configs.base import ConfigError
from configs.model.tools import ToolsConfig
from duplex.io.whole_files import parse_json
from duplex.model.tools.examples.calculate import calculate
from duplex.model.tools.examples.roll_dice import roll_dice
from duplex.model.tools.examples.time_in import time_in
from duplex.model.tools.tool import Tool
from duplex.model.tools.tool_runner import ToolRunner

EXAMPLES: Final[dict[str, Callable[..., Any]]] = {
    "time_in": time_in,
    "calculate": calculate,
    "roll_dice": roll_dice,
}
ALL_EXAMPLES: Final = "examples"
"""The name of all of them."""


def load_tools(names: Sequence[str], config: ToolsConfig, live: bool = False) -> ToolRunner:
    """Load the tools of all names.

    Args:
        names: of examples, FILE.json, or `module:function`.
        config: limits of their calls.
        live: nobody can be asked for the results of definitions in a file.

    Raises:
        ConfigError: a file or module cannot be read, or has no tools.
    """
    tools: list[Tool] = []
    for name in names:
        if name == ALL_EXAMPLES:
            tools += map(Tool.of, EXAMPLES.values())
        elif name in EXAMPLES:
            tools.append(Tool.of(EXAMPLES[name]))
        elif name.endswith(".json"):
            tools += _from_file(Path(name), live)
        else:
            tools.append(Tool.of(_function(name)))
    return ToolRunner(tools, config)


def _from_file(path: Path, live: bool) -> list[Tool]:
    """Read definitions only: the user is asked for their results."""
    if live:
        raise ConfigError(
            f"--tools {path}: definitions in a file are answered by whoever chats line by line, which nobody does in a "
            "conversation with --llm; give module:function"
        )
    try:
        values = parse_json(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read ({error.strerror}); check --tools") from None
    except ValueError as error:
        raise ConfigError(f"{path}: is not valid JSON ({error})") from None
    definitions = values if isinstance(values, list) else [values]
    return [Tool.from_definition(one, f"{path}, tool {number}") for number, one in enumerate(definitions, 1)]


def _function(name: str) -> Callable[..., Any]:
    """Load `package.module:function`, including modules in the current folder."""
    module, _, attribute = name.partition(":")
    if not module or not attribute:
        known = ", ".join([ALL_EXAMPLES, *EXAMPLES])
        raise ConfigError(f"--tools {name}: is neither an example ({known}) nor FILE.json nor module:function")
    here = str(Path.cwd())
    if here not in sys.path:
        sys.path.insert(0, here)
    try:
        found = getattr(import_module(module), attribute, None)
    except Exception as error:  # whatever the module does when it is imported
        raise ConfigError(f"--tools {name}: {module} cannot be imported ({type(error).__name__}: {error})") from None
    if not callable(found):
        raise ConfigError(f"--tools {name}: {module} has no function '{attribute}'")
    function: Callable[..., Any] = found
    return function
