"""The recipes' files agree with the classes."""

from pathlib import Path

import pytest

from configs.base import Config
from configs.model.ears import WhisperExport
from configs.train.ctc_training import CtcTrainingConfig, SourcesConfig
from configs.train.ears import EarsEvaluation

FOLDER = Path(__file__).parents[3] / "configs" / "train"


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("ears_export", WhisperExport),
        ("ears_evaluate", EarsEvaluation),
    ],
)
def test_a_recipes_file_holds_the_defaults(name: str, kind: type[Config]) -> None:
    assert kind.from_yaml(FOLDER / f"{name}.yaml") == kind()


@pytest.mark.parametrize(("name", "kind"), [("ctc", CtcTrainingConfig), ("sources", SourcesConfig)])
def test_the_recipes_of_ctc_ears_are_read(name: str, kind: type[Config], tmp_path: Path) -> None:
    recipe = kind.from_yaml(FOLDER / f"{name}.yaml")
    (tmp_path / "again.yaml").write_text(recipe.to_yaml(), encoding="utf-8")
    assert kind.from_yaml(tmp_path / "again.yaml") == recipe
