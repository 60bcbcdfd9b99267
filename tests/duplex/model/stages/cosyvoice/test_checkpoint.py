"""Loading: released files and converted ones, and errors that name what is wrong."""

from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor

from configs.base import ConfigError
from configs.model.cosyvoice import COSYVOICE3, COSYVOICE3_TINY
from duplex.model.stages.cosyvoice.checkpoint import build_flow, build_vocoder, convert, flow_shapes, vocoder_shapes
from duplex.model.stages.cosyvoice.random_weights import random_flow, random_vocoder
from duplex.model.stages.cosyvoice.speakers import load_speakers
from duplex.model.stages.cosyvoice.stage import CosyVoice
from tests.duplex.model.stages.cosyvoice.voices import tokens_of

Weights = dict[str, Tensor]


@pytest.fixture(scope="module")
def weights() -> tuple[Weights, Weights]:
    return random_flow(COSYVOICE3_TINY), random_vocoder(COSYVOICE3_TINY)


@pytest.fixture
def folder(tmp_path: Path, weights: tuple[Weights, Weights]) -> Path:
    """As a release: .pt files, and the voices of Fun-Audio-Chat's form."""
    torch.save(weights[0], tmp_path / "flow.pt")
    torch.save({f"generator.{name}": value for name, value in weights[1].items()}, tmp_path / "hift.pt")
    voices = {
        "中文女": {"embedding": torch.ones(1, 24), "speech_token": torch.zeros(1, 3)},
        "b": {"embedding": -torch.ones(24)},
    }
    torch.save(voices, tmp_path / "new_spk2info.pt")
    (tmp_path / "cosyvoice.yaml").write_text(COSYVOICE3_TINY.to_yaml(), encoding="utf-8")
    return tmp_path


def _sound(stage: CosyVoice) -> Tensor:
    return stage.whole(tokens_of(0, 10), stage.voice())


def test_released_sizes() -> None:
    """The sizes of the released flow.pt and hift.pt: 332.3 M and 20.8 M numbers."""
    flow, hift = flow_shapes(COSYVOICE3.flow), vocoder_shapes(COSYVOICE3)
    assert sum(torch.Size(shape).numel() for shape in flow.values()) == 332_257_088 + 32
    assert sum(torch.Size(shape).numel() for shape in hift.values()) == 20_779_887
    assert flow["decoder.estimator.transformer_blocks.21.attn.to_out.0.weight"] == (1024, 1024)
    assert flow["decoder.estimator.input_embed.conv_pos_embed.conv2.0.weight"] == (1024, 64, 31)
    assert hift["resblocks.8.convs2.2.parametrizations.weight.original1"] == (64, 64, 11)


def test_released_files_and_their_conversion_sound_equal(folder: Path, tmp_path: Path) -> None:
    released = CosyVoice.load(folder)
    assert list(released.speakers) == ["中文女", "b"]
    out = tmp_path / "converted"
    convert(folder, out)
    assert sorted(path.name for path in out.iterdir()) == [
        "cosyvoice.yaml", "flow.safetensors", "hift.safetensors", "speakers.safetensors",
    ]  # fmt: skip
    converted = CosyVoice.load(out)
    assert _equal(released.state_dict(), converted.state_dict())
    torch.testing.assert_close(_sound(converted), _sound(released), rtol=0, atol=1e-3)


def test_matrices_of_the_times_do_not_stay(weights: tuple[Weights, Weights]) -> None:
    flow = build_flow(weights[0], COSYVOICE3_TINY.flow)
    kept = sum(value.numel() for value in flow.state_dict().values())
    assert kept < 0.8 * sum(value.numel() for value in weights[0].values())


@pytest.mark.parametrize("names", [(".weight_g", ".weight_v"), None])
def test_other_forms_of_normalised_weights(weights: tuple[Weights, Weights], names: tuple[str, str] | None) -> None:
    """The older names of torch, and weights without normalisation."""
    stored = weights[1]
    if names:
        other = {
            name.replace(".parametrizations.weight.original0", names[0])
            .replace(".parametrizations.weight.original1", names[1]): value
            for name, value in stored.items()
        }  # fmt: skip
    else:
        other = _plain(stored)
    mel = torch.randn(1, 80, 10, generator=torch.Generator().manual_seed(1))
    sounds = []
    for form in (stored, other):
        vocoder = build_vocoder(form, COSYVOICE3_TINY)
        with torch.inference_mode():
            sounds.append(vocoder.step(mel, vocoder.init_state(1), True))
    torch.testing.assert_close(sounds[0], sounds[1], rtol=0, atol=1e-5)


def test_f0_is_computed_in_float64(weights: tuple[Weights, Weights]) -> None:
    vocoder = build_vocoder(weights[1], COSYVOICE3_TINY)
    assert {value.dtype for value in vocoder.f0.state_dict().values()} == {torch.float64}
    assert {value.dtype for value in vocoder.blocks.state_dict().values()} == {torch.float32}


def test_wrong_tensors_are_named(weights: tuple[Weights, Weights]) -> None:
    wrong = {**weights[0], "more.weight": torch.zeros(1), "input_embedding.weight": torch.zeros(3, 80)}
    del wrong["decoder.estimator.proj_out.bias"]
    with pytest.raises(ConfigError) as error:
        build_flow(wrong, COSYVOICE3_TINY.flow, "folder/flow")
    line = str(error.value)
    assert "folder/flow: does not fit the configuration: 1 missing (decoder.estimator.proj_out.bias)" in line
    assert "1 unexpected (more.weight)" in line
    assert "1 of another shape (input_embedding.weight is [3, 80], not [64, 80])" in line
    assert "\n" not in line


def test_many_wrong_tensors_are_counted(weights: tuple[Weights, Weights]) -> None:
    with pytest.raises(ConfigError, match=r"missing \(.*, \.\.\.\)"):
        build_vocoder({"conv_pre.bias": weights[1]["conv_pre.bias"]}, COSYVOICE3_TINY)


@pytest.mark.parametrize(
    ("content", "reason"),
    [(b"", "is not a readable file of weights"), (b"nonsense", "is not a readable file of weights")],
)
def test_broken_file_is_one_clear_line(folder: Path, content: bytes, reason: str) -> None:
    (folder / "flow.pt").write_bytes(content)
    with pytest.raises(ConfigError, match=reason) as error:
        CosyVoice.load(folder)
    assert "\n" not in str(error.value)


def test_truncated_file_is_one_clear_line(folder: Path) -> None:
    whole = (folder / "hift.pt").read_bytes()
    (folder / "hift.pt").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(ConfigError, match=r"hift\.pt: is not a readable file"):
        CosyVoice.load(folder)


def test_other_content_is_one_clear_line(folder: Path) -> None:
    torch.save([1, 2], folder / "flow.pt")
    with pytest.raises(ConfigError, match="something other than named tensors"):
        CosyVoice.load(folder)


def test_missing_files_are_named(folder: Path) -> None:
    (folder / "hift.pt").unlink()
    with pytest.raises(ConfigError, match=r"neither hift\.safetensors nor hift\.pt"):
        CosyVoice.load(folder)
    (folder / "new_spk2info.pt").unlink()
    with pytest.raises(ConfigError, match="has no voices"):
        CosyVoice.load(folder)


def test_voices_of_another_model_are_refused(tmp_path: Path) -> None:
    save_file({"a": torch.zeros(7)}, tmp_path / "speakers.safetensors")
    with pytest.raises(ConfigError, match=r"voice 'a': its embedding is \[7\], not 24 numbers"):
        load_speakers(tmp_path / "speakers.safetensors", 24)
    torch.save({}, tmp_path / "spk2info.pt")
    with pytest.raises(ConfigError, match="holds no voices by name"):
        load_speakers(tmp_path / "spk2info.pt", 24)
    with pytest.raises(ConfigError, match="is not a readable file of voices"):
        load_speakers(tmp_path / "absent.pt", 24)


def _equal(first: Weights, second: Weights) -> bool:
    return first.keys() == second.keys() and all(torch.equal(value, second[name]) for name, value in first.items())


def _plain(stored: Weights) -> Weights:
    plain = {name: value for name, value in stored.items() if "parametrizations" not in name}
    for name, length in stored.items():
        if name.endswith("original0"):
            stem = name.removesuffix("0")
            direction = stored[stem + "1"]
            norm = direction.flatten(1).norm(dim=1).view(-1, 1, 1)
            plain[stem.removesuffix(".parametrizations.weight.original") + ".weight"] = direction * length / norm
    return plain
