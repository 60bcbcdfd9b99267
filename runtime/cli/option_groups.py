"""Options that several commands share, as frozen dataclasses.

    @dataclass(frozen=True)
    class ModelOptions:
        model: Model = "mini"

    @with_option_groups
    def command(chosen: ModelOptions, seed: Seed = 0) -> None: ...

Typer sees the fields of the dataclass in place of the parameter. Nothing here depends on what options mean.
"""

import inspect
from collections.abc import Callable, Iterator
from dataclasses import MISSING, Field, fields, is_dataclass
from functools import wraps
from inspect import Parameter, Signature
from typing import Any, get_type_hints


def with_option_groups(function: Callable[..., None]) -> Callable[..., None]:
    """Make a command whose dataclass parameters are passed to typer field by field."""
    hints = get_type_hints(function, include_extras=True)
    groups = {name: kind for name, kind in hints.items() if isinstance(kind, type) and is_dataclass(kind)}

    @wraps(function)
    def command(**values: Any) -> None:
        for name, kind in groups.items():
            values[name] = kind(**{field.name: values.pop(field.name) for field in fields(kind)})
        function(**values)

    shown = list(_parameters(function, hints, groups))
    command.__signature__ = Signature(shown)  # type: ignore[attr-defined]
    command.__annotations__ = {one.name: one.annotation for one in shown}
    del command.__wrapped__
    return command


def _parameters(
    function: Callable[..., None], hints: dict[str, Any], groups: dict[str, type[Any]]
) -> Iterator[Parameter]:
    for parameter in inspect.signature(function).parameters.values():
        if parameter.name in groups:
            kind = groups[parameter.name]
            types = get_type_hints(kind, include_extras=True)
            yield from (_parameter(field, types[field.name]) for field in fields(kind))
        else:
            yield parameter.replace(kind=Parameter.KEYWORD_ONLY, annotation=hints[parameter.name])


def _parameter(field: Field[Any], kind: Any) -> Parameter:
    default = Parameter.empty if field.default is MISSING else field.default
    return Parameter(field.name, Parameter.KEYWORD_ONLY, default=default, annotation=kind)
