"""The doctor's inputs and findings, independent of the terminal."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from runtime.errors import user_line

Level = Literal["ok", "warn", "fail"]


@dataclass(frozen=True)
class ModelRequirements:
    """Requirements on a model.

    `conversations`: how many should fit into memory. `changes`: values of its description by key (`device`, `dtype`,
    `detokenizer`, `speakers`, ...), as in `--set`.
    """

    conversations: int = 1
    changes: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Check:
    """One finding. `fix`: how to fix exactly this problem; empty if all is well."""

    name: str
    level: Level
    found: str
    fix: str = ""

    @classmethod
    def from_error(cls, name: str, error: Exception) -> "Check":
        """Make a check from an error, whose message ends with how to fix it."""
        line = user_line(error)
        found, _, fix = line.rpartition("; ")
        return cls(name, "fail", found, fix) if found else cls(name, "fail", line)
