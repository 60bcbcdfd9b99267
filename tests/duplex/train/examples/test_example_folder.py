"""Folders of examples: what is written is read back, and what is broken is named."""

from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from configs.base import ConfigError
from configs.model.patterns import Pattern
from configs.train.examples import ExamplesInfo
from duplex.train.examples.example import ExampleError, Turn
from duplex.train.examples.example_folder import INFO, ExampleFolder, ExampleWriter
from tests.duplex.train.examples.conftest import TOKENS, spoken


def test_what_is_written_is_read_back(tmp_path: Path) -> None:
    timed = Turn("assistant", "Ja – natürlich.", tokens=(1, 2), start_ms=4, heard_ms=3)
    examples = [
        spoken("a", rounds=2),
        replace(spoken("b"), language="en", system="Be kind.", pattern=Pattern.STC),
        replace(spoken("c"), turns=(replace(spoken().turns[0], start_ms=0), timed), language="de"),
    ]
    held = replace(spoken("d"), split="validation")
    with ExampleWriter(tmp_path / "out", ExamplesInfo(tokens=TOKENS, audio="../sound"), shard=2) as writer:
        writer.add([*examples, held])
    folder = ExampleFolder(tmp_path / "out")
    assert list(folder.read("train")) == examples
    assert list(folder.read("validation")) == [held]
    assert (folder.count("train"), folder.count("validation"), writer.counts) == (3, 1, {"train": 3, "validation": 1})
    assert [path.name for path in folder.shards("train")] == ["train-00000.parquet", "train-00001.parquet"]
    assert folder.tokens == TOKENS
    assert folder.sound(examples[0].turns[0]) == tmp_path / "out" / "../sound/a-0.wav"
    assert folder.info_for(tmp_path / "deep" / "er").audio == "../../sound"


def test_a_folder_of_examples_is_not_overwritten(tmp_path: Path) -> None:
    with ExampleWriter(tmp_path, ExamplesInfo()) as writer:
        writer.add([spoken()])
    with pytest.raises(ConfigError, match="holds examples already; choose another folder for --out"):
        ExampleWriter(tmp_path, ExamplesInfo())


def test_a_folder_that_was_not_finished_is_none(tmp_path: Path) -> None:
    with pytest.raises(ExampleError, match="has neither text"), ExampleWriter(tmp_path, ExamplesInfo()) as writer:
        writer.add([replace(spoken(), turns=(Turn("user"), Turn("assistant", "Yes.")))])
    with pytest.raises(ConfigError, match=f"has no {INFO}; make one with 'duplex data import'"):
        ExampleFolder(tmp_path)


@pytest.mark.parametrize("what", ["bytes", "columns", "pattern", "null"])
def test_a_broken_shard_is_one_line(tmp_path: Path, what: str) -> None:
    with ExampleWriter(tmp_path, ExamplesInfo()) as writer:
        writer.add([spoken()])
    shard = tmp_path / "train-00000.parquet"
    rows = pq.read_table(shard)
    if what == "bytes":
        shard.write_bytes(shard.read_bytes()[:200])
    elif what == "columns":
        pq.write_table(rows.drop_columns(["system"]), shard)
    else:
        value = pa.array([None if what == "null" else "S3M"], pa.string())
        name = "id" if what == "null" else "pattern"
        pq.write_table(rows.set_column(rows.schema.get_field_index(name), name, value), shard)
    reason = {
        "bytes": "cannot be read",
        "columns": "other columns",
        "pattern": "unknown pattern 'S3M'",
        "null": "no id",
    }
    with pytest.raises(ExampleError, match=reason[what]):
        list(ExampleFolder(tmp_path).read("train"))


def test_examples_without_speech_tokens_say_so(tmp_path: Path) -> None:
    with ExampleWriter(tmp_path, ExamplesInfo()) as writer:
        writer.add([spoken()])
    with pytest.raises(ExampleError, match="have no speech tokens"):
        assert ExampleFolder(tmp_path).tokens
