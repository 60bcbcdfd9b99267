"""Which model a server takes when none is named. Asks the server for its list, and waits."""

import time
from contextlib import closing

from configs.model.language_models import LanguageModelConfig
from duplex.model.language_models.connection import Connection, Patience
from duplex.model.language_models.interface import LlmError
from duplex.model.language_models.server_client import ServerClient, parse_address, read_key
from duplex.model.language_models.server_errors import Server, WhichModelError


def name_model(config: LanguageModelConfig) -> LanguageModelConfig:
    """The same configuration with the name of the only model of its server; unchanged where a name is not missing.

    Raises:
        LlmError: the address cannot be used, the server does not answer, or it has no model or several.
    """
    if not config.is_server or config.model:
        return config
    address, key = parse_address(config.source, config.key_variable), read_key(config.key_variable)
    with closing(ServerClient(address, key)) as client:
        connection = Connection()
        try:
            names = client.list_models(connection)
            if len(names) != 1:
                raise WhichModelError(names)
        except Exception as error:
            patience = Patience(config.first_text_s, config.next_text_s, time.monotonic)
            raise LlmError(Server(address, "", config.key_variable, key).explain(error, patience)) from None
        finally:
            connection.release()
    return config.model_copy(update={"model": names[0]})
