"""Where answers come from by the configuration."""

import pytest

from configs.model.language_models import LanguageModelConfig
from duplex.model.language_models.answers import LiveAnswers, LoggedAnswers, MissingAnswers
from duplex.model.language_models.interface import LlmError
from duplex.model.language_models.load_llm import load_answers

BAD = "http://user:secret@127.0.0.1/v1"
"""An address that no client takes."""


def test_a_server_a_log_and_none(monkeypatch: pytest.MonkeyPatch) -> None:
    server = load_answers(LanguageModelConfig(source="http://127.0.0.1:1/v1", model="tiny"), 1)
    assert isinstance(server, LiveAnswers)
    server.close()
    assert isinstance(load_answers(LanguageModelConfig(source="log"), 1), LoggedAnswers)
    monkeypatch.setenv("TEST_KEY", "two words")
    config = LanguageModelConfig(source="http://127.0.0.1:1/v1", answers="unknown", key_variable="TEST_KEY")
    missing = load_answers(config, 1)
    assert isinstance(missing, MissingAnswers)
    assert (missing.fingerprint, missing.reason.startswith("The key in TEST_KEY")) == ("", True)
    with pytest.raises(LlmError, match="The key in TEST_KEY"):
        load_answers(config.model_copy(update={"answers": "all"}), 1)


@pytest.mark.parametrize("answers", ["all", "unknown"])
def test_an_address_with_what_may_be_a_key_reaches_no_log(answers: str) -> None:
    """The log of a conversation in which the embedded mind answers alone holds the address as well."""
    with pytest.raises(LlmError) as caught:
        load_answers(LanguageModelConfig.from_mapping({"source": BAD, "answers": answers}, "a test"), 1)
    assert "secret" not in str(caught.value)
