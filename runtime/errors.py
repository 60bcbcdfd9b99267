"""Errors a user can meet, and the one place that turns them into a line for the user.

    DuplexError
    |- AudioError           a sound file or a sound device cannot be used
    |- DiskFull             the disk takes no more recordings
    |- LogError             a slot log cannot be read, is damaged or does not fit its sound
    |- MissingPackage       a package that only some commands need is not installed
    |- SessionError
    |  |- ServerFull        no place is free
    |  |- BadOptions        the model cannot be opened with these options
    |  `- UnknownSession    there is no such session, or it is over
    `- EngineError
       |- ModelLoadError    the model cannot be loaded
       |- EngineRestarts    the engine was lost and is being started again
       |- EngineDied        the engine ended unexpectedly
       `- EngineOverloaded  the engine cannot keep up with a session

`configs.base.ConfigError` and `duplex.eval.errors.EvaluationError` are not part of the tree, because configurations and
evaluation do not depend on the runtime. Every message says what, why and how to fix it, in one line.
"""

from typing import ClassVar

from configs.base import ConfigError
from duplex.eval.errors import EvaluationError
from duplex.model.language_models.interface import LlmError


class DuplexError(Exception):
    """Something the user can understand and fix. `code` names the kind for programs."""

    code: ClassVar[str] = "error"


class AudioError(DuplexError):
    """A sound file or a sound device cannot be used."""

    code = "audio"


class DiskFull(DuplexError):  # noqa: N818 - reads as what it is
    """The disk takes no more recordings."""

    code = "disk_full"


class LogError(DuplexError):
    """A slot log cannot be read, is damaged or does not fit its sound."""

    code = "log"


class MissingPackage(DuplexError):  # noqa: N818 - reads as what it is
    """A package that only some commands need is not installed."""

    code = "missing_package"


class SessionError(DuplexError):
    """A session cannot be opened or used."""

    code = "session"


class ServerFull(SessionError):  # noqa: N818 - reads as what it is
    """No place is free."""

    code = "server_full"


class BadOptions(SessionError):  # noqa: N818
    """The model cannot be opened with these options."""

    code = "bad_options"


class UnknownSession(SessionError):  # noqa: N818
    """There is no such session, or it is over."""

    code = "unknown_session"


class EngineError(DuplexError):
    """The engine cannot do its work."""

    code = "engine"


class ModelLoadError(EngineError):
    """The model cannot be loaded."""

    code = "model_load"


class EngineRestarts(EngineError):  # noqa: N818 - reads as what it is
    """The engine was lost and is being started again."""

    code = "engine_restarts"


class EngineDied(EngineError):  # noqa: N818
    """The engine ended unexpectedly."""

    code = "engine_died"


class EngineOverloaded(EngineError):  # noqa: N818
    """The engine cannot keep up with a session."""

    code = "engine_overloaded"


USER_ERRORS = (DuplexError, ConfigError, EvaluationError, LlmError)
"""Errors that are shown to the user as one line instead of a traceback."""

_EXIT_USAGE, _EXIT_FAILURE = 2, 1


def user_line(error: BaseException) -> str:
    """The error as one line for the user."""
    return " ".join(str(error).split()) or type(error).__name__


def exit_code(error: BaseException) -> int:
    """Exit code of a command that ended with `error`: 2 for a wrong configuration, 1 for all other errors."""
    return _EXIT_USAGE if isinstance(error, ConfigError) else _EXIT_FAILURE
