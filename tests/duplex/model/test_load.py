"""The entry point: every kind of model loads by name or folder, and converses."""

from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from configs.audio import AUDIO
from configs.base import ConfigError
from configs.model.families import TWINS
from configs.model.language_models import LanguageModelConfig
from duplex.model.abilities import DelegatingGenerator, PatternGenerator
from duplex.model.funaudiochat.checkpoint import save
from duplex.model.funaudiochat.load_parts import describe, load_parts
from duplex.model.interface import ConversationOptions, SlotGenerator
from duplex.model.load import DuplexModel, load_generator
from tests.runtime.released import publish_voice
from tests.runtime.user_audio import talking

SLOT = AUDIO.slot_input_samples
CPU: dict[str, Any] = {"device": "cpu", "dtype": "float32", "live.policy": "vad"}


def events(generator: SlotGenerator) -> list[str]:
    """What happens when the user talks for a second."""
    generator.open(0, ConversationOptions(seed=1))
    slots = talking(8.0, [(0.4, 1.4)]).reshape(-1, SLOT)
    results = [generator.step(slot[None], np.array([True]))[0] for slot in slots]
    return [result.event for result in results if result is not None and result.event]


@pytest.mark.parametrize("name", [*TWINS, "funaudiochat-tiny", "scripted-vad"])
def test_models_by_name(name: str) -> None:
    with closing(load_generator(name, 2)) as generator:
        assert generator.rows == 2
        assert isinstance(generator, PatternGenerator) == (name not in TWINS)


def test_a_checkpoint_folder_with_its_detokenizer_converses(tmp_path: Path) -> None:
    """The released layout on disk, tiny: model in our format, detokenizer as flow.pt, hift.pt and a file of voices."""
    tiny = describe("funaudiochat-tiny")
    assert tiny is not None
    save(load_parts(tiny, heard=False).chat, tmp_path / "model")
    voice = publish_voice(tmp_path / "voice")
    changes = CPU | {"detokenizer": str(voice), "answer.text.temperature": 1.0, "turns.places": 512}
    model = DuplexModel.from_pretrained(tmp_path / "model", changes=changes)
    with closing(model.generator(1)) as generator:
        assert events(generator)[0] == "start"


def test_what_is_missing_is_said_before_the_model_is_loaded(tmp_path: Path) -> None:
    tiny = describe("funaudiochat-tiny")
    assert tiny is not None
    save(load_parts(tiny, heard=False).chat, tmp_path)
    with pytest.raises(ConfigError, match="needs CosyVoice3 to be heard"):
        DuplexModel.from_pretrained(tmp_path, changes=CPU)
    with pytest.raises(ConfigError, match="no checkpoint 'nowhere': it is neither a folder nor owner/name of a hub"):
        DuplexModel.from_pretrained(tmp_path, changes=CPU | {"detokenizer": "nowhere"})
    with pytest.raises(ConfigError, match="no model 'nonsense': not a folder, not owner/name of a hub, not shipped"):
        DuplexModel.from_pretrained("nonsense")
    (tmp_path / "empty").mkdir()
    with pytest.raises(ConfigError, match="empty: is not the folder of a model; it has neither ears"):
        DuplexModel.from_pretrained(tmp_path / "empty")


def test_a_description_with_a_language_model(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text("name: mine\nkind: tdm\ncheckpoint: mini\nllm: {source: log, longest: 40}\n")
    model = DuplexModel.from_pretrained(path, changes={"llm.longest": 20})
    assert model.name == str(path)
    with closing(model.generator(1, beside=False)) as generator:
        assert isinstance(generator, DelegatingGenerator)
        assert generator.llm == LanguageModelConfig(source="log", longest=20)
    other = LanguageModelConfig(source="log", answers="unknown")
    with closing(DuplexModel.from_pretrained(path, llm=other).generator(1, beside=False)) as generator:
        assert isinstance(generator, DelegatingGenerator)
        assert generator.llm == other
    path.write_text("name: mine\nkind: tdm\ncheckpoint: drvoice-tiny\nllm: {source: log}\n")
    with pytest.raises(ConfigError, match="does not know the user's words; a language model goes with mini"):
        DuplexModel.from_pretrained(path).generator(1)
