"""Loads tools by name: a file with definitions in JSON, or `module:function`."""

import json
import sys
from collections.abc import Callable, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

from configs.base import ConfigError
from configs.model.chat import ToolsConfig
from duplex.model.chat.tool_runner import ToolRunner
from duplex.model.chat.tools import Tool


def load_tools(names: Sequence[str], config: ToolsConfig) -> ToolRunner:
    """Load the tools of all names.

    Raises:
        ConfigError: a file or module cannot be read, or has no tools.
    """
    tools: list[Tool] = []
    for name in names:
        tools += _from_file(Path(name)) if name.endswith(".json") else [Tool.of(_function(name))]
    return ToolRunner(tools, config)


def _from_file(path: Path) -> list[Tool]:
    """Read definitions only: the user is asked for their results."""
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
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
        raise ConfigError(f"--tools {name}: is neither FILE.json nor module:function")
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
