"""What the doctor is asked and what it finds. Knows no terminal."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from runtime.errors import user_line

Level = Literal["ok", "warn", "fail"]


@dataclass(frozen=True)
class Wanted:
    """Where a model should run; None leaves what its description says."""

    conversations: int = 1
    device: str | None = None
    dtype: str | None = None
    detokenizer: str | None = None
    speakers: Path | None = None


@dataclass(frozen=True)
class Check:
    """One finding. `mend`: what to do about it; empty where all is well."""

    name: str
    level: Level
    found: str
    mend: str = ""

    @classmethod
    def failed(cls, name: str, error: Exception) -> "Check":
        """Of an error, whose line ends with how to mend it."""
        line = user_line(error)
        found, _, mend = line.rpartition("; ")
        return cls(name, "fail", found, mend) if found else cls(name, "fail", line)
