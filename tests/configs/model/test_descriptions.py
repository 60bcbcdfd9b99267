"""Descriptions of models: shipped ones and files, the language model in them, and what overrides it."""

from pathlib import Path

import pytest

from configs.base import ConfigError
from configs.model.descriptions import MODELS, describe_tdm, find_description, find_llm, read_description
from configs.model.language_models import LanguageModelConfig
from configs.model.tdm_model import TdmModelConfig
from configs.model.turn_model import TurnModelConfig

SERVER = "http://127.0.0.1:1/v1"


@pytest.fixture
def mine(tmp_path: Path) -> str:
    """A description with a language model behind a server."""
    path = tmp_path / "mine.yaml"
    llm = f'llm: {{source: "{SERVER}", model: tiny, answers: unknown, longest: 40}}'
    path.write_text(f"name: mine\nkind: tdm\ncheckpoint: mini\n{llm}\n")
    return str(path)


def test_every_shipped_description_is_found_by_its_name() -> None:
    paths = list(MODELS.glob("*.yaml"))
    assert {path.stem for path in paths} == {read_description(path).name for path in paths}
    assert all(find_description(path.stem) == read_description(path) for path in paths)
    assert find_description("mini") is None
    assert isinstance(find_description("FunAudioLLM/Fun-Audio-Chat-8B"), TurnModelConfig)


def test_the_mixture_that_is_shipped() -> None:
    llm = LanguageModelConfig(source="smollm2", answers="unknown")
    assert find_description("mini-smollm2") == TdmModelConfig(
        name="mini-smollm2", kind="tdm", checkpoint="mini", llm=llm
    )
    assert find_llm("mini-smollm2", {}) == llm


def test_a_model_without_a_description_is_its_own_checkpoint() -> None:
    assert describe_tdm("some/folder") == TdmModelConfig(name="some/folder", kind="tdm", checkpoint="some/folder")
    assert find_llm("mini", {"device": "cpu"}) is None


def test_a_file(mine: str) -> None:
    assert describe_tdm(mine).checkpoint == "mini"
    assert find_llm(mine, {}) == LanguageModelConfig(source=SERVER, model="tiny", answers="unknown", longest=40)


def test_options_override_a_description(mine: str) -> None:
    described = find_llm(mine, {})
    assert described is not None
    warmer = find_llm(mine, {"llm.temperature": 0.5, "llm.answers": "all"})
    assert warmer == described.model_copy(update={"temperature": 0.5, "answers": "all"})
    elsewhere = find_llm(mine, {"llm.source": "smollm2"})
    assert elsewhere == described.model_copy(update={"source": "smollm2", "model": None})
    both = find_llm(mine, {"llm.source": f"{SERVER}x", "llm.model": "other"})
    assert both == described.model_copy(update={"source": f"{SERVER}x", "model": "other"})


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (
            "kind: tdm\ncheckpoint: mini\nllm: {sorce: smollm2}",
            "unknown key 'llm.sorce'; remove it or check its spelling",
        ),
        ("kind: tdm\ncheckpoint: mini\nllm: {answers: all}", "'llm.source' is wrong: Field required"),
        ("kind: tdm\ncheckpoint: mini\nllm: {source: smollm2, answers: some}", "'llm.answers' is wrong: "),
        ("kind: tdm\ncheckpoint: mini\nllm: smollm2", "'llm' must hold 'key: value' lines"),
        ("kind: tdm", "'checkpoint' is wrong: Field required"),
        ("kind: tdm\ncheckpoint: mini\nlive: {policy: vad}", "unknown key 'live'; remove it or check its spelling"),
        ("kind: scripted\nllm: {source: smollm2}", "a model of kind scripted answers by itself; remove 'llm', or "),
        ("checkpoint: mini", "'kind' must be tdm or funaudiochat or scripted; see docs/models.md"),
        ("kind: [tdm]", "'kind' must be tdm or funaudiochat or scripted; see docs/models.md"),
    ],
)
def test_what_is_wrong_is_one_line(text: str, line: str, tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(f"name: mine\n{text}\n")
    with pytest.raises(ConfigError) as caught:
        find_llm(str(path), {})
    assert str(caught.value).startswith(f"{path}: {line}")
    assert "\n" not in str(caught.value)


def test_a_model_that_answers_by_itself_takes_no_language_model() -> None:
    with pytest.raises(ConfigError, match=r"scripted-vad answers by itself; a language model \(--llm\) goes with mini"):
        find_llm("scripted-vad", {"llm.source": "smollm2"})
