"""Which models are half-duplex checkpoints, and what a conversation with them needs."""

from pathlib import Path

import pytest

from configs.base import ConfigError
from duplex.model.funaudiochat.checkpoint import save
from duplex.model.funaudiochat.load_parts import describe, load_parts


def test_models_by_name() -> None:
    tiny = describe("funaudiochat-tiny")
    assert tiny is not None
    assert load_parts(tiny, heard=False).detokenizer is None
    assert load_parts(tiny).detokenizer is not None
    released = describe("FunAudioLLM/Fun-Audio-Chat-8B")
    assert released is not None
    assert released == describe("funaudiochat-8b")
    assert describe("mini") is None
    assert describe("nonsense") is None


def test_a_description_of_ones_own(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text("name: mine\nkind: funaudiochat\nlive: {policy: vad, keep_turns: 3}\n")
    mine = describe(str(path))
    assert mine is not None
    assert mine.live.keep_turns == 3
    path.write_text("name: mine\nkind: funaudiochat\nlife: {}\n")
    with pytest.raises(ConfigError, match=r"mine\.yaml: unknown key 'life'; remove it or check its spelling"):
        describe(str(path))


def test_a_folder(tmp_path: Path) -> None:
    tiny = describe("funaudiochat-tiny")
    assert tiny is not None
    chat = load_parts(tiny, heard=False).chat
    save(chat, tmp_path)
    found = describe(str(tmp_path))
    assert found is not None
    found = found.model_copy(update={"dtype": "float32", "device": "cpu"})
    assert load_parts(found, heard=False).chat.config == chat.config
    with pytest.raises(ConfigError, match="needs CosyVoice3 to be heard; give its folder or hub id with --detokenizer"):
        load_parts(found)
    silent = found.model_copy(update={"detokenizer": str(tmp_path)})
    with pytest.raises(ConfigError, match="has no voices"):
        load_parts(silent)
    with pytest.raises(ConfigError, match="no such file of voices; check --speakers"):
        load_parts(silent.model_copy(update={"speakers": tmp_path / "absent.pt"}))
