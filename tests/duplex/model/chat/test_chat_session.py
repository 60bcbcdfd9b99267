"""Chats with the tiny random checkpoint: patterns, history, room, tools, seeds."""

from collections.abc import Iterable

import numpy as np
import pytest

from configs.base import ConfigError
from configs.model.chat import ChatConfig
from configs.model.funaudiochat import FUNAUDIOCHAT_TINY, LIKELIEST, AnswerConfig, TurnsConfig
from configs.model.patterns import FUNAUDIOCHAT, TRANSCRIBE, Pattern
from configs.model.tools import ToolsConfig
from duplex.model.chat.chat_events import AnswerEnded, AudioChunk, ChatEvent, TextPiece
from duplex.model.chat.chat_session import ChatSession
from duplex.model.chat.chat_voice import ChatVoice
from duplex.model.funaudiochat.model import FunAudioChat
from duplex.model.stages.cosyvoice.stage import CosyVoice
from duplex.model.tools.calls import response_text
from duplex.model.tools.records import ToolResult
from duplex.model.tools.tool import Tool
from duplex.model.tools.tool_runner import ToolRunner
from tests.duplex.model.chat.conftest import Write
from tests.duplex.model.chat.scripted import call
from tests.duplex.model.tools.submits import at_once

PCM = np.random.default_rng(0).standard_normal(16_000).astype(np.float32) * 0.1
SHORT = ChatConfig(answering=AnswerConfig(max_steps=12))
IDS = FUNAUDIOCHAT_TINY.ids


def text_of(events: Iterable[ChatEvent]) -> str:
    """All text."""
    return "".join(event.text for event in events if isinstance(event, TextPiece))


def sound_of(events: Iterable[ChatEvent]) -> np.ndarray:
    """All sound."""
    return np.concatenate([np.zeros(0), *(event.samples for event in events if isinstance(event, AudioChunk))])


def read_conversation(session: ChatSession) -> str:
    """All text of the conversation as the model has it, without special tokens."""
    tokenizer = session._chat.tokenizer
    return tokenizer.decode([element.id for element in session._rows.elements(0)])


@pytest.mark.parametrize("pattern", Pattern)
def test_every_pattern_answers(chat: FunAudioChat, stage: CosyVoice, pattern: Pattern) -> None:
    session = ChatSession(chat, pattern, SHORT, voice=ChatVoice(stage))
    events = list(session.ask(pcm=PCM) if pattern.hears else session.ask("Hello?"))
    ended = events[-1]
    assert isinstance(ended, AnswerEnded)
    assert ended.how in ("end", "longest")
    assert ended.text == text_of(events)
    assert session.prompt == FUNAUDIOCHAT.prompts[pattern]
    assert read_conversation(session).startswith(f"system\n{session.prompt}\nuser\n")
    assert bool(len(sound_of(events))) is (pattern in (Pattern.S2M, Pattern.T2M))
    assert ("untested" in session.note) is pattern.writes_first
    assert session.history == [("user", "(speech)" if pattern.hears else "Hello?"), ("assistant", ended.text)]


def test_what_is_written_first_opens_speech_by_itself(endless: FunAudioChat, stage: CosyVoice, write: Write) -> None:
    session = ChatSession(endless, Pattern.STC, voice=ChatVoice(stage))
    before, after = endless.tokenizer.encode("heard; "), endless.tokenizer.encode("said" + "." * 8)
    write([*before, IDS.audio_bos, *after, endless.tokenizer.im_end])
    events = list(session.ask(pcm=PCM))
    pieces = [event for event in events if isinstance(event, TextPiece)]
    assert text_of(piece for piece in pieces if not piece.spoken) == "heard; "
    assert text_of(piece for piece in pieces if piece.spoken) == "said........"
    sounds = [index for index, event in enumerate(events) if isinstance(event, AudioChunk)]
    assert sounds
    assert sounds[0] > events.index(pieces[len(before)])


def test_text_streams_in_whole_signs(chat: FunAudioChat, write: Write) -> None:
    session = ChatSession(chat, Pattern.T2T)
    write(["né€🙂!"])
    events = list(session.ask("What?"))
    assert [event.text for event in events if isinstance(event, TextPiece)] == ["n", "é", "€", "🙂", "!"]
    assert events[-1] == AnswerEnded("end", "né€🙂!")


def test_the_same_seed_gives_the_same_answer(chat: FunAudioChat, stage: CosyVoice) -> None:
    def answer(seed: int) -> np.ndarray:
        config = SHORT.model_copy(update={"seed": seed})
        return sound_of(ChatSession(chat, Pattern.T2M, config, voice=ChatVoice(stage)).ask("Hello?"))

    first, again, other = answer(1), answer(1), answer(2)
    np.testing.assert_array_equal(first, again)
    assert len(first) != len(other) or not np.array_equal(first, other)


def test_history_is_kept_over_turns_and_forgotten_in_a_new_chat(chat: FunAudioChat, write: Write) -> None:
    session = ChatSession(chat, Pattern.T2T)
    for question, answer in (("One?", "Uno."), ("Two?", "Dos.")):
        write([answer])
        list(session.ask(question))
    talk = "user\nOne?\nassistant\nUno.\nuser\nTwo?\nassistant\nDos.\n"
    assert read_conversation(session) == f"system\n{session.prompt}\n{talk}"
    session.new(Pattern.S2T)
    assert read_conversation(session) == f"system\n{session.prompt}\n"
    assert session.history == []


def test_an_answer_that_is_left_is_kept_as_far_as_it_was_made(chat: FunAudioChat, write: Write) -> None:
    session = ChatSession(chat, Pattern.T2T)
    write(["abcdef"])
    events = session.ask("Say it.")
    assert [next(events), next(events)] == [TextPiece("a"), TextPiece("b")]
    write(["Yes."])
    list(session.ask("More?"))
    assert "assistant\nab\nuser\nMore?\nassistant\nYes.\n" in read_conversation(session)
    session.ask("Never asked for.")
    session.close()
    assert session.history[-1] == ("assistant", "")


def test_history_with_speech(chat: FunAudioChat) -> None:
    quiet = AnswerConfig(tokens=LIKELIEST, max_steps=6)
    for history, groups in (("text", 0), ("speech", 5)):
        session = ChatSession(chat, Pattern.T2M, ChatConfig.model_validate({"history": history, "answering": quiet}))
        list(session.ask("Hello?"))
        spoken = [element for element in session._rows.elements(0) if element.spoken is not None]
        assert len(spoken) == groups
        list(session.ask("Again?"))


def test_earlier_turns_go_when_room_runs_out(chat: FunAudioChat, write: Write) -> None:
    config = ChatConfig(turns=TurnsConfig(places=330), answer_room=40, keep_turns=3)
    session = ChatSession(chat, Pattern.T2T, config)
    for number in range(6):
        write([f"Answer {number}."])
        assert list(session.ask(f"Question {number}?"))[-1].how == "end"
    assert read_conversation(session).count("Question") == 4
    write(["Yes."])
    list(session.ask("long " * 32))
    assert read_conversation(session).count("Question") == 1
    with pytest.raises(ConfigError, match=r"the turn takes \d+ places and the conversation has \d+ left; make it shor"):
        session.ask("long " * 90)


def test_an_answer_that_fills_the_conversation_ends(chat: FunAudioChat, write: Write) -> None:
    session = ChatSession(chat, Pattern.T2T, ChatConfig(turns=TurnsConfig(places=120), answer_room=10))
    write(["x" * 200])
    ended = list(session.ask("Go on."))[-1]
    assert isinstance(ended, AnswerEnded)
    assert ended.how == "full"
    assert 10 < len(ended.text) < 120
    write(["Fine."])
    assert list(session.ask("And now?"))[-1] == AnswerEnded("end", "Fine.")


def test_an_instruction_follows_the_recording(chat: FunAudioChat, write: Write) -> None:
    session = ChatSession(chat, Pattern.S2T)
    write(["hello"])
    list(session.ask(TRANSCRIBE, PCM))
    assert f"user\n\n{TRANSCRIBE}\nassistant\nhello\n" in read_conversation(session)
    assert sum(element.heard is not None for element in session._rows.elements(0)) == 5


@pytest.mark.parametrize(
    ("pattern", "text", "pcm", "error"),
    [
        (Pattern.S2M, "Hello?", None, "S2M hears speech; give a recording"),
        (Pattern.T2T, "Hello?", PCM, "T2T reads text; leave out the recording"),
        (Pattern.T2T, "  ", None, "there is nothing to answer"),
        (Pattern.S2T, "", PCM[:600], "the recording is shorter than 40 ms"),
    ],
)
def test_what_the_pattern_does_not_take(
    chat: FunAudioChat, pattern: Pattern, text: str, pcm: np.ndarray | None, error: str
) -> None:
    session = ChatSession(chat, pattern, SHORT)
    with pytest.raises(ConfigError, match=error):
        session.ask(text, pcm)
    assert isinstance(list(session.ask("Hi.", PCM) if pattern.hears else session.ask("Hi."))[-1], AnswerEnded)


def test_prompts_and_checkpoints_that_do_not_do(chat: FunAudioChat) -> None:
    with pytest.raises(ConfigError, match="the system prompt and tools leave no room in 100 places"):
        ChatSession(chat, Pattern.T2T, ChatConfig(turns=TurnsConfig(places=100)))
    mute = FunAudioChat.random(FUNAUDIOCHAT_TINY.model_copy(update={"refined": None}))
    with pytest.raises(ConfigError, match="this checkpoint cannot speak, and S2M speaks; choose S2T or T2T"):
        ChatSession(mute, Pattern.S2M)


def weather(city: str) -> dict[str, int]:
    """The weather of a city."""
    return {"degrees": len(city)}


def test_a_function_is_called_and_its_result_is_history(chat: FunAudioChat, write: Write) -> None:
    """End to end: the model's (forced) text calls, the function runs, the model reads its result and answers."""
    session = ChatSession(chat, Pattern.S2T, tools=ToolRunner([weather], submit=at_once))
    assert '<tools>\n{"type": "function", "function": {"name": "weather"' in session.prompt
    written = call("weather", '{"city": "Paris"}')
    write([written, "Five degrees."])
    events = list(session.ask(pcm=PCM))
    assert [event.content for event in events if isinstance(event, ToolResult)] == ['{"degrees": 5}']
    assert events[-1] == AnswerEnded("end", "Five degrees.")
    response = response_text(['{"degrees": 5}'])
    assert read_conversation(session).endswith(f"assistant\n{written}\nuser\n{response}\nassistant\nFive degrees.\n")
    assert [role for role, _ in session.history] == ["user", "assistant", "tool", "assistant"]
    write(["Bye."])
    list(session.ask(pcm=PCM))
    assert read_conversation(session).count("<tool_response>") == 1
    session._rows.keep_turns(0, 1)
    assert "<tool_response>" not in read_conversation(session)


def test_spoken_answers_with_tools(endless: FunAudioChat, stage: CosyVoice, write: Write) -> None:
    """The call is not heard, but the answer is; history is text."""
    config = ChatConfig(history="speech")
    session = ChatSession(
        endless, Pattern.S2M, config, tools=ToolRunner([weather], submit=at_once), voice=ChatVoice(stage)
    )
    write(["x" + call("weather", '{"city": "Rome"}'), "x" + "Four degrees."])
    events = list(session.ask(pcm=PCM))
    place = next(index for index, event in enumerate(events) if isinstance(event, ToolResult))
    assert len(sound_of(events[:place])) == 0
    assert len(sound_of(events[place:])) > 0
    assert all(element.spoken is None for element in session._rows.elements(0))


def test_results_that_the_caller_gives(chat: FunAudioChat, write: Write) -> None:
    tool = Tool.from_definition({"name": "ask_user"}, "test")
    session = ChatSession(chat, Pattern.T2T, tools=ToolRunner([tool]))
    write([call("ask_user"), "Blue, then."])
    ended = list(session.ask("Guess."))[-1]
    assert isinstance(ended, AnswerEnded)
    assert ended.how == "calls"
    assert list(session.give(["blue"]))[-1] == AnswerEnded("end", "Blue, then.")
    assert ("tool", response_text(["blue"])) in session.history


def test_results_that_find_no_room(chat: FunAudioChat, write: Write) -> None:
    runner = ToolRunner([weather], ToolsConfig(result_chars=10_000), submit=at_once)
    config = ChatConfig(turns=TurnsConfig(places=1200), answer_room=10)
    session = ChatSession(chat, Pattern.T2T, config, tools=ToolRunner([big], runner.config, submit=at_once))
    write([call("big")])
    with pytest.raises(ConfigError, match="make it shorter"):
        list(session.ask("Go."))


def big() -> str:
    """A long text."""
    return "x" * 5000
