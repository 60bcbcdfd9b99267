"""Sources of words side by side: CTC ears are made by their recipe, and measured beside the transcriber."""

import json
from pathlib import Path

import numpy as np
import pytest
import soundfile

from configs.audio import AUDIO
from configs.base import ConfigError
from configs.train.ctc_training import CtcStreamConfig, CtcTrainingConfig, SourcesConfig
from configs.train.ears import EarsEvaluation
from configs.train.simulation import NoiseConfig, RoomConfig
from duplex.model.layouts.tdm.ears import CTC, EmbeddedEars
from duplex.model.stages.ctc_words import CtcWords
from duplex.model.stages.transcriber import Transcriber
from duplex.train.ears import ctc
from duplex.train.ears import word_sources as sources
from tests.duplex.train.dialogue.scenes import small_bank

RECIPE = CtcTrainingConfig(
    steps=2, pieces=60, streams=CtcStreamConfig(rooms=RoomConfig(rooms=2), noises=NoiseConfig(events=4, beds=2))
)
COMPARISON = SourcesConfig(
    parts=("test_voice", "test_nobody"), sets=("speech",), most=2, listening=EarsEvaluation(tail_s=0.6)
)


@pytest.fixture(scope="module")
def bank(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return small_bank(tmp_path_factory.mktemp("bank"))


@pytest.fixture(scope="module")
def spelling(ears: Path, bank: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of ears with CTC, barely trained."""
    folder = tmp_path_factory.mktemp("ctc")
    ctc.run(RECIPE, bank, ears, folder)
    return folder


def test_the_recipe_makes_a_folder_of_ears(ears: Path, spelling: Path, tmp_path: Path) -> None:
    assert isinstance(EmbeddedEars.load(spelling).words, CtcWords)
    assert isinstance(EmbeddedEars.load(ears).words, Transcriber)
    assert isinstance(EmbeddedEars.load(spelling, "transcriber").words, Transcriber)
    with pytest.raises(ConfigError, match=r"ctc\.safetensors: cannot be read.*duplex train ctc"):
        EmbeddedEars.load(ears, "ctc")
    assert (spelling / CTC).stat().st_size < 200_000


def test_sources_are_measured_side_by_side(
    ears: Path, spelling: Path, bank: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = tmp_path / "data"
    (data / "speech").mkdir(parents=True)
    noise = np.random.default_rng(0).normal(0, 0.1, AUDIO.input_rate).astype(np.float32)
    soundfile.write(data / "speech" / "a.wav", noise, AUDIO.input_rate)
    row = {"file": "speech/a.wav", "text": "the cat || mat"}
    (data / "manifest.jsonl").write_text(json.dumps(row), encoding="utf-8")
    figures = sources.run(COMPARISON, [ears, spelling], bank, data, tmp_path / "figures.json")
    assert json.loads((tmp_path / "figures.json").read_text(encoding="utf-8")) == figures
    assert list(figures) == ["test_voice", "speech"]
    assert [one["source"] for one in figures["speech"].values()] == ["transcriber", "ctc"]
    assert {one["n"] for one in figures["test_voice"].values()} == {2}
    assert {one["words"] for one in figures["speech"].values()} == {2}
    printed = capsys.readouterr()
    assert len(printed.out.splitlines()) == 4
    assert "test_voice           ctc" in printed.out
    assert "test_nobody is left out" in printed.err


def test_without_the_data_only_the_bank_is_heard(ears: Path, bank: Path, tmp_path: Path) -> None:
    config = COMPARISON.model_copy(update={"most": 1})
    figures = sources.run(config, [ears], bank, tmp_path / "nothing", tmp_path / "figures.json")
    assert list(figures) == ["test_voice"]
