"""Where answers come from by the configuration."""

import pytest

from configs.model.language_models import LanguageModelConfig
from duplex.model.language_models.answers import LiveAnswers, LoggedAnswers, MissingAnswers
from duplex.model.language_models.interface import LlmError
from duplex.model.language_models.load_llm import load_answers

BAD = "http://user:secret@127.0.0.1/v1"
"""An address that no client takes."""


def test_a_server_a_log_and_none() -> None:
    server = load_answers(LanguageModelConfig(source="http://127.0.0.1:1/v1", model="tiny"), 1)
    assert isinstance(server, LiveAnswers)
    server.close()
    assert isinstance(load_answers(LanguageModelConfig(source="log"), 1), LoggedAnswers)
    assert isinstance(load_answers(LanguageModelConfig(source=BAD, answers="unknown"), 1), MissingAnswers)


def test_a_language_model_that_answers_everything_must_be_there() -> None:
    with pytest.raises(LlmError) as caught:
        load_answers(LanguageModelConfig(source=BAD), 1)
    assert "secret" not in str(caught.value)
