"""The language model that a configuration names. Knows kinds of models; knows nothing of any one."""

from configs.model.llm import LlmConfig
from duplex.model.llm.interface import LanguageModel


def load_llm(config: LlmConfig) -> LanguageModel:
    """A server's client, which connects to nothing yet, or a process with a local model, which is loaded.

    Raises:
        LlmError: it cannot be used; the message says why and what to do.
    """
    if config.is_server:
        from duplex.model.llm.openai_server import OpenAiServer

        return OpenAiServer(config)
    from duplex.model.llm.local_process import LocalProcess

    return LocalProcess(config)
