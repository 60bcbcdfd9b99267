"""Reads what STUN and TURN servers must be told in secret from its files, when the server starts."""

from configs.runtime.ice import IceConfig, IceServer
from runtime.cli.token_file import read_word


def read_secrets(ice: IceConfig) -> IceConfig:
    """The same configuration with the contents of the files in place of their names.

    Raises:
        ConfigError: a file cannot be read, or holds anything but one word.
    """
    servers = tuple(_with_credential(place, server) for place, server in enumerate(ice.servers))
    changes: dict[str, object] = {"servers": servers}
    if ice.secret_file:
        secret = read_word(ice.secret_file.expanduser(), "secret", "serve.ice.secret_file")
        changes |= {"secret": secret, "secret_file": None}
    return ice.model_copy(update=changes)


def _with_credential(place: int, server: IceServer) -> IceServer:
    if server.credential_file is None:
        return server
    key = f"serve.ice.servers.{place}.credential_file"
    credential = read_word(server.credential_file.expanduser(), "credential", key)
    return server.model_copy(update={"credential": credential, "credential_file": None})
