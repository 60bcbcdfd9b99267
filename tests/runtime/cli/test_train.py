"""`duplex train` from any folder: recipes come from the package, a missing one is an error, outputs go where they are
told to, and the embedded weights are never written by accident."""

import inspect
from pathlib import Path

import pytest

from configs import recipes
from configs.base import ConfigError
from duplex.model.weights.checkpoint_folder import SHIPPED, fingerprint
from runtime.cli.main import run
from runtime.cli.train.app import app

STEPS = {
    "hearing": "duplex.train.ears.export.run",
    "vocabulary": "duplex.train.text.vocabulary.run",
    "voice": "duplex.train.voice.pipeline.run",
    "text": "duplex.train.text.pretrain.run",
    "speech": "duplex.train.speech.synthesize.run",
    "dialogues a": "duplex.train.dialogue.simulate.run",
    "core a": "duplex.train.core.train_core.run",
    "mind": "duplex.train.core.export.run",
    "voice-hidden": "duplex.train.voice.hidden.run",
    "errors": "duplex.train.ears.recognition_errors.run",
    "trials": "duplex.train.dialogue.trials.run",
    "knowledge out.json": "duplex.train.text.knowledge_report.run",
    "ctc": "duplex.train.ears.ctc.run",
    "sources mini": "duplex.train.ears.word_sources.run",
    "hearing-report": "duplex.train.ears.evaluate.run",
}
"""Steps with a recipe, and what they call."""


@pytest.fixture
def empty(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder as the current directory."""
    folder = tmp_path / "empty"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


def find_call(step: str, monkeypatch: pytest.MonkeyPatch, *options: str) -> list[object]:
    """What a step is called with."""
    if step == "voice":
        pytest.importorskip("hibari", reason="the lexicon of the voice comes from hibari-tts")
    given: list[object] = []

    def take_call(*arguments: object, **named: object) -> None:
        given.extend([*arguments, *named.values()])

    monkeypatch.setattr(STEPS[step], take_call)
    assert run(["train", *step.split(), *options]) == 0
    return given


@pytest.mark.parametrize("step", STEPS)
def test_a_recipe_comes_from_the_package_and_the_embedded_weights_stay(
    step: str, empty: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[Path] = []
    shipped = recipes.recipe

    def note(name: str) -> Path:
        read.append(shipped(name))
        return read[-1]

    monkeypatch.setattr(recipes, "recipe", note)
    given = find_call(step, monkeypatch)
    assert [path.parent for path in read] == [recipes.RECIPES]
    outputs = [value for value in given if isinstance(value, Path) and not value.is_absolute()]
    assert outputs
    assert not any("pretrained" in path.parts for path in outputs)


@pytest.mark.parametrize("step", STEPS)
def test_a_recipe_that_is_missing_is_an_error(
    step: str, empty: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    if step == "voice":
        pytest.importorskip("hibari", reason="the lexicon of the voice comes from hibari-tts")
    monkeypatch.setattr(recipes, "RECIPES", empty)
    assert run(["train", *step.split()]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("error: no recipe '")
    assert not list(empty.iterdir())


def test_a_recipe_is_named_or_a_file(empty: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plain, more = (find_call("text", monkeypatch, *options)[0] for options in ((), ("--config", "text_more")))
    assert (plain.steps, more.steps) == (1150, 3000)  # type: ignore[attr-defined]
    (empty / "mine.yaml").write_text("steps: 7\n")
    assert find_call("text", monkeypatch, "--config", "mine.yaml")[0].steps == 7  # type: ignore[attr-defined]
    with pytest.raises(ConfigError, match="--config text_mor: there is no such file or recipe; choose one of core, "):
        recipes.recipe_file(Path("text_mor"), "text")
    assert run(["train", "text", "--config", "none.yaml"]) == 2


def test_the_vocabulary_is_written_where_out_says(empty: Path) -> None:
    before = fingerprint(SHIPPED / "mini")
    (empty / "few.yaml").write_text("rows: 200\nturns: 20\n")
    assert run(["train", "vocabulary", "--config", "few.yaml", "--out", "mine"]) == 0
    assert sorted(path.name for path in (empty / "mine").iterdir()) == ["tokenizer.json", "truecase.json"]
    assert sorted(path.name for path in empty.iterdir()) == ["few.yaml", "mine"]
    assert fingerprint(SHIPPED / "mini") == before


def test_nothing_that_is_written_lies_in_the_package_by_default() -> None:
    commands = [info.callback for info in app.registered_commands if info.callback is not None]
    defaults = [
        parameter.default
        for command in commands
        for name, parameter in inspect.signature(command).parameters.items()
        if name in ("out", "work") and isinstance(parameter.default, Path)
    ]
    assert len(defaults) > 10
    assert {path.parts[0] for path in defaults} == {"runs"}


def test_a_model_that_is_not_there_is_one_line(empty: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["train", "errors", "--model", "nobody"]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("error: no model 'nobody'")
    assert not list(empty.iterdir())
