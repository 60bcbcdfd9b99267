"""What the doctor is asked and what it finds. Knows no terminal."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from runtime.errors import user_line

Level = Literal["ok", "warn", "fail"]


@dataclass(frozen=True)
class ModelRequirements:
    """What is asked of a model.

    `conversations`: that should fit into memory. `changes`: values of its description by their keys (`device`,
    `dtype`, `detokenizer`, `speakers`, ...), as `--set` takes them.
    """

    conversations: int = 1
    changes: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Check:
    """One finding. `fix`: how to fix what was found, and nothing else; empty where all is well."""

    name: str
    level: Level
    found: str
    fix: str = ""

    @classmethod
    def from_error(cls, name: str, error: Exception) -> "Check":
        """Of an error, whose line ends with how to fix it."""
        line = user_line(error)
        found, _, fix = line.rpartition("; ")
        return cls(name, "fail", found, fix) if found else cls(name, "fail", line)
