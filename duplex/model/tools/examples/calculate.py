"""A calculator. An expression is read by Python's own parser and never run: numbers, operators, a few functions."""

import ast
import math
import operator
from collections.abc import Callable
from typing import Any, Final

from duplex.model.tools.tool import ToolError

Number = int | float
_LONGEST: Final = 200
"""Characters of an expression."""
_LARGEST: Final = 1e30
"""Of every number on the way, so that nothing takes long."""
_DIGITS: Final = 12
"""Of a result that is no whole number."""
_OPERATORS: Final[dict[type[ast.AST], Callable[..., Any]]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
    ast.Pow: lambda base, exponent: _power(base, exponent),
    ast.UAdd: operator.pos,
    ast.USub: operator.neg,
}
_FUNCTIONS: Final[dict[str, Callable[..., Any]]] = {
    name: getattr(math, name) for name in ("ceil", "cos", "exp", "floor", "log", "log10", "log2", "sin", "sqrt", "tan")
} | {"abs": abs, "max": max, "min": min, "round": lambda value, digits=0: _round(value, digits)}
_CONSTANTS: Final = {"pi": math.pi, "e": math.e}
_SIGNS: Final = str.maketrans({"×": "*", "·": "*", "÷": "/", "−": "-", "–": "-", "^": "**"})


def calculate(expression: str) -> str:
    """Work out an arithmetic expression.

    Args:
        expression: numbers with + - * / // % ** and parentheses; also sqrt, abs, round, floor, ceil, min, max, exp,
            log, log2, log10, sin, cos, tan, pi and e, for example (3 + 4) * sqrt(2)
    """
    if len(expression) > _LONGEST:
        raise ToolError(f"the expression has more than {_LONGEST} characters; work it out in parts")
    try:
        tree = ast.parse(expression.strip().translate(_SIGNS), mode="eval")
        return _write(_value(tree.body))
    except ZeroDivisionError:
        raise ToolError("it divides by zero") from None
    except (SyntaxError, ValueError, TypeError, OverflowError, RecursionError, MemoryError) as error:
        raise ToolError(f"'{expression}' cannot be worked out: {_reason(error)}") from None


def _value(node: ast.AST) -> Number:
    match node:
        case ast.Constant(value=int() | float() as value) if not isinstance(value, bool):
            return _check(value)
        case ast.BinOp(left, op, right) if type(op) in _OPERATORS:
            return _check(_OPERATORS[type(op)](_value(left), _value(right)))
        case ast.UnaryOp(op, operand) if type(op) in _OPERATORS:
            return _check(_OPERATORS[type(op)](_value(operand)))
        case ast.Call(ast.Name(name), args, []) if name in _FUNCTIONS:
            return _check(_FUNCTIONS[name](*map(_value, args)))
        case ast.Name(name) if name in _CONSTANTS:
            return _CONSTANTS[name]
        case ast.Name(name) | ast.Call(ast.Name(name)):
            raise ToolError(f"'{name}' is not known here; write numbers")
    raise ToolError(f"'{ast.unparse(node)}' is no arithmetic")


def _power(base: Number, exponent: Number) -> Any:
    """A power is estimated before it is worked out, because a large one would take for ever."""
    if base and exponent * math.log10(abs(base)) > math.log10(_LARGEST):
        raise ToolError("the numbers become too large")
    return base**exponent


def _round(value: Number, digits: Number) -> Number:
    """To a few digits: to very many it would take for ever."""
    if abs(digits) > _DIGITS:
        raise ToolError(f"it can be rounded to {_DIGITS} digits at most")
    return round(value, int(digits)) if digits else round(value)


def _check(value: Any) -> Number:
    if isinstance(value, complex):
        raise ToolError("the result is no real number")
    if not abs(value) <= _LARGEST:
        raise ToolError("the numbers become too large")
    number: Number = value
    return number


def _write(value: Number) -> str:
    if isinstance(value, float):
        value = float(f"{value:.{_DIGITS}g}")
        return str(int(value)) if value.is_integer() and abs(value) < 10**_DIGITS else str(value)
    return str(value)


def _reason(error: BaseException) -> str:
    return str(error).splitlines()[0].split(" (")[0] if str(error) else type(error).__name__
