"""Where answers come from by the configuration."""

import subprocess
import sys
from queue import SimpleQueue
from threading import Event
from typing import Any

import pytest

from configs.model.language_models import LanguageModelConfig
from duplex.model.language_models.answers import LiveAnswers, LoggedAnswers, MissingAnswers
from duplex.model.language_models.interface import LlmError
from duplex.model.language_models.load_llm import LlmBeside, load_answers

PATIENCE_S = 60.0
"""A wait ends with the event; only a test that fails waits for so long."""
BAD = "http://user:secret@127.0.0.1/v1"
"""An address that no client takes."""
LOCAL = LanguageModelConfig(source="smollm2", answers="unknown")


class Opened:
    """A language model that is only opened and closed."""

    def __init__(self) -> None:
        self.fingerprint, self.closed = "opened", Event()

    def close(self) -> None:
        self.closed.set()


class Loader:
    """A `LoadLlm` whose loads end when the test lets them."""

    def __init__(self, error: Exception | None = None) -> None:
        self.opened: SimpleQueue[Opened] = SimpleQueue()
        self.may_end = Event()
        self._error = error

    def __call__(self, config: LanguageModelConfig) -> Any:
        assert self.may_end.wait(PATIENCE_S)
        if self._error is not None:
            raise self._error
        model = Opened()
        self.opened.put(model)
        return model


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


def test_what_loads_beside_is_taken_once() -> None:
    loader = Loader()
    with LlmBeside(LOCAL, loader) as load:
        loader.may_end.set()
        first, second = load(LOCAL.model_copy()), load(LOCAL)
    assert [loader.opened.get(timeout=PATIENCE_S), loader.opened.get(timeout=PATIENCE_S)] == [first, second]
    assert loader.opened.empty()


@pytest.mark.parametrize("loads_another", [False, True])
def test_what_was_not_taken_is_closed_as_soon_as_it_is_loaded(loads_another: bool) -> None:
    loader, other = Loader(), Loader()
    other.may_end.set()
    with LlmBeside(LOCAL, lambda config: (loader if config == LOCAL else other)(config)) as load:
        if loads_another:
            load(LOCAL.model_copy(update={"seed": 1}))
            assert not other.opened.get(timeout=PATIENCE_S).closed.is_set()
    loader.may_end.set()
    assert loader.opened.get(timeout=PATIENCE_S).closed.wait(PATIENCE_S)
    assert other.opened.empty()


def test_what_fails_beside_is_told_to_who_asks_and_to_nobody_else() -> None:
    loader = Loader(LlmError("it is broken"))
    loader.may_end.set()
    with LlmBeside(LOCAL, loader) as load:
        missing = load_answers(LOCAL, 1, load)
    assert isinstance(missing, MissingAnswers)
    assert missing.reason == "it is broken"
    with LlmBeside(LOCAL, loader) as load, pytest.raises(LlmError, match="it is broken"):
        load_answers(LOCAL.model_copy(update={"answers": "all"}), 1, load)
    with LlmBeside(LOCAL, loader):
        pass


@pytest.mark.parametrize("source", ["http://127.0.0.1:1/v1", "log", None])
def test_a_server_a_log_and_none_have_nothing_to_load(source: str | None) -> None:
    loader = Loader()
    with LlmBeside(None if source is None else LanguageModelConfig(source=source), loader):
        loader.may_end.set()
    assert loader.opened.empty()


def test_what_begins_to_load_a_language_model_does_not_wait_for_torch() -> None:
    program = "import sys, runtime.engine.worker; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program]).returncode == 0
