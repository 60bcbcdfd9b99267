"""Errors: one line, an exit code, and a name that programs can read."""

import pytest

from configs.base import ConfigError
from runtime import errors


def all_errors(kind: type[errors.DuplexError]) -> list[type[errors.DuplexError]]:
    return [kind] + [inner for sub in kind.__subclasses__() for inner in all_errors(sub)]


def test_every_kind_of_the_runtime_has_a_code_of_its_own_and_stands_in_the_tree() -> None:
    kinds = [kind for kind in all_errors(errors.DuplexError) if kind.__module__ == "runtime.errors"]
    codes = [kind.code for kind in kinds]
    assert len(set(codes)) == len(codes) == 14
    assert errors.__doc__ is not None
    assert all(kind.__name__ in errors.__doc__ for kind in kinds)


def test_a_message_of_several_lines_becomes_one() -> None:
    assert errors.user_line(errors.AudioError("a file\n  is broken;\tfix it")) == "a file is broken; fix it"


def test_an_error_without_words_is_named() -> None:
    assert errors.user_line(RuntimeError()) == "RuntimeError"


@pytest.mark.parametrize(("error", "code"), [(ConfigError("x"), 2), (errors.LogError("x"), 1), (KeyError("x"), 1)])
def test_exit_codes(error: Exception, code: int) -> None:
    assert errors.exit_code(error) == code
