"""The answers of a language model by its configuration.

Imports no torch, so that a language model can begin to load before the program that asks it does.
"""

from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from threading import Thread
from types import TracebackType

from configs.model.language_models import LOG, LanguageModelConfig
from duplex.model.language_models.answers import AnswerSource, LoggedAnswers, MissingAnswers
from duplex.model.language_models.interface import LanguageModel, LlmError
from duplex.model.language_models.reasoning import ReasoningFilter
from duplex.model.language_models.rehearsed_answers import RehearsedAnswers
from duplex.model.language_models.server_client import parse_address
from duplex.model.tools.load_tools import load_tools

LoadLlm = Callable[[LanguageModelConfig], LanguageModel]
"""Loads a language model; raises LlmError."""


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


class LlmBeside:
    """A local language model that loads in its process while the owner loads something else: a `LoadLlm`.

        with LlmBeside(config) as load_llm:
            model = ...                                     # takes seconds
            answers = load_answers(config, rows, load_llm)  # waits for what is left

    What nobody has taken by the end of the block is closed.
    """

    def __init__(self, config: LanguageModelConfig | None, load: LoadLlm = load_llm) -> None:
        """Begins to load; servers and logs have nothing to load.

        Args:
            config: which language model; None where there is none.
            load: loads it, in a thread.
        """
        self._config, self._load = config, load
        self._begun: Future[LanguageModel] | None = None
        if config is not None and not config.is_server and config.source != LOG:
            self._begun = Future()
            Thread(target=self._run, args=(config, self._begun), name="llm-loading", daemon=True).start()

    def __call__(self, config: LanguageModelConfig) -> LanguageModel:
        """The language model that was begun, to the first who asks for it; otherwise one that is loaded now.

        Raises:
            LlmError: it cannot be used.
        """
        begun, self._begun = self._begun, None
        if begun is not None and config == self._config:
            return begun.result()
        _close_when_loaded(begun)
        return self._load(config)

    def __enter__(self) -> "LlmBeside":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        begun, self._begun = self._begun, None
        _close_when_loaded(begun)

    def _run(self, config: LanguageModelConfig, begun: Future[LanguageModel]) -> None:
        try:
            begun.set_result(self._load(config))
        except BaseException as error:
            begun.set_exception(error)


def _close_when_loaded(begun: Future[LanguageModel] | None) -> None:
    def close(loaded: Future[LanguageModel]) -> None:
        with suppress(Exception):
            loaded.result().close()

    if begun is not None:
        begun.add_done_callback(close)


def load_answers(config: LanguageModelConfig, rows: int, load: LoadLlm = load_llm) -> AnswerSource:
    """Answers for `rows` conversations.

    Where the language model is only asked what the embedded mind does not know, conversations do without it if needed.
    `load` loads it.

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
        return RehearsedAnswers(load(config), config, rows, tools)
    except LlmError as error:
        if config.answers == "all":
            raise
        return MissingAnswers(config, str(error), rows)
