"""Whole conversations in which a language model writes the answers: mini hears, decides and speaks."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
import soundfile
import soxr

from configs.model.language_models import LanguageModelConfig
from duplex.model.families.checkpoint import load_tdm_model
from duplex.model.interface import ConversationOptions
from duplex.model.language_models.answers import LiveAnswers, LoggedAnswers, MissingAnswers
from duplex.model.layouts.tdm.answered_generator import AnsweredGenerator
from duplex.model.layouts.tdm.tdm_model import TdmModel
from runtime.converse import Conversation, SlotExtras, converse_slots, user_slots
from runtime.pcm import Pcm16
from runtime.replay import compare, load_logged, replay
from tests.duplex.model.language_models.scripted_answers import ScriptedLlm

SPEECH = Path(__file__).parents[1] / "data" / "speech"
FACTS = "The capital is Oslo, which has about 700,000 people. It lies at the head of a fjord."
CONFIG = LanguageModelConfig(source="a test", speculate=True)


@pytest.fixture(scope="module")
def mini() -> TdmModel:
    return load_tdm_model("mini")


def say(*names: str, pause_s: float = 0.0) -> list[Pcm16]:
    """Slots of recorded requests, with silence around them."""
    parts = [np.zeros(16_000, np.float32)]
    for name in names:
        pcm, rate = soundfile.read(SPEECH / f"{name}.flac", dtype="float32")
        parts += [soxr.resample(pcm, rate, 16_000), np.zeros(int(16_000 * pause_s), np.float32)]
    return list(user_slots(np.concatenate(parts), 3.0))


def talk(
    mini: TdmModel,
    llm: ScriptedLlm,
    slots: list[Pcm16],
    folder: Path | None = None,
    told: Mapping[int, SlotExtras] | None = None,
    **changes: object,
) -> Conversation:
    generator = AnsweredGenerator(mini, LiveAnswers(llm, CONFIG.model_copy(update=changes), 1), 1, beside=False)
    return converse_slots(generator, slots, ConversationOptions(), folder=folder, model="mini", told=told or {})


@pytest.fixture(scope="module")
def answered(mini: TdmModel, tmp_path_factory: pytest.TempPathFactory) -> tuple[Conversation, Path]:
    folder = tmp_path_factory.mktemp("answered")
    return talk(mini, ScriptedLlm(FACTS), say("capital_of_norway", pause_s=6.0), folder), folder


def test_the_answer_is_what_the_language_model_wrote(answered: tuple[Conversation, Path]) -> None:
    conversation, _ = answered
    assert conversation.transcript.assistant.text == FACTS
    assert [answer.how for answer in conversation.transcript.assistant.answers] == ["end"]


def test_the_answer_begins_soon_although_the_language_model_needs_time(answered: tuple[Conversation, Path]) -> None:
    conversation, _ = answered
    (answer,) = conversation.transcript.assistant.answers
    assert 0 < answer.start - conversation.transcript.user.words[-1].end < 1.2


def test_the_state_head_hears_the_answer_as_its_own(answered: tuple[Conversation, Path]) -> None:
    """Text that it did not write, and a number of six words that is one written word, do not make it doubt."""
    rows = answered[0].rows
    speaking = [row.p_speak for row in rows if row.state == "SPEAK"]
    assert min(speaking[:-1]) > 0.9


def test_a_replay_needs_no_language_model(mini: TdmModel, answered: tuple[Conversation, Path]) -> None:
    conversation, folder = answered
    logged = load_logged(folder / "slots.jsonl")
    config = LanguageModelConfig.from_mapping(logged.log.header.llm or {}, "the log").as_logged
    again = replay(logged, AnsweredGenerator(mini, LoggedAnswers(config, 1), 1, beside=False))
    assert compare(logged.rows, again.rows).equal
    assert again.transcript == conversation.transcript


def test_an_interruption_keeps_what_was_heard_and_cancels_the_request(mini: TdmModel) -> None:
    llm = ScriptedLlm(FACTS)
    slots = say("capital_of_norway", "tell_me_a_story", pause_s=3.0)
    conversation = talk(mini, llm, slots)
    assert conversation.transcript.assistant.answers[0].how == "cut"
    *_, question, heard, interruption = llm.requests[-1]
    assert "Norway" in question.content
    assert FACTS.startswith(heard.content.removesuffix(" —"))
    assert heard.content.endswith(" —")
    assert "story" in interruption.content.lower()
    assert conversation.transcript.assistant.answers[0].text == heard.content.removesuffix(" —")
    assert all(generation.cancelled or not generation.pieces for generation in llm.generations)


def test_go_on_brings_the_rest_without_asking(mini: TdmModel) -> None:
    llm = ScriptedLlm(FACTS)
    llm.replies["Wait."] = "Of course."
    told = {28: SlotExtras("Wait."), 45: SlotExtras("Okay, go on.")}
    conversation = talk(mini, llm, say("capital_of_norway", pause_s=14.0), told=told)
    first, other, last = conversation.transcript.assistant.answers
    assert (first.how, other.text) == ("cut", "Of course.")
    assert f"{first.text} {last.text}" == FACTS
    assert not any("go on" in messages[-1].content for messages in llm.requests)


def test_while_the_language_model_is_slow_the_assistant_is_said_to_think(mini: TdmModel) -> None:
    conversation = talk(mini, ScriptedLlm(FACTS, first_ms=3000), say("capital_of_norway", pause_s=6.0))
    thinking = [row.slot for row in conversation.rows if row.thinking]
    assert len(thinking) >= 10
    assert conversation.transcript.assistant.text.startswith("The capital is Oslo")


def test_a_language_model_slower_than_the_state_head_is_patient_is_heard_all_the_same(mini: TdmModel) -> None:
    slots = say("capital_of_norway", pause_s=12.0)
    conversation = talk(mini, ScriptedLlm(FACTS, first_ms=11_000), slots)
    assert conversation.transcript.assistant.text.startswith("The capital is Oslo")


def test_a_word_a_second_is_spoken_by_clauses(mini: TdmModel) -> None:
    slots = say("capital_of_norway", pause_s=16.0)
    conversation = talk(mini, ScriptedLlm(FACTS, word_ms=900), slots)
    answers = conversation.transcript.assistant.answers
    assert [answer.how for answer in answers] == ["end"] * len(answers)
    assert len(answers) > 1
    assert " ".join(answer.text for answer in answers) == FACTS


def test_a_language_model_that_fails_is_told_and_the_conversation_goes_on(mini: TdmModel) -> None:
    llm = ScriptedLlm("", first_ms=300, error="the server refused the key; set OPENAI_API_KEY")
    conversation = talk(mini, llm, say("capital_of_norway", pause_s=2.0) + say("tell_me_a_story", pause_s=2.0))
    errors = [row.came.error for row in conversation.rows if row.came and row.came.error]
    assert set(errors) == {"the server refused the key; set OPENAI_API_KEY"}
    assert "story" in llm.requests[-1][-1].content.lower()
    assert conversation.transcript.assistant.answers == ()


def test_with_the_mixture_the_mind_answers_what_it_knows(mini: TdmModel) -> None:
    llm = ScriptedLlm("I should not be heard.")
    conversation = talk(mini, llm, say("capital_of_norway", pause_s=5.0), answers="unknown")
    assert "Oslo" in conversation.transcript.assistant.text
    assert "heard" not in conversation.transcript.assistant.text


def test_what_the_user_writes_is_answered(mini: TdmModel) -> None:
    silence = [np.zeros(3200, np.int16)] * 60
    generator = AnsweredGenerator(mini, LiveAnswers(ScriptedLlm(FACTS), CONFIG, 1), 1, beside=False)
    told = {10: SlotExtras("What is the capital of Norway?")}
    conversation = converse_slots(generator, silence, ConversationOptions(), told=told)
    assert conversation.transcript.user.text == "What is the capital of Norway?"
    assert conversation.transcript.assistant.text == FACTS


def test_written_questions_have_written_answers(mini: TdmModel) -> None:
    llm = ScriptedLlm(FACTS)
    both = AnsweredGenerator(mini, LiveAnswers(llm, CONFIG.model_copy(update={"answers": "unknown"}), 1), 1)
    assert both.write("What is the capital of Norway?") == "the capital of norway is oslo."
    assert both.write("Who painted the ceiling of the Sistine Chapel?") == FACTS
    alone = AnsweredGenerator(mini, LiveAnswers(llm, CONFIG, 1), 1)
    assert alone.write("What is the capital of Norway?") == FACTS


def test_where_the_language_model_cannot_be_had_the_mixture_is_mini_alone_and_says_so(mini: TdmModel) -> None:
    config = LanguageModelConfig(source="/no/such/folder", answers="unknown")
    missing = MissingAnswers(config, "there is no folder /no/such/folder; check the path", 1)
    generator = AnsweredGenerator(mini, missing, 1, beside=False)
    conversation = converse_slots(generator, say("capital_of_norway", pause_s=4.0), ConversationOptions())
    assert "Oslo" in conversation.transcript.assistant.text
    (error,) = [row.came.error for row in conversation.rows if row.came and row.came.error]
    assert "/no/such/folder" in error
