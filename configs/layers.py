"""Builds a configuration from several sources, each of which overrides those before it.

    build(ServerConfig, [file_layer(path), environment_layer(ServerConfig, os.environ), option_layer(given)])

Every error names the source of the wrong value as its user wrote it: a key of a file, a variable, an option. This
module handles mappings and names; it does not depend on what the values mean.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypeVar

import yaml
from pydantic import ValidationError

from configs.base import Config, ConfigError, plain_message, read_yaml

C = TypeVar("C", bound=Config)
PREFIX: Final = "DUPLEX_"
DELIMITER: Final = "__"
_NO_SECTION: Final = "must hold 'key: value' lines"

Place = tuple[str, ...]
"""Keys from the top of a configuration to a value."""


@dataclass(frozen=True)
class Layer:
    """Nested values of one source; `name`: how its user finds the value at a place, for errors."""

    values: dict[str, Any]
    name: Callable[[Place], str]


def file_layer(path: Path) -> Layer:
    """The values of a YAML file.

    Raises:
        ConfigError: see `read_yaml`.
    """
    return Layer(read_yaml(path), lambda place: f"{path}: {'.'.join(place)}")


def environment_layer(kind: type[C], variables: Mapping[str, str]) -> Layer:
    """The values of variables such as `DUPLEX_ENGINE__MAX_SESSIONS`; lists and sections are YAML, `null` is None.

    A name without `__` counts only if it is a key of `kind`, because other variables begin with `DUPLEX_` too.
    """
    values: dict[str, Any] = {}
    for name, text in sorted(variables.items()):
        place = name.removeprefix(PREFIX).lower().split(DELIMITER)
        if name.startswith(PREFIX) and (len(place) > 1 or place[0] in kind.model_fields):
            _put(values, place, _parse(text))

    def find(place: Place) -> str:
        start = PREFIX + DELIMITER.join(place).upper()
        return next((one for one in sorted(variables) if one.startswith(start)), start)

    return Layer(values, find)


def option_layer(given: Mapping[str, tuple[str, Any]]) -> Layer:
    """The values of a command's options.

    Args:
        given: place with dots -> (name of the option, its value); options that are None were not given.
    """
    values: dict[str, Any] = {}
    for place, (_, value) in given.items():
        if value is not None:
            _put(values, place.split("."), value)
    return Layer(values, lambda place: given.get(".".join(place), ("--" + place[-1], None))[0])


def build(kind: type[C], layers: Sequence[Layer]) -> C:
    """The configuration; the last layer that has a value decides.

    Raises:
        ConfigError: a key does not exist, a value is wrong, or two do not fit together.
    """
    merged: dict[str, Any] = {}
    for layer in layers:
        merged = _merge(merged, layer.values)
    try:
        return kind.model_validate(merged)
    except ValidationError as error:
        raise ConfigError(_one_line(error, layers)) from None


def _put(values: dict[str, Any], place: Sequence[str], value: Any) -> None:
    """Set a nested value, unless something that is no section is in its way, which will be an error."""
    *sections, key = place
    inner: Any = values
    for section in sections:
        inner = inner.setdefault(section, {})
        if not isinstance(inner, dict):
            return
    inner[key] = value


def _parse(text: str) -> Any:
    """The value of a variable. Texts stay texts, which pydantic converts: a token may look like a number."""
    if text != "null" and not text.startswith(("[", "{")):
        return text
    try:
        return yaml.safe_load(text)
    except yaml.YAMLError:
        return text


def _merge(below: dict[str, Any], above: dict[str, Any]) -> dict[str, Any]:
    """Both, where `above` wins. What should be a section and is none stays, so that it is an error."""
    merged = dict(below)
    for key, value in above.items():
        if not isinstance(value, dict) or key not in below:
            merged[key] = value
        elif isinstance(below[key], dict):
            merged[key] = _merge(below[key], value)
    return merged


def _one_line(error: ValidationError, layers: Sequence[Layer]) -> str:
    found = error.errors()
    first = next((one for one in found if one["type"] == "extra_forbidden"), found[0])
    message = plain_message(first["msg"])
    if first["type"] == "value_error" and isinstance(first["input"], dict):
        return message  # a check of several values, which names them itself
    place = tuple(part for part in first["loc"] if isinstance(part, str))
    flat = first["type"] == "model_type"
    names = (layer.name(place) for layer in reversed(layers) if place and _holds(layer.values, place, flat))
    name = next(names, ".".join(map(str, first["loc"])))
    known = {"extra_forbidden": "unknown key; remove it or check its spelling", "model_type": _NO_SECTION}
    return f"{name}: {known.get(first['type'], message)}"


def _holds(values: Any, place: Place, flat: bool) -> bool:
    """Whether there is a value at a place; `flat`: one that is no section."""
    for key in place:
        if not isinstance(values, dict) or key not in values:
            return False
        values = values[key]
    return not (flat and isinstance(values, dict))
