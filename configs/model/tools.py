"""How functions that a model calls are run."""

from pydantic import Field

from configs.base import Config


class ToolsConfig(Config):
    """Limits of function calls.

    Attributes:
        limit_s: a call that takes longer is reported to the model as timed out; a late result is dropped.
        rounds: how often calls may be answered within one turn of the user.
        calls: how many calls of one answer are run at most.
        result_chars: a longer result is cut.
    """

    limit_s: float = Field(default=10.0, ge=0)
    rounds: int = Field(default=4, ge=1)
    calls: int = Field(default=8, ge=1)
    result_chars: int = Field(default=2000, ge=1)
