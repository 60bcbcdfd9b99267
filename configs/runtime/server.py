"""The whole configuration of `duplex serve`: that of the runtime, and `serve`, which the other commands do not have."""

from collections.abc import Sequence
from typing import Any, Final

import yaml

from configs.layers import DELIMITER, PREFIX
from configs.runtime.runtime import RuntimeConfig
from configs.runtime.serve import ServeConfig

SECRETS: Final = ("serve.token", "serve.ice.secret", "serve.ice.credential", "serve.ice.servers.credential")
"""Keys that are never shown."""
_ADVICE: Final = {"serve.ice.servers.credential": "write it into a file and give credential_file"}


class ServerConfig(RuntimeConfig):
    """The keys of a file for `duplex serve --config`."""

    serve: ServeConfig = ServeConfig()

    def to_public_yaml(self) -> str:
        """YAML text of all values but the secrets; a comment names each secret that is set."""
        values = self.model_dump(mode="json")
        hidden = [key for key in SECRETS if _hide(values, key.split("."))]
        notes = [f"# {key} is set and not shown; {_ADVICE.get(key) or _give(key)}\n" for key in hidden]
        return "".join(notes) + yaml.safe_dump(values, sort_keys=False, allow_unicode=True)


def _give(key: str) -> str:
    return f"give it in {PREFIX}{key.replace('.', DELIMITER).upper()}"


def _hide(values: dict[str, Any], place: Sequence[str]) -> bool:
    """Set the value at a place, in all sections of a list, to None; returns whether there was one."""
    key, *deeper = place
    if not deeper:
        found, values[key] = values[key] is not None, None
        return found
    inner = values[key]
    hidden = [_hide(section, deeper) for section in (inner if isinstance(inner, list) else [inner])]
    return any(hidden)
