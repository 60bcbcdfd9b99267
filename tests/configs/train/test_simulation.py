from pathlib import Path

import pytest

from configs.base import Config
from configs.train.simulation import SimulationConfig, TrialsConfig
from configs.train.speech_bank import CastConfig, SpeechBankConfig

RECIPES = Path(__file__).parents[3] / "configs" / "train"


@pytest.mark.parametrize(
    ("name", "config"), [("speech", SpeechBankConfig), ("dialogue", SimulationConfig), ("trials", TrialsConfig)]
)
def test_recipes_are_read_and_written(name: str, config: type[Config], tmp_path: Path) -> None:
    recipe = config.from_yaml(RECIPES / f"{name}.yaml")
    (tmp_path / "again.yaml").write_text(recipe.to_yaml(), encoding="utf-8")
    assert config.from_yaml(tmp_path / "again.yaml") == recipe


def test_casts_do_not_share_their_dictionaries() -> None:
    CastConfig().training.clear()
    assert CastConfig().training
