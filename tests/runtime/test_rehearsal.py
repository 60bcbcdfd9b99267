"""Mini goes on with a conversation in a new engine, slot for slot as if the old one had not been lost."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile
import soxr

from configs.model.language_models import LanguageModelConfig
from configs.runtime.runtime import EngineConfig
from duplex.model.families.checkpoint import load_tdm_model
from duplex.model.interface import ConversationOptions, SlotResult
from duplex.model.language_models.rehearsed_answers import RehearsedAnswers
from duplex.model.layouts.tdm.answered_generator import AnsweredGenerator
from duplex.model.layouts.tdm.tdm_model import TdmModel
from duplex.model.stages.transcriber import Request, Transcriber, Transcription
from runtime.clock import ManualClock
from runtime.converse import user_slots
from runtime.engine.engine import Engine
from runtime.records import Past, UserSlot
from tests.duplex.model.language_models.scripted_answers import ScriptedLlm

SPEECH = Path(__file__).parents[1] / "data" / "speech"
FACTS = "The capital is Oslo, which has about 700,000 people."
CONFIG = LanguageModelConfig(source="a test", speculate=True)
OPTIONS = ConversationOptions(seed=3)


@pytest.fixture(scope="module")
def mini() -> TdmModel:
    return load_tdm_model("mini")


@pytest.fixture
def decoded(mini: TdmModel, monkeypatch: pytest.MonkeyPatch) -> list[Request]:
    """The clips that were really decoded."""
    source = mini.ears.words
    assert isinstance(source, Transcriber)
    decode, clips = source._decode, list[Request]()

    def decode_and_note(request: Request) -> Transcription:
        clips.append(request)
        return decode(request)

    monkeypatch.setattr(source, "_decode", decode_and_note)
    return clips


@pytest.fixture(scope="module")
def slots() -> list[UserSlot]:
    pcm, rate = soundfile.read(SPEECH / "capital_of_norway.flac", dtype="float32")
    sound = np.concatenate([np.zeros(8_000, np.float32), soxr.resample(pcm, rate, 16_000)])
    return [UserSlot(index, slot) for index, slot in enumerate(user_slots(sound, 5.0))]


def make_engine(mini: TdmModel, llm: ScriptedLlm) -> Engine:
    generator = AnsweredGenerator(mini, RehearsedAnswers(llm, CONFIG, 1), 1, beside=False)
    generator.use_virtual_time()
    return Engine(generator, ManualClock(), EngineConfig(max_sessions=1, gather_ms=0))


def step(engine: Engine, slot: UserSlot) -> SlotResult:
    engine.push("a", slot, 0.0)
    (done,) = engine.run_once()
    return done.result


@pytest.fixture(scope="module")
def undisturbed(mini: TdmModel, slots: list[UserSlot]) -> list[SlotResult]:
    engine = make_engine(mini, ScriptedLlm(FACTS))
    engine.admit("a", OPTIONS)
    return [step(engine, slot) for slot in slots]


def test_the_conversation_has_an_answer(undisturbed: list[SlotResult]) -> None:
    events = [result.event for result in undisturbed if result.event]
    assert events == ["start", "end"]


@pytest.mark.parametrize("place", ["in the question", "in the answer", "after the answer"])
def test_a_new_engine_goes_on_as_the_old_one_would_have(
    mini: TdmModel, slots: list[UserSlot], undisturbed: list[SlotResult], decoded: list[Request], place: str
) -> None:
    written = next(result.slot for result in undisturbed if result.came and result.came.finished)
    ends = next(result.slot for result in undisturbed if result.event == "end")
    lost = {"in the question": 4, "in the answer": max(written, ends - 6) + 1, "after the answer": ends + 2}[place]
    past = [
        replace(slot, came=result.came, words_late=result.words_late, recognition=result.recognition)
        for slot, result in zip(slots[:lost], undisturbed, strict=False)
    ]
    llm = ScriptedLlm(FACTS)
    engine = make_engine(mini, llm)
    engine.admit("a", OPTIONS, Past(tuple(past)))
    decoded.clear()
    for _ in past:
        assert engine.run_once() == []
    assert len(decoded) <= 1, "only what was not known yet when the engine was lost"
    for slot, wanted in zip(slots[lost:], undisturbed[lost:], strict=True):
        result = step(engine, slot)
        assert (result.slot, result.state, result.event, result.text_id) == (
            wanted.slot,
            wanted.state,
            wanted.event,
            wanted.text_id,
        )
        assert result.p_speak == pytest.approx(wanted.p_speak, abs=1e-9)
        np.testing.assert_array_equal(result.pcm, wanted.pcm)
    assert bool(llm.requests) == (place == "in the question")


def test_what_was_said_before_the_last_slots_is_in_the_history(mini: TdmModel, slots: list[UserSlot]) -> None:
    llm = ScriptedLlm(FACTS)
    engine = make_engine(mini, llm)
    turns = (("user", "My name is Ada."), ("assistant", "Hello, Ada!"))
    engine.admit("a", OPTIONS, Past(tuple(slots[:3]), turns))
    for slot in slots[:3]:
        assert engine.run_once() == [], slot
    for slot in slots[3:]:
        step(engine, slot)
    asked = [(message.role, message.content) for message in llm.requests[-1]]
    assert asked[-3:-1] == list(turns)
    assert "Norway" in asked[-1][1]
