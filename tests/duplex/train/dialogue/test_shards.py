from pathlib import Path

import numpy as np
import pytest

from duplex.train.dialogue.shards import Shard, ShardError, ShardWriter
from duplex.train.dialogue.simulate import run
from tests.duplex.train.dialogue.scenes import SMALL, LoudnessEncoder, scene, turn


def test_what_was_added_is_read(tmp_path: Path) -> None:
    features = np.arange(2 * 30 * 2, dtype=np.float16).reshape(2, 30, 2)
    ShardWriter(tmp_path, 30, 2).add(features, [scene(turn(0.0, 1.0, "hello")), scene()])
    shard = Shard(tmp_path)
    assert np.array_equal(shard.features, features)
    assert [len(one.turns) for one in shard.scenes] == [1, 0]


def test_missing_shard_is_named(tmp_path: Path) -> None:
    with pytest.raises(ShardError, match="run 'duplex train dialogues' first"):
        Shard(tmp_path / "none")


def test_a_stopped_run_goes_on_and_equals_one_go(bank: Path, tmp_path: Path) -> None:
    once, twice = tmp_path / "once" / "train", tmp_path / "twice" / "train"
    run(SMALL, once, bank, LoudnessEncoder())
    run(SMALL.model_copy(update={"dialogues": 2}), twice, bank, LoudnessEncoder())
    with (twice / "features.f16").open("ab") as features, (twice / "scenes.jsonl").open("a") as scenes:
        features.write(b"\0" * 999)
        scenes.write('{"name": "tra')
    run(SMALL, twice, bank, LoudnessEncoder())
    for name in ("features.f16", "scenes.jsonl"):
        assert (once / name).read_bytes() == (twice / name).read_bytes()
    assert Shard(once).features.shape == (5, 1500, 2)


def test_validation_uses_other_lines(bank: Path, tmp_path: Path) -> None:
    run(SMALL, tmp_path / "valid", bank, LoudnessEncoder(), validation=True)
    assert len(Shard(tmp_path / "valid").scenes) == SMALL.dialogues
