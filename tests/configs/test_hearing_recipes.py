"""The recipes' files say what the classes say."""

from pathlib import Path

import pytest

from configs.base import Config
from configs.hearing import HearingEvaluation, RecognitionConfig
from configs.listening import WhisperExport

FOLDER = Path(__file__).parents[2] / "configs" / "train"


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("hearing_export", WhisperExport),
        ("hearing_errors", RecognitionConfig),
        ("hearing_evaluate", HearingEvaluation),
    ],
)
def test_a_recipes_file_holds_the_defaults(name: str, kind: type[Config]) -> None:
    assert kind.from_yaml(FOLDER / f"{name}.yaml") == kind()
