"""The papers' model families in the whole engine, with random weights: conversations start, speak, are cut and end."""

from contextlib import closing
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from configs.model.families import DRVOICE_TINY, OMNIDRCA_TINY
from configs.model.family import FamilyConfig
from configs.policy import PolicyConfig, Threshold
from duplex.model.families.checkpoint import random_tdm_model
from duplex.model.interface import ConversationOptions
from duplex.model.layouts.tdm.tdm_generator import TdmGenerator
from duplex.model.layouts.tdm.tdm_model import TdmModel
from runtime.converse import Conversation, converse
from runtime.replay import compare, load_logged, replay
from tests.runtime.user_audio import INTERRUPTION

TINY_FAMILIES = (DRVOICE_TINY, OMNIDRCA_TINY)
NAMES = [config.mind.name for config in TINY_FAMILIES]
TALKATIVE = PolicyConfig(
    start=Threshold(probability=0.0, slots=2), stop=Threshold(probability=0.0, slots=1), guard_slots=0
)
"""Start at once, never stop: an answer comes to its end."""


@cache
def model(name: str) -> TdmModel:
    return random_tdm_model(next(config for config in TINY_FAMILIES if config.mind.name == name))


def cutting(name: str) -> PolicyConfig:
    """Stops where the random state head is least sure, in the middle of an answer."""
    values = [row.p_speak for row in talk(name, TALKATIVE).rows]
    lowest = sorted(values[4:14])[0]
    stop = Threshold(probability=lowest + 1e-6, slots=1)
    return TALKATIVE.model_copy(update={"stop": stop, "stop_at_once": 0.0, "min_mute_slots": 3})


@cache
def _talk(name: str, policy: str, seed: int) -> Conversation:
    options = ConversationOptions(seed=seed, policy=PolicyConfig.model_validate_json(policy), temperature=1.0)
    with closing(TdmGenerator(model(name), 1)) as generator:
        return converse(generator, INTERRUPTION, options, 4.0)


def talk(name: str, policy: PolicyConfig, seed: int = 1) -> Conversation:
    return _talk(name, policy.model_dump_json(), seed)


@pytest.mark.parametrize("name", NAMES)
def test_an_answer_starts_speaks_and_ends(name: str) -> None:
    rows = talk(name, TALKATIVE).rows
    events = [row.event for row in rows if row.event]
    assert events[:2] == ["start", "end"]
    first = next(row.slot for row in rows if row.event == "start")
    end = next(row.slot for row in rows if row.event == "end")
    head = model(name).mind.config.core.assistant
    assert head.codes is not None
    said = [token for row in rows[first:end] for token in np.ravel(row.tokens)]
    assert sum(token < head.codes - 3 for token in said) > 5
    assert any(row.spoken for row in rows[first:end])
    loud = [row.slot for row in rows if row.assistant_db > -60]
    assert loud
    assert first <= loud[0]


@pytest.mark.parametrize("name", NAMES)
def test_what_was_written_is_spoken_by_the_end(name: str) -> None:
    rows = talk(name, TALKATIVE).rows
    end = next(row.slot for row in rows if row.event == "end")
    known = [word for row in rows[:end] for word in row.answer_words]
    done = [word.text for row in rows[:end] for word in row.spoken if word.answer == 0 and word.done >= 1]
    assert done == known


@pytest.mark.parametrize("name", NAMES)
def test_a_cut_is_quiet_within_a_slot_and_the_next_answer_is_a_new_one(name: str) -> None:
    conversation = talk(name, cutting(name))
    cuts = [row.slot for row in conversation.rows if row.event == "cut"]
    assert cuts
    samples = conversation.assistant[(cuts[0] + 1) * 4800 : (cuts[0] + 3) * 4800]
    assert not samples[480:].any()
    answers = [answer.how for answer in conversation.transcript.assistant.answers]
    assert "cut" in answers


@pytest.mark.parametrize("name", NAMES)
def test_a_replay_is_equal(name: str, tmp_path: Path) -> None:
    folder = tmp_path / name
    options = ConversationOptions(seed=5, policy=TALKATIVE, temperature=1.0)
    with closing(TdmGenerator(model(name), 1)) as generator:
        converse(generator, INTERRUPTION, options, 1.0, folder=folder, model=name)
        logged = load_logged(folder / "slots.jsonl")
        report = compare(logged.rows, replay(logged, generator).rows)
    assert report.difference is None


@pytest.mark.parametrize("name", NAMES)
def test_a_conversation_does_not_depend_on_who_shares_the_engine(name: str) -> None:
    with closing(TdmGenerator(model(name), 2)) as generator:
        for row, seed in enumerate((1, 9)):
            generator.open(row, ConversationOptions(seed=seed, policy=TALKATIVE, temperature=1.0))
        slots = INTERRUPTION.reshape(-1, 3200)[:20]
        shared = [
            generator.step(np.stack([slot, -slot]), np.array([True, index != 3])) for index, slot in enumerate(slots)
        ]
        generator.open(1, ConversationOptions(seed=1, policy=TALKATIVE, temperature=1.0))
        again = [generator.step(np.stack([slot, slot]), np.array([False, True]))[1] for slot in slots]
    for (one, _), two in zip(shared, again, strict=True):
        assert one is not None
        assert two is not None
        assert np.array_equal(one.tokens, two.tokens)
        assert np.array_equal(one.pcm, two.pcm)
        assert one.tokens.dtype == np.int16


def test_the_configurations_read_themselves_back() -> None:
    for config in TINY_FAMILIES:
        assert FamilyConfig.model_validate(config.model_dump(mode="json")) == config
