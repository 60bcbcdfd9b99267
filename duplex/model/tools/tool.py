"""Functions that a model may call: from Python callables, or from definitions in JSON.

The schema of a callable comes from its signature, the descriptions from its docstring (a section `Args:` describes the
arguments); pydantic checks and converts what the model passes. Nothing here depends on models, threads or prompts.
"""

import inspect
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, Literal, Self, get_type_hints

from pydantic import BaseModel, ConfigDict, Field, ValidationError, create_model
from pydantic.errors import PydanticUserError

from configs.base import Config, ConfigError

Arguments = dict[str, Any]
_SECTION: Final = re.compile(r"^(Args|Arguments|Returns|Raises|Yields|Example|Examples|Attributes|Note):\s*$", re.M)
_ARGUMENT: Final = re.compile(r"^(\s+)\*{0,2}(\w+)(?:\s*\([^)]*\))?:\s*(.*)$")


class BadArguments(ValueError):  # noqa: N818 - reads as what it is
    """A call does not fit the function; the message is for the model."""


class ToolError(Exception):
    """A function cannot do what it is asked for; the message says why, to the model and through it to the user."""


@dataclass(frozen=True)
class Tool:
    """A function that the model may call.

    Attributes:
        name, description: what the model reads.
        parameters: JSON schema of its arguments, an object.
        run: takes the arguments of a call and raises BadArguments if they do not fit; None if only the caller of the
            chat can run it.
    """

    name: str
    description: str
    parameters: dict[str, Any]
    run: Callable[[Arguments], Any] | None = None

    @classmethod
    def of(cls, function: Callable[..., Any]) -> Self:
        """Make a tool from a Python callable that has types for all its arguments.

        Raises:
            ConfigError: the callable cannot be described.
        """
        name = getattr(function, "__name__", "")
        if not name.isidentifier():
            raise ConfigError(f"the tool {function!r} has no name; give a function made with def")
        if inspect.iscoroutinefunction(function):
            raise ConfigError(f"the tool '{name}' is asynchronous; give a plain function")
        description, texts = parse_docstring(inspect.getdoc(function) or "")
        model, fields = _arguments_model(name, function, texts)

        def run(arguments: Arguments) -> Any:
            return function(**_check(model, fields, arguments))

        return cls(name, description, _schema(model), run)

    @classmethod
    def from_definition(cls, values: Any, source: str, function: Callable[..., Any] | None = None) -> Self:
        """Make a tool from a definition as OpenAI and Qwen write it, with or without its envelope; `function` runs it.

        Raises:
            ConfigError: `values` is not a definition; `source` names its origin.
        """
        if isinstance(values, dict) and "function" not in values:
            values = {"function": values}
        told = _Definition.from_mapping(values, source).function

        def run(arguments: Arguments) -> Any:
            _check_names(told.parameters, arguments)
            return function(**arguments) if function else None

        return cls(told.name, told.description, told.parameters, run if function else None)

    @property
    def definition(self) -> dict[str, Any]:
        """The definition that the model is shown."""
        function = {"name": self.name, "description": self.description, "parameters": self.parameters}
        return {"type": "function", "function": function}


class _Function(Config):
    name: str = Field(min_length=1)
    description: str = ""
    parameters: dict[str, Any] = Field(default_factory=lambda: {"type": "object", "properties": {}})
    strict: bool | None = None


class _Definition(Config):
    type: Literal["function"] = "function"
    function: _Function


def parse_docstring(doc: str) -> tuple[str, dict[str, str]]:
    """Descriptions of a function and of each of its arguments, from a docstring in Google's format."""
    head, *sections = _SECTION.split(doc)
    texts: dict[str, str] = {}
    for title, body in zip(sections[::2], sections[1::2], strict=True):
        if title in ("Args", "Arguments"):
            texts |= _argument_texts(body)
    return " ".join(head.split()), texts


def _argument_texts(body: str) -> dict[str, str]:
    texts: dict[str, str] = {}
    indent, name = None, ""
    for line in body.splitlines():
        found = _ARGUMENT.match(line)
        if found and indent in (None, found[1]):
            indent, name = found[1], found[2]
            texts[name] = found[3].strip()
        elif name and line.strip():
            texts[name] = f"{texts[name]} {line.strip()}".strip()
    return texts


def _arguments_model(
    name: str, function: Callable[..., Any], texts: dict[str, str]
) -> tuple[type[BaseModel], dict[str, str]]:
    """Pydantic model of the arguments, and each argument's name by field; neutral field names shadow nothing."""
    try:
        types = get_type_hints(function, include_extras=True)
        parameters = inspect.signature(function).parameters.values()
    except (NameError, TypeError, ValueError) as error:
        raise ConfigError(f"the types of tool '{name}' cannot be read ({error}); write them as plain types") from None
    fields: dict[str, Any] = {}
    for index, one in enumerate(parameters):
        if one.kind not in (one.POSITIONAL_OR_KEYWORD, one.KEYWORD_ONLY):
            raise ConfigError(f"argument '{one.name}' of tool '{name}' has no name for callers; write plain arguments")
        if one.name not in types:
            raise ConfigError(f"argument '{one.name}' of tool '{name}' has no type; annotate it")
        fields[f"argument_{index}"] = (types[one.name], _field(one, texts.get(one.name)))
    names = {f"argument_{index}": one.name for index, one in enumerate(parameters)}
    try:
        return create_model(name, __config__=ConfigDict(extra="forbid"), **fields), names
    except PydanticUserError as error:
        reason = str(error).splitlines()[0]
        raise ConfigError(f"tool '{name}' has a type that JSON cannot hold ({reason}); use plain types") from None


def _field(parameter: inspect.Parameter, text: str | None) -> Any:
    default = ... if parameter.default is parameter.empty else parameter.default
    if not text:
        return Field(default, alias=parameter.name)
    return Field(default, alias=parameter.name, description=text)


def _schema(model: type[BaseModel]) -> dict[str, Any]:
    try:
        schema: dict[str, Any] = _plain(model.model_json_schema())
    except PydanticUserError as error:
        reason = str(error).splitlines()[0]
        raise ConfigError(f"tool '{model.__name__}' has a type that JSON cannot hold ({reason}); use plain") from None
    schema.pop("additionalProperties")
    return {"type": "object", "properties": {}} | schema


def _plain(schema: Any) -> Any:
    """Remove the titles that pydantic adds, which only repeat the names."""
    if isinstance(schema, list):
        return [_plain(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    return {key: _plain(value) for key, value in schema.items() if key != "title" or not isinstance(value, str)}


def _check(model: type[BaseModel], fields: dict[str, str], arguments: Arguments) -> Arguments:
    """Convert arguments to the right types; missing optional ones are left to the function's defaults."""
    try:
        checked = model.model_validate(arguments)
    except ValidationError as error:
        faults = (f"{'.'.join(map(str, fault['loc']))}: {fault['msg']}" for fault in error.errors())
        raise BadArguments("; ".join(faults)) from None
    return {fields[field]: getattr(checked, field) for field in fields if field in checked.model_fields_set}


def _check_names(parameters: dict[str, Any], arguments: Arguments) -> None:
    """Check without a schema validator that all required names are present and no name is unknown."""
    known, needed = parameters.get("properties", {}), parameters.get("required", [])
    faults = [f"{name}: is required" for name in needed if name not in arguments]
    faults += [f"{name}: is not an argument" for name in arguments if name not in known]
    if faults:
        raise BadArguments("; ".join(faults))
