"""What every configuration shares: frozen pydantic models, YAML reading, exact division.

This module handles files and keys, whatever the values mean.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError

Range = tuple[float, float]
"""(lowest, highest) of a uniform draw."""


class ConfigError(ValueError):
    """A configuration cannot be used. The message says what, why and how to fix it, in one line."""


class Config(BaseModel):
    """Base of all configurations: frozen; unknown keys and non-finite numbers are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    @classmethod
    def from_yaml(cls, path: Path) -> Self:
        """Read a YAML file.

        Raises:
            ConfigError: the file is missing, is not YAML, has an unknown key or a value of the wrong type.
        """
        return cls.from_mapping(read_yaml(path), str(path))

    @classmethod
    def from_mapping(cls, values: dict[str, Any], source: str) -> Self:
        """Validate plain values; `source` names their origin in errors."""
        try:
            return cls.model_validate(values)
        except ValidationError as error:
            raise ConfigError(_one_line(error, source)) from None

    @classmethod
    def from_options(cls, values: dict[str, Any]) -> Self:
        """Validate the values of a command's options; an error begins with the name of the option.

        Raises:
            ConfigError: a value is wrong, or two do not fit together.
        """
        try:
            return cls.model_validate(values)
        except ValidationError as error:
            first = error.errors()[0]
            option = "".join(f"--{key}: ".replace("_", "-") for key in map(str, first["loc"][:1]))
            raise ConfigError(f"{option}{plain_message(first['msg'])}") from None

    def change(self, changes: Mapping[str, Any], source: str) -> Self:
        """A copy with some values changed; `live.policy` names the key `policy` of the nested `live`.

        Raises:
            ConfigError: a key does not exist, or its value is wrong.
        """
        values = self.model_dump()
        for name, value in changes.items():
            *path, key = name.split(".")
            inner = values
            for part in path:
                inner = inner[part] if isinstance(inner.get(part), dict) else inner.setdefault(part, {})
            inner[key] = value
        return self.from_mapping(values, source)

    def to_yaml(self) -> str:
        """YAML text that `from_yaml` reads back to an equal object."""
        return yaml.safe_dump(self.model_dump(mode="json"), sort_keys=False, allow_unicode=True)


def read_yaml(path: Path) -> dict[str, Any]:
    """Top-level mapping of a YAML file.

    Raises:
        ConfigError: missing file, broken YAML, or a top level that is not a mapping.
    """
    try:
        values = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read ({error.strerror}); check the path") from None
    except yaml.YAMLError as error:
        raise ConfigError(f"{path}: is not valid YAML ({' '.join(str(error).split())})") from None
    if not isinstance(values, dict):
        raise ConfigError(f"{path}: must hold 'key: value' lines at the top level")
    return values


def exact_div(a: int, b: int) -> int:
    """a / b for integers.

    Raises:
        ConfigError: b does not divide a.
    """
    if a % b:
        raise ConfigError(f"{a} is not a multiple of {b}; change one of the two values")
    return a // b


def _one_line(error: ValidationError, source: str) -> str:
    found = error.errors()
    first = next((one for one in found if one["type"] == "extra_forbidden"), found[0])  # why another one is missing
    key = ".".join(str(part) for part in first["loc"]) or "(top level)"
    if first["type"] == "extra_forbidden":
        return f"{source}: unknown key '{key}'; remove it or check its spelling"
    if first["type"] == "model_type":
        return f"{source}: '{key}' must hold 'key: value' lines"
    return f"{source}: '{key}' is wrong: {plain_message(first['msg'])}"


def plain_message(text: str) -> str:
    """What pydantic says about a value, without the prefix of our own checks."""
    return text.removeprefix("Value error, ")
