"""Averaging the weights of cores."""

from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from configs.base import ConfigError
from duplex.train.core import mix


@pytest.fixture
def cores(tmp_path: Path) -> list[Path]:
    paths = [tmp_path / f"{name}.safetensors" for name in "abc"]
    for value, path in enumerate(paths):
        save_file({"weight": torch.full((2, 3), float(value)), "bias": torch.arange(3.0) * value}, path)
    return paths


def test_weights_are_averaged_by_their_shares(cores: list[Path], tmp_path: Path) -> None:
    mix.run(cores, [0.5, 0.1, 0.4], tmp_path / "out" / "core.safetensors")
    mixed = load_file(tmp_path / "out" / "core.safetensors")
    torch.testing.assert_close(mixed["weight"], torch.full((2, 3), 0.9))
    torch.testing.assert_close(mixed["bias"], torch.arange(3.0) * 0.9)


def test_without_shares_all_count_alike(cores: list[Path], tmp_path: Path) -> None:
    mix.run(cores, [], tmp_path / "core.safetensors")
    torch.testing.assert_close(load_file(tmp_path / "core.safetensors")["weight"], torch.ones(2, 3))


@pytest.mark.parametrize("shares", [[0.5, 0.5], [0.5, 0.2, 0.2]])
def test_shares_that_do_not_fit_are_refused(shares: list[float], cores: list[Path], tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="3 files and the shares"):
        mix.run(cores, shares, tmp_path / "core.safetensors")


def test_a_missing_file_and_another_shape_are_named(cores: list[Path], tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"none\.safetensors: no trained core"):
        mix.run([cores[0], tmp_path / "none.safetensors"], [], tmp_path / "core.safetensors")
    save_file({"weight": torch.zeros(1)}, cores[1])
    with pytest.raises(ConfigError, match=r"b\.safetensors has a core of another shape"):
        mix.run(cores, [], tmp_path / "core.safetensors")
