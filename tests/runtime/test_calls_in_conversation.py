"""Whole conversations in which a language model calls functions while mini listens and speaks."""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import pytest

from configs.model.language_models import LanguageModelConfig
from configs.model.tools import ToolsConfig
from duplex.model.interface import Came, ConversationOptions
from duplex.model.language_models.answers import LiveAnswers, LoggedAnswers
from duplex.model.language_models.dialogue import NOT_AWAITED
from duplex.model.language_models.interface import ChatMessage
from duplex.model.layouts.tdm.answered_generator import AnsweredGenerator
from duplex.model.layouts.tdm.tdm_model import TdmModel
from duplex.model.tools.tool_runner import Running, Submit, ToolRunner
from runtime.converse import Conversation, converse_slots
from runtime.pcm import Pcm16
from runtime.replay import compare, load_logged, replay
from tests.duplex.model.language_models.calling_llm import CallingLlm, Turn
from tests.duplex.model.tools.submits import Later, at_once, never
from tests.runtime.test_delegated_conversation import CONFIG, mini, say

assert mini, "a fixture of another file"
CALL = (("capital_of", {"country": "Norway"}),)


class LookingUp(CallingLlm):
    """Looks the capital up and tells `answer`; to anything else it begins a story."""

    def __init__(self, answer: str) -> None:
        super().__init__()
        self._answer = answer

    def choose(self, conversation: int, messages: Sequence[ChatMessage]) -> Turn:
        if messages[-1].role == "tool":
            return Turn(self._answer)
        asks = "story" not in messages[-1].content.lower()
        return Turn("Let me look that up.", CALL) if asks else Turn("Once upon a time.")


def talk(
    mini: TdmModel, llm: CallingLlm, submit: Submit, slots: Iterable[Pcm16], folder: Path | None = None
) -> Conversation:
    def capital_of(country: str) -> str:
        """The capital of a country."""
        return f"{country}: Oslo"

    config = CONFIG.model_copy(update={"tools": ("facts:capital_of",)})
    source = LiveAnswers(llm, config, 1, ToolRunner([capital_of], ToolsConfig(), submit))
    generator = AnsweredGenerator(mini, source, 1, beside=False)
    options = ConversationOptions(tools=("capital_of",))
    return converse_slots(generator, slots, options, folder=folder, model="mini")


def came(conversation: Conversation) -> list[Came]:
    return [row.came for row in conversation.rows if row.came is not None]


@pytest.fixture(scope="module")
def answered(mini: TdmModel, tmp_path_factory: pytest.TempPathFactory) -> tuple[Conversation, Path]:
    folder = tmp_path_factory.mktemp("called")
    llm = LookingUp("The capital of Norway is Oslo.")
    return talk(mini, llm, at_once, say("capital_of_norway", pause_s=6.0), folder), folder


def test_the_assistant_says_that_it_looks_calls_and_answers(answered: tuple[Conversation, Path]) -> None:
    conversation, _ = answered
    said = conversation.transcript.assistant
    assert said.text == "Let me look that up. The capital of Norway is Oslo."
    assert {answer.how for answer in said.answers} == {"end"}
    started = [call for one in came(conversation) for call in one.started]
    ended = [call for one in came(conversation) for call in one.ended]
    assert [(call.name, call.arguments) for call in started] == [("capital_of", '{"country": "Norway"}')]
    assert [(call.result, call.failed) for call in ended] == [("Norway: Oslo", False)]


def test_nothing_is_called_before_the_assistant_takes_its_turn(answered: tuple[Conversation, Path]) -> None:
    conversation, _ = answered
    first = next(row.slot for row in conversation.rows if row.came and row.came.started)
    wanted = next(row.slot for row in conversation.rows if row.event == "start" or row.thinking)
    assert first > wanted


def test_a_replay_calls_nothing_and_is_exact(mini: TdmModel, answered: tuple[Conversation, Path]) -> None:
    conversation, folder = answered
    logged = load_logged(folder / "slots.jsonl")
    assert logged.log.header.tools == ("capital_of",)
    assert logged.log.header.options.tools == ("capital_of",)
    config = LanguageModelConfig.from_mapping(logged.log.header.llm or {}, "the log").as_logged
    assert config.tools == (), "the replay has no need of the functions"
    again = replay(logged, AnsweredGenerator(mini, LoggedAnswers(config, 1), 1, beside=False))
    assert compare(logged.rows, again.rows).equal
    assert again.transcript == conversation.transcript
    assert came(again) == came(conversation)


def test_while_a_function_runs_the_user_can_interrupt(mini: TdmModel, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Running, "wait", lambda *_: None)  # a function that hangs takes no time of the test
    llm = LookingUp("")
    conversation = talk(mini, llm, never, say("capital_of_norway", "tell_me_a_story", pause_s=3.5))
    ended = [call for one in came(conversation) for call in one.ended]
    assert [call.result for call in ended] == [NOT_AWAITED]
    assert conversation.transcript.assistant.text.endswith("Once upon a time.")
    *_, called, result, heard, question = llm.requests[0][-1]
    assert called.calls[0].name == "capital_of"
    assert result.content == NOT_AWAITED
    assert heard.content == "Let me look that up. —"
    assert "story" in question.content.lower()


def test_a_result_that_comes_late_is_spoken_when_it_is_there(mini: TdmModel, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Running, "wait", lambda *_: None)
    ran = Later()
    slots = say("capital_of_norway", pause_s=9.0)

    def take_time() -> Iterator[Pcm16]:
        for number, slot in enumerate(slots):
            if number == len(slots) - 35:
                ran.run()
            yield slot

    llm = LookingUp("It is Oslo.")
    conversation = talk(mini, llm, ran, take_time())
    assert conversation.transcript.assistant.text == "Let me look that up. It is Oslo."
    assert sum(row.thinking for row in conversation.rows) > 10
