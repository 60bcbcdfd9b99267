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


LARGEST_YAML = 100_000
"""Bytes of a configuration."""
_DEEPEST = 50
_LONGEST = 600


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
        ConfigError: missing or huge file, broken YAML, or a top level that is not a mapping.
    """
    try:
        with path.open("rb") as file:
            data = file.read(LARGEST_YAML + 1)
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read ({error.strerror}); check the path") from None
    if len(data) > LARGEST_YAML:
        raise ConfigError(f"{path}: is larger than {LARGEST_YAML} bytes; give a configuration")
    try:
        values = parse_yaml(data.decode("utf-8-sig"))
    except ValueError as error:
        raise ConfigError(f"{path}: is not valid YAML ({error}); write 'key: value' lines in UTF-8") from None
    if not isinstance(values, dict):
        raise ConfigError(f"{path}: must hold 'key: value' lines at the top level")
    return values


def parse_yaml(text: str) -> Any:
    """The values of a YAML text.

    Raises:
        ValueError: it is not YAML, is nested too deeply, or has a value that is none; the message is one line.
    """
    try:
        return yaml.load(text, _Loader)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
    except Exception as error:  # PyYAML documents no error types for numbers and dates that are none
        raise ValueError(_short(" ".join(str(error).split()))) from None


class _Loader(yaml.SafeLoader):
    """Reads plain values; refuses aliases, which can make a small file mean an endless one, and brackets within many
    others, for which PyYAML takes the square of their number."""

    def fetch_flow_collection_start(self, TokenClass: Any) -> None:  # noqa: N803 - their name
        """See `yaml.scanner.Scanner`."""
        if self.flow_level >= _DEEPEST:
            raise RecursionError
        super().fetch_flow_collection_start(TokenClass)

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        """See `yaml.composer.Composer`."""
        if self.check_event(yaml.AliasEvent):
            raise ValueError("aliases (*name) are not read; write the value again")
        return super().compose_node(parent, index)


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
    key = _short(".".join(str(part) for part in first["loc"])) or "(top level)"
    if first["type"] == "extra_forbidden":
        return f"{source}: unknown key '{key}'; remove it or check its spelling"
    if first["type"] == "model_type":
        return f"{source}: '{key}' must hold 'key: value' lines"
    return f"{source}: '{key}' is wrong: {plain_message(first['msg'])}"


def plain_message(text: str) -> str:
    """What pydantic says about a value, without the prefix of our own checks."""
    return _short(text.removeprefix("Value error, "))


def _short(text: str) -> str:
    """Text from a file for a message: shortened if long, with unprintable characters escaped."""
    cut = text if len(text) <= _LONGEST else f"{text[:_LONGEST]}..."
    return "".join(one if one.isprintable() else repr(one)[1:-1] for one in cut)
