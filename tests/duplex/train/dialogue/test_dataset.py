import random
from pathlib import Path

import numpy as np
import pytest
import torch

from configs.train.simulation import DialogueDataConfig
from duplex.model.stages.fusion import ABSENT
from duplex.train.dialogue.dataset import DialogueDataset
from duplex.train.dialogue.shards import Shard
from duplex.train.dialogue.simulate import run
from duplex.train.dialogue.speak import answers_of
from duplex.train.dialogue.tracks import IGNORE_INDEX, TrackIds
from tests.duplex.train.dialogue.scenes import REST, SMALL, LoudnessEncoder, WordIds, no_errors, silent_table


@pytest.fixture(scope="module")
def shard(bank: Path, tmp_path_factory: pytest.TempPathFactory) -> Shard:
    folder = tmp_path_factory.mktemp("dialogues")
    run(SMALL.model_copy(update={"dialogues": 12, "batch": 4}), folder, bank, LoudnessEncoder())
    return Shard(folder)


def dataset(shard: Shard, config: DialogueDataConfig) -> DialogueDataset:
    ids = WordIds()
    table = silent_table(answers_of([shard]), ids, TrackIds(0, 1, 2), REST + 1)
    return DialogueDataset([shard], table, ids, config, no_errors, prompt="you are ada")


def test_shapes_and_types(shard: Shard) -> None:
    batch = dataset(shard, DialogueDataConfig()).batch([0, 3, 5], random.Random(0))
    shapes = {name: tuple(value.shape) for name, value in vars(batch).items()}
    assert shapes == {
        "prefix": (3, shapes["prefix"][1]),
        "features": (3, 150, 10, 2),
        "user_words": (3, 150, 4),
        "text": (3, 150),
        "tokens": (3, 150, 5, 15),
        "state": (3, 150),
        "since": (3, 150),
        "target_state": (3, 150),
        "state_weight": (3, 150),
        "target_text": (3, 150),
        "voice": (3, 150, 5),
        "ends": (3, 150),
        "known": (3, 150),
    }
    assert batch.tokens.dtype == torch.int8
    assert batch.features.dtype == torch.float16


def test_features_belong_to_their_dialogue(shard: Shard) -> None:
    batch = dataset(shard, DialogueDataConfig()).batch([7, 2], random.Random(0))
    for row, index in enumerate((7, 2)):
        assert np.array_equal(batch.features[row].flatten(0, 1).numpy(), shard.features[index])


def test_the_same_generator_gives_the_same_batch_and_another_does_not(shard: Shard) -> None:
    data = dataset(shard, DialogueDataConfig())
    first, same, other = (data.batch(range(12), random.Random(seed)) for seed in (1, 1, 2))
    assert all(torch.equal(value, getattr(same, name)) for name, value in vars(first).items())
    assert not torch.equal(first.state, other.state)


def test_an_epoch_has_every_dialogue_once_and_equal_prompts(shard: Shard) -> None:
    data = dataset(shard, DialogueDataConfig())
    batches = list(data.epoch(5, random.Random(0)))
    assert sorted(index for ids in batches for index in ids) == list(range(12))
    assert max(map(len, batches)) <= 5
    for ids in batches:
        assert (data.batch(ids, random.Random(0)).prefix != 0).all()


def test_turns_that_ask_for_nothing_are_answered_later(shard: Shard) -> None:
    kinds = tuple({turn.kind for scene in shard.scenes for turn in scene.turns})
    onsets = []
    for config in (DialogueDataConfig(waits={}), DialogueDataConfig(waits=dict.fromkeys(kinds, 3))):
        batch = dataset(shard, config).batch(range(12), random.Random(0), perturbed=False)
        starts = (batch.target_state == 1) & (batch.state == 0)
        onsets.append([int(row.nonzero()[0]) for row in starts if row.any()])
    waits = [later - at_once for at_once, later in zip(*onsets, strict=True)]
    assert min(waits) >= 0
    assert waits.count(3) > len(waits) / 2


def test_a_perfect_past_says_what_was_taught(shard: Shard) -> None:
    batch = dataset(shard, DialogueDataConfig()).batch(range(12), random.Random(0), perturbed=False)
    taught = batch.target_text[:, :-1] != IGNORE_INDEX
    assert taught.sum() > 50
    assert torch.equal(batch.text[:, 1:][taught], batch.target_text[:, :-1][taught])
    assert (batch.state[:, 1:][taught] == 1).all()
    assert torch.equal(batch.target_state[:, :-1], batch.state[:, 1:].float())


def test_mute_slots_hold_silence(shard: Shard) -> None:
    batch = dataset(shard, DialogueDataConfig()).batch(range(12), random.Random(0))
    mute = batch.state == 0
    assert (batch.text[mute] == 0).all()
    assert (batch.text[~mute] != 0).all()
    assert (batch.tokens[mute] == 1).all()


def test_users_words_are_there(shard: Shard) -> None:
    batch = dataset(shard, DialogueDataConfig()).batch(range(12), random.Random(0))
    counts = (batch.user_words != ABSENT).sum((1, 2))
    said = [len(scene.turns) > 0 for scene in shard.scenes]
    assert all(count > 0 for count, spoken in zip(counts.tolist(), said, strict=True) if spoken)


def test_vetoes_are_taught_only_where_the_assistant_must_stay_mute(shard: Shard) -> None:
    batch = dataset(shard, DialogueDataConfig(veto_share=0.5)).batch(range(12), random.Random(0))
    vetoed = batch.target_text == 0
    assert vetoed.sum() > 100
    assert (batch.state[vetoed] == 0).all()
    assert (batch.target_state[vetoed] == 0).all()
