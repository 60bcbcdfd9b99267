"""CTC ears: streams follow the plan and resume where they stopped; a small network learns to spell."""

import random
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from configs.audio import AUDIO
from configs.model.ears import CtcConfig, EncoderConfig, WhisperShape, WordsConfig
from configs.model.model import EarsConfig
from configs.train.ctc_training import CtcStreamConfig, CtcTrainingConfig
from configs.train.simulation import NoiseConfig, RoomConfig
from duplex.model.stages.ctc_network import LETTERS, CtcNetwork
from duplex.model.stages.ctc_words import CtcWords
from duplex.model.stages.word_source import WordsInput, step
from duplex.train.dialogue.library import TRAINING, Library, open_library
from duplex.train.ears.ctc import Batches, Learner, Speller, train
from duplex.train.ears.ctc_streams import FeatureStore, LabelledSegment, plan_streams, prepare, stage_stream
from tests.duplex.train.dialogue.scenes import SMALL, LoudnessEncoder, small_bank

STREAMS = CtcStreamConfig(stream_s=6.0, rooms=RoomConfig(rooms=2), noises=NoiseConfig(events=4, beds=2))
DIM = 8
EARS = EarsConfig(
    encoder=EncoderConfig(shape=WhisperShape(dim=DIM, heads=2)),
    words=WordsConfig(source="ctc", ctc=CtcConfig(width=32, inner=48, kernel=3, dilations=(1, 1))),
)
TRAINING_CONFIG = CtcTrainingConfig(
    steps=160, warmup=5, rate=1e-2, average=0.9, pieces=40, batch=8, pool=32, masks=1, mask_frames=2, dropout=0.0
)
TEXTS = ["a cat", "cat", "a dog", "dog", "a cat a dog", "dog cat", ""]


@pytest.fixture(scope="module")
def bank(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return small_bank(tmp_path_factory.mktemp("bank"))


@pytest.fixture(scope="module")
def library(bank: Path) -> Library:
    return open_library(bank, SMALL, TRAINING)


def make_features(text: str) -> Tensor:
    """Features [T, DIM] of a text: each letter lasts four frames; the last frames are silence."""
    frames = [letter for letter in f"{text} " for _ in range(4)]
    frames += [" "] * (20 - len(frames) % 10)
    out = torch.zeros(len(frames), DIM)
    for place, letter in enumerate(frames):
        out[place] = 3 * torch.randn(DIM, generator=torch.Generator().manual_seed(ord(letter)))
    return out


@pytest.fixture
def store(tmp_path: Path) -> FeatureStore:
    """Features of the texts as if they had been heard, many times over in faint noise."""
    store, generator = FeatureStore(tmp_path / "streams", DIM), torch.Generator().manual_seed(0)
    for text in TEXTS * 6:
        features = make_features(text)
        features += 0.1 * torch.randn(features.shape, generator=generator)
        store.add(features, [LabelledSegment(0, len(features), text)])
    return store


def test_segments_hold_their_speech(library: Library) -> None:
    streams = plan_streams(STREAMS, library, random.Random(0))
    scripts = [spoken.script.name for stream in streams for spoken in stream]
    assert len(streams) > 1
    assert len(set(scripts)) == len(scripts) == sum(len(use) for use in (
        library.talks, library.turns, library.backchannels, library.commands
    ))  # fmt: skip
    samples, segments = stage_stream(STREAMS, library, streams[0], random.Random(1))
    assert len(samples) % AUDIO.slot_input_samples == 0
    assert segments[0].first > 0
    for one, other in pairwise(segments):
        assert one.first + one.frames <= other.first
    assert (segments[-1].first + segments[-1].frames) * 320 <= len(samples)
    said = " ".join(segment.text for segment in segments if segment.text)
    lines = [line for spoken in streams[0] for line in spoken.script.lines]
    assert said.split()[:2] == lines[0].text.lower().split()[:2]


def test_less_is_taken_of_a_use_that_has_too_much(library: Library) -> None:
    none = STREAMS.model_copy(update={"talks_s": 0.0, "turns_s": 0.0, "commands_s": 0.0})
    taken = [spoken for stream in plan_streams(none, library, random.Random(0)) for spoken in stream]
    assert {spoken.bank.name for spoken in taken} == {"backchannels"}


def test_streams_go_on_where_they_were_stopped(bank: Path, tmp_path: Path) -> None:
    whole = prepare(STREAMS, 0, bank, LoudnessEncoder(), tmp_path / "whole")
    prepare(STREAMS, 0, bank, LoudnessEncoder(), tmp_path / "part")
    index = tmp_path / "part" / "segments.jsonl"
    rows = index.read_text(encoding="utf-8").splitlines(keepends=True)
    index.write_text(rows[0] + rows[1][:9], encoding="utf-8")
    part = prepare(STREAMS, 0, bank, LoudnessEncoder(), tmp_path / "part")
    assert part.streams == whole.streams == len(rows)
    assert part.segments == whole.segments
    np.testing.assert_array_equal(part.frames(), whole.frames())


def test_texts_are_spelled_by_pieces_that_end_words(tmp_path: Path) -> None:
    speller = Speller(tmp_path / "pieces.json", 80, TEXTS)
    row = speller.spell(LabelledSegment(0, 10, "a cat isn't"))
    assert "".join(speller.pieces[number - 1] for number in row.pieces) == "a cat isn't "
    assert "".join(LETTERS[number - 1] for number in row.letters) == "a cat isn't "
    assert "cat " in speller.pieces
    assert Speller(tmp_path / "pieces.json", 80, ()).pieces == speller.pieces


def test_padding_changes_no_loss(store: FeatureStore, tmp_path: Path) -> None:
    speller = Speller(tmp_path / "pieces.json", 40, TEXTS)
    config = TRAINING_CONFIG.model_copy(update={"masks": 0})
    torch.manual_seed(0)
    learner = Learner(CtcNetwork(EARS.words.ctc, DIM, speller.pieces), config)
    batches, rows = Batches(config, store, ()), [speller.spell(segment) for segment in store.segments[:2]]
    sums = [float(learner(batches.batch([row])).detach()) * len(row.pieces) for row in rows]
    letters = sum(len(row.letters) for row in rows)
    pieces = sum(len(row.pieces) for row in rows)
    alone = Learner(learner.network, config.model_copy(update={"letter_weight": 0.0}))
    parts = [float(alone(batches.batch([row])).detach()) * len(row.pieces) for row in rows]
    assert letters > pieces
    assert float(alone(batches.batch(rows)).detach()) == pytest.approx(sum(parts) / pieces, rel=1e-4)
    assert all(whole > part for whole, part in zip(sums, parts, strict=True))


def test_it_learns_to_spell_and_goes_on_where_it_stopped(store: FeatureStore, tmp_path: Path) -> None:
    network = train(TRAINING_CONFIG, EARS, store, tmp_path)
    source = CtcWords(network, EARS.encoder.block_frames)
    for text in TEXTS:
        state, told = source.init_state(1), []
        features = torch.cat([make_features(text), make_features("").repeat(2, 1)])
        for slot in features.split(10):
            x = WordsInput(torch.zeros(1, 0), slot[None], torch.zeros(1).bool())
            (words,) = step(source, x, state, torch.ones(1).bool())
            told += [words.text] if words is not None else []
        assert " ".join(told) == text
    again = train(TRAINING_CONFIG, EARS, store, tmp_path)
    for one, other in zip(network.parameters(), again.parameters(), strict=True):
        assert torch.equal(one, other)
