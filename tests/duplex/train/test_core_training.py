"""Training of the core on dialogues: it learns, resumes where it stopped, and leaves the word maps alone."""

import random
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from configs.model.core import CoreConfig, LlmConfig, UserSideConfig
from configs.schedule import ScheduleConfig
from configs.train.core_training import AugmentConfig, CoreTrainingConfig, LossConfig
from configs.train.simulation import DialogueDataConfig
from duplex.model.layouts.tdm.core import Core, CoreInput
from duplex.train.core.trainer import overlay, train, unpack
from duplex.train.dialogue.dataset import DialogueBatch, DialogueDataset
from duplex.train.dialogue.shards import Shard
from duplex.train.dialogue.simulate import run
from duplex.train.dialogue.speak import answers_of
from duplex.train.dialogue.tracks import TrackIds
from tdm.layout import TdmLayout
from tests.duplex.train.dialogue.scenes import (
    REST,
    SMALL,
    LoudnessEncoder,
    WordIds,
    no_errors,
    silent_table,
    small_bank,
)

LLM = LlmConfig(
    vocab_size=400, hidden_size=32, intermediate_size=48, num_hidden_layers=1, num_attention_heads=2,
    num_key_value_heads=2,
)  # fmt: skip
CORE = CoreConfig(llm=LLM, user=UserSideConfig(feature_dim=2))
CONFIG = CoreTrainingConfig(
    steps=50, dialogues=3, learning_rate=1e-2, warmup=5, losses=LossConfig(rows=0.0),
    augment=AugmentConfig(crop_slots=100, channel_dropout=0.0, noise=0.0),
)  # fmt: skip
SCHEDULE = ScheduleConfig(window_slots=30)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> DialogueDataset:
    folder = tmp_path_factory.mktemp("core")
    run(SMALL.model_copy(update={"dialogues": 6}), folder / "shard", small_bank(folder / "bank"), LoudnessEncoder())
    shard, ids = Shard(folder / "shard"), WordIds()
    table = silent_table(answers_of([shard]), ids, TrackIds(0, 1, 2), REST + 1)
    return DialogueDataset([shard], table, ids, DialogueDataConfig(), no_errors, prompt="you are ada")


def batches(data: DialogueDataset) -> Iterator[DialogueBatch]:
    rng = random.Random(0)
    while True:
        for ids in data.epoch(3, rng):
            yield data.batch(ids, rng)


def train_core(data: DialogueDataset, out: Path, steps: int = CONFIG.steps) -> Core:
    torch.manual_seed(0)
    core = Core(CORE)
    config = CONFIG.model_copy(update={"steps": steps})
    train(core, config, SCHEDULE, batches(data), iter(()), out / "checkpoint.pt")
    return core


@torch.no_grad()
def accuracy(core: Core, data: DialogueDataset) -> float:
    batch = data.batch(range(6), random.Random(9), perturbed=False)
    slots, targets = unpack(batch)
    assert slots.features is not None
    slots.features = slots.features.float()
    out = core.pack(batch.prefix, slots, TdmLayout(SCHEDULE, batch.prefix.shape[1]))
    right = (out.state > 0) == (targets.state > 0.5)
    return float((right * targets.state_weight).sum() / targets.state_weight.sum())


def test_learns_when_to_speak_and_spares_the_word_maps(data: DialogueDataset, tmp_path: Path) -> None:
    torch.manual_seed(0)
    fresh = Core(CORE)
    core = train_core(data, tmp_path)
    assert accuracy(core, data) > max(0.75, accuracy(fresh, data) + 0.1)
    moved = {name: (value - fresh.state_dict()[name]).abs().max() for name, value in core.named_parameters()}
    assert 0 < moved["user.words"] < 0.2 * max(moved.values())


def test_finished_run_is_not_repeated(data: DialogueDataset, tmp_path: Path) -> None:
    first = train_core(data, tmp_path, steps=2)
    again = train_core(data, tmp_path, steps=2)
    assert all(torch.equal(value, again.state_dict()[name]) for name, value in first.state_dict().items())


def test_text_is_overlaid_with_the_sound_of_one_dialogue_and_keeps_its_words(data: DialogueDataset) -> None:
    torch.manual_seed(0)
    sound, _ = unpack(data.batch(range(3), random.Random(0)))
    assert sound.tokens is not None
    rest = sound.tokens[sound.state == 0][0]
    sound.tokens = torch.where((sound.state == 1)[..., None, None], rest + 1, sound.tokens)
    text = CoreInput(None, torch.full((2, 7, 4), 5), torch.full((2, 7), 6), None, torch.tensor([[0] * 3 + [1] * 4] * 2),
                     torch.zeros(2, 7, dtype=torch.long))  # fmt: skip
    both = overlay(text, sound)
    assert both.features is not None
    assert both.tokens is not None
    assert sound.features is not None
    assert torch.equal(both.words, text.words)
    assert torch.equal(both.text, text.text)
    for row in both.features:
        places = (sound.features == row[0]).flatten(2).all(-1).nonzero()
        assert any(torch.equal(sound.features[who, (when + torch.arange(7)) % 150], row) for who, when in places)
    assert (both.tokens[text.state == 0] == rest).all()
    assert (both.tokens[text.state == 1] == rest + 1).all()
