"""The whole configuration of `duplex serve`: that of the runtime, and `serve`, which the other commands do not have."""

from typing import Final

import yaml

from configs.runtime.runtime import RuntimeConfig
from configs.runtime.serve import ServeConfig

SECRETS: Final = ("token",)
"""Keys of `ServeConfig` that are never shown."""


class ServerConfig(RuntimeConfig):
    """The keys of a file for `duplex serve --config`."""

    serve: ServeConfig = ServeConfig()

    def to_public_yaml(self) -> str:
        """YAML text of all values but the secrets; a comment names each secret that is set."""
        values = self.model_dump(mode="json")
        hidden = [key for key in SECRETS if values["serve"][key] is not None]
        values["serve"] |= dict.fromkeys(hidden)
        notes = [f"# serve.{key} is set and not shown; give it in DUPLEX_SERVE__{key.upper()}\n" for key in hidden]
        return "".join(notes) + yaml.safe_dump(values, sort_keys=False, allow_unicode=True)
