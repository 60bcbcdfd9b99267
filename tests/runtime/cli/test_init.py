"""`duplex init`: a folder from local checkpoints, and one line where something is missing."""

from pathlib import Path

import pytest
import typer
from rich.text import Text
from typer.testing import CliRunner

from configs.base import ConfigError
from configs.model.family import FamilyConfig
from duplex.model.families.parts import CONFIG
from runtime.cli.init import command
from tests.duplex.model.families.published import write_hubert, write_llm, write_vocoder, write_whisper

app = typer.Typer()
app.command()(command)


@pytest.fixture(scope="module")
def sources(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sources")
    write_llm(folder / "llm")
    write_whisper(folder / "whisper")
    write_hubert(folder / "hubert")
    write_vocoder(folder / "vocoder")
    return folder


def arguments(sources: Path, family: str, out: Path, **options: Path | str) -> list[str]:
    given = {"llm": sources / "llm", "srh": sources / "llm", "out": out, **options}
    return [family, *(text for name, value in given.items() for text in (f"--{name}", str(value)))]


def test_drvoice_without_a_detokenizer_says_what_is_missing(sources: Path, tmp_path: Path) -> None:
    given = arguments(sources, "drvoice", tmp_path / "mine", encoder=sources / "whisper", dtype="float32")
    result = CliRunner().invoke(app, given)
    assert result.exit_code == 0, result.output
    assert "a training start of drvoice" in result.output
    assert "its voice is missing" in result.output
    config = FamilyConfig.from_yaml(tmp_path / "mine" / CONFIG)
    assert (config.mind.name, config.dtype, config.family) == ("mine", "float32", "drvoice")


def test_omnidrca(sources: Path, tmp_path: Path) -> None:
    hubert = sources / "hubert"
    parts = {"tokenizer": hubert, "units": hubert / "km.safetensors", "layer": "2"}
    given = arguments(
        sources, "omnidrca", tmp_path / "mine", vocoder=sources / "vocoder" / "vocoder.safetensors", **parts
    )
    result = CliRunner().invoke(app, given)
    assert result.exit_code == 0, result.output
    assert FamilyConfig.from_yaml(tmp_path / "mine" / CONFIG).mind.core.user.units == 20


@pytest.mark.parametrize(
    ("family", "option"), [("drvoice", "--encoder"), ("omnidrca", "--tokenizer")]
)  # fmt: skip
def test_a_missing_option_is_named(sources: Path, tmp_path: Path, family: str, option: str) -> None:
    result = CliRunner().invoke(app, arguments(sources, family, tmp_path / "mine"))
    assert isinstance(result.exception, ConfigError)
    assert f"{family} needs {option}" in str(result.exception)
    assert not (tmp_path / "mine").exists()


def test_an_unknown_family_lists_the_known_ones(sources: Path, tmp_path: Path) -> None:
    result = CliRunner().invoke(app, arguments(sources, "moshi", tmp_path / "mine"))
    assert result.exit_code == 2
    assert "drvoice" in Text.from_ansi(result.output).plain
