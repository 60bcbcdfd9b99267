"""The answers of a language model by its configuration."""

from configs.model.language_models import LOG, LanguageModelConfig
from duplex.model.language_models.answers import AnswerSource, LiveAnswers, LoggedAnswers, MissingAnswers
from duplex.model.language_models.interface import LanguageModel, LlmError
from duplex.model.language_models.reasoning import ReasoningFilter
from duplex.model.language_models.server_client import parse_address
from duplex.model.tools.load_tools import load_tools


def load_llm(config: LanguageModelConfig) -> LanguageModel:
    """A language model: a server's client, or a local one in a process of its own.

    Raises:
        LlmError: it cannot be used.
    """
    if config.is_server:
        from duplex.model.language_models.openai_server import OpenAiServer

        return OpenAiServer(config)
    from duplex.model.language_models.local_process import LocalProcess

    return LocalProcess(config, ReasoningFilter)


def load_answers(config: LanguageModelConfig, rows: int) -> AnswerSource:
    """Answers for `rows` conversations.

    Where the language model is only asked what the embedded mind does not know, conversations do without it if needed.

    Raises:
        LlmError: the language model cannot be used, and nothing else answers; or the address of its server is none, or
            holds what may be a key, which must not reach a log.
        ConfigError: a function that it may call cannot be loaded.
    """
    if config.source == LOG:
        return LoggedAnswers(config, rows)
    if config.is_server:
        parse_address(config.source, config.key_variable)
    tools = load_tools(config.tools, config.tool_limits, live=True)
    try:
        return LiveAnswers(load_llm(config), config, rows, tools)
    except LlmError as error:
        if config.answers == "all":
            raise
        return MissingAnswers(config, str(error), rows)
