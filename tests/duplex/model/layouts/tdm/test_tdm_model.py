"""Checkpoints: what is written is read back, and errors are reported in one line."""

from pathlib import Path

import pytest
import torch

from configs.base import ConfigError
from configs.model.tiny import TINY
from duplex.model.families.checkpoint import random_tdm_model
from duplex.model.layouts.tdm.mind import CONFIG, WEIGHTS, EmbeddedMind
from duplex.model.weights.checkpoint_folder import checkpoint_folder, fingerprint


@pytest.fixture
def mind() -> EmbeddedMind:
    torch.manual_seed(0)
    return EmbeddedMind.fresh(TINY.mind)


def test_a_saved_mind_is_read_back(mind: EmbeddedMind, tmp_path: Path) -> None:
    mind.save(tmp_path)
    back = EmbeddedMind.load(tmp_path)
    assert back.config == mind.config
    assert back.tokenizer.encode("hello") == mind.tokenizer.encode("hello")
    for (name, old), new in zip(mind.core.named_parameters(), back.core.parameters(), strict=True):
        torch.testing.assert_close(new, old, atol=float(old.detach().abs().max()) / 100 + 1e-6, rtol=0, msg=name)


def test_saving_again_changes_nothing(mind: EmbeddedMind, tmp_path: Path) -> None:
    mind.save(tmp_path / "a")
    EmbeddedMind.load(tmp_path / "a").save(tmp_path / "b")
    EmbeddedMind.load(tmp_path / "b").save(tmp_path / "c")
    assert (tmp_path / "b" / WEIGHTS).read_bytes() == (tmp_path / "c" / WEIGHTS).read_bytes()


def test_weights_of_another_shape_are_named(mind: EmbeddedMind, tmp_path: Path) -> None:
    mind.save(tmp_path)
    text = (tmp_path / CONFIG).read_text()
    (tmp_path / CONFIG).write_text(text.replace("num_hidden_layers: 2", "num_hidden_layers: 3"))
    with pytest.raises(ConfigError, match=r"does not fit mind\.yaml: llm\.lm\.model\.layers\.2"):
        EmbeddedMind.load(tmp_path)


def test_a_tensor_of_another_width_is_named(mind: EmbeddedMind, tmp_path: Path) -> None:
    mind.save(tmp_path)
    text = (tmp_path / CONFIG).read_text()
    (tmp_path / CONFIG).write_text(text.replace("intermediate_size: 48", "intermediate_size: 64"))
    with pytest.raises(ConfigError, match=r"does not fit mind\.yaml"):
        EmbeddedMind.load(tmp_path)


def test_missing_files(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"mind\.yaml: cannot be read"):
        EmbeddedMind.load(tmp_path)


def test_an_unknown_model_names_the_shipped_ones() -> None:
    with pytest.raises(ConfigError, match="no model 'maxi'"):
        checkpoint_folder("maxi")


def test_a_folder_is_its_own_checkpoint(tmp_path: Path) -> None:
    assert checkpoint_folder(tmp_path) == tmp_path


def test_the_fingerprint_follows_every_byte_but_the_card(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("a: 1")
    before = fingerprint(tmp_path)
    (tmp_path / "README.md").write_text("card")
    assert fingerprint(tmp_path) == before
    (tmp_path / "a.yaml").write_text("a: 2")
    assert fingerprint(tmp_path) != before


def test_random_models_of_a_seed_are_equal() -> None:
    one, two, other = random_tdm_model(TINY, 1), random_tdm_model(TINY, 1), random_tdm_model(TINY, 2)
    assert one.fingerprint == two.fingerprint != other.fingerprint
    assert one.mind.tokenizer.encode("hello, you.") == two.mind.tokenizer.encode("hello, you.")
    for left, right in zip(one.mind.core.parameters(), two.mind.core.parameters(), strict=True):
        assert torch.equal(left, right)
