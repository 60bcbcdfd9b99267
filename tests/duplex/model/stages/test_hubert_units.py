"""HuBERT units: transformers' own layers, the nearest centroid, and files that are refused in one line."""

from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor
from transformers import HubertConfig as Shape
from transformers import HubertModel, Wav2Vec2Config

from configs.base import ConfigError
from configs.model.speech_tokens import HubertConfig, TokenWindowConfig
from duplex.model.stages.hubert_units import CENTROIDS, HubertUnits, load_centroids
from duplex.model.stages.token_window import TokenStream

WIDTH, UNITS, LAYERS = 16, 12, 3
CONFIG = HubertConfig(layer=2)


def _shape(stable: bool = False, strides: tuple[int, ...] = (5, 2, 2, 2, 2, 2, 2)) -> Shape:
    return Shape(
        hidden_size=WIDTH,
        num_hidden_layers=LAYERS,
        num_attention_heads=2,
        intermediate_size=24,
        conv_dim=(8,) * 7,
        conv_stride=strides,
        conv_bias=stable,
        feat_extract_norm="layer" if stable else "group",
        do_stable_layer_norm=stable,
        num_conv_pos_embeddings=16,
        num_conv_pos_embedding_groups=4,
    )


def _model(shape: Shape) -> HubertModel:
    torch.manual_seed(0)
    model = HubertModel(shape).eval()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(0.1 * torch.randn_like(parameter))
    return model


def _pcm(count: int = 6 * 3200, rows: int = 2) -> Tensor:
    return 0.3 * torch.randn(rows, count, generator=torch.Generator().manual_seed(1))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("hubert")
    _model(_shape()).save_pretrained(folder)
    np.save(folder / "km.npy", np.random.default_rng(0).normal(size=(UNITS, WIDTH)))
    return folder


@pytest.fixture(scope="module")
def units(folder: Path) -> HubertUnits:
    return HubertUnits.load(folder, folder / "km.npy", CONFIG)


def test_features_are_those_of_the_whole_model(units: HubertUnits) -> None:
    whole = _model(_shape())(_pcm(), output_hidden_states=True).hidden_states[CONFIG.layer]
    torch.testing.assert_close(units.features(_pcm()), whole, rtol=0, atol=1e-5)
    assert len(units.model.encoder.layers) == CONFIG.layer


@pytest.mark.parametrize("layer", [1, LAYERS])
def test_features_of_the_large_kind_are_not_normalised_again(tmp_path: Path, layer: int) -> None:
    model = _model(_shape(stable=True))
    model.save_pretrained(tmp_path)
    centroids = tmp_path / "km.npy"
    np.save(centroids, np.zeros((UNITS, WIDTH), np.float32))
    units = HubertUnits.load(tmp_path, centroids, HubertConfig(layer=layer, normalize=True))
    seen: list[Tensor] = []
    # In older versions of transformers a layer gives a tuple.
    hook = model.encoder.layers[layer - 1].register_forward_hook
    hook(lambda _, __, out: seen.append(out[0] if isinstance(out, tuple) else out))
    pcm = _pcm()
    model((pcm - pcm.mean(1, keepdim=True)) / (pcm.var(1, keepdim=True, correction=0) + 1e-5).sqrt())
    torch.testing.assert_close(units.features(pcm), seen[0], rtol=0, atol=1e-5)


def test_units_are_the_nearest_centroids(units: HubertUnits) -> None:
    tokens = units.encode(_pcm())
    nearest = torch.cdist(units.features(_pcm()).double(), units.centroids.double()).argmin(-1)
    assert torch.equal(tokens, nearest)
    assert units.vocabulary == UNITS
    assert len(tokens.unique()) > 3


@pytest.mark.parametrize(("samples", "frames"), [(16_000, 49), (400, 1), (399, 0), (3280, 10)])
def test_fifty_units_a_second(units: HubertUnits, samples: int, frames: int) -> None:
    assert units.encode(_pcm(samples)).shape == (2, frames)
    assert (units.token_samples, units.margin_samples) == (320, 80)


def test_slot_by_slot_equals_the_whole(units: HubertUnits) -> None:
    stream = TokenStream(units, TokenWindowConfig(left_ms=400, right_ms=100))
    pcm = _pcm()
    state = stream.init_state(2)
    live = torch.stack([stream.step(slot, state, torch.tensor([True, True])) for slot in pcm.split(3200, 1)])
    assert torch.equal(live[:, 1], stream.encode(pcm[1]))
    assert stream.tokens_per_slot == 10
    assert stream.delay_ms == 105


def test_strides_of_a_25_hz_model_give_five_tokens_a_slot() -> None:
    model = _model(_shape(strides=(5, 2, 2, 2, 2, 2, 4)))
    units = HubertUnits(CONFIG, model, torch.randn(UNITS, WIDTH))
    assert TokenStream(units, TokenWindowConfig()).tokens_per_slot == 5


def test_centroids_of_both_kinds(tmp_path: Path) -> None:
    values = torch.randn(UNITS, WIDTH)
    np.save(tmp_path / "km.npy", values.numpy())
    save_file({CENTROIDS: values}, tmp_path / "km.safetensors")
    assert torch.equal(load_centroids(tmp_path / "km.npy"), values)
    assert torch.equal(load_centroids(tmp_path / "km.safetensors"), values)


@pytest.mark.parametrize("name", ["km.bin", "L9_km500.km", "km.pkl", "km.joblib"])
def test_pickles_are_refused_with_the_way_out(tmp_path: Path, name: str) -> None:
    with pytest.raises(ConfigError, match=r"is a pickle, which is not read; convert it once: python -c .*joblib.load"):
        load_centroids(tmp_path / name)


def test_centroid_files_that_are_none(tmp_path: Path, folder: Path) -> None:
    np.save(tmp_path / "objects.npy", np.array([{"a": 1}], dtype=object), allow_pickle=True)
    save_file({"other": torch.zeros(2, 2)}, tmp_path / "other.safetensors")
    (tmp_path / "short.safetensors").write_bytes(b"1234")
    for name, said in {
        "objects.npy": "cannot be read as centroids",
        "none.npy": "cannot be read as centroids",
        "short.safetensors": "cannot be read as centroids",
        "other.safetensors": "has no tensor 'centroids'",
        "km.txt": "are read from .npy or .safetensors",
    }.items():
        with pytest.raises(ConfigError, match=said) as error:
            load_centroids(tmp_path / name)
        assert "\n" not in str(error.value)
    np.save(tmp_path / "narrow.npy", np.zeros((UNITS, 8)))
    with pytest.raises(ConfigError, match=r"shape \[12, 8\], this HuBERT needs \[K, 16\]"):
        HubertUnits.load(folder, tmp_path / "narrow.npy", CONFIG)


def test_folders_that_are_none(tmp_path: Path, folder: Path) -> None:
    centroids = folder / "km.npy"
    with pytest.raises(ConfigError, match=r"has no config.json"):
        HubertUnits.load(tmp_path, centroids, CONFIG)
    with pytest.raises(ConfigError, match="has 3 layers, layer is 9"):
        HubertUnits.load(folder, centroids, HubertConfig())
    (tmp_path / "config.json").write_text("{", encoding="utf-8")
    with pytest.raises(ConfigError, match=r"config\.json cannot be used"):
        HubertUnits.load(tmp_path, centroids, CONFIG)
    Wav2Vec2Config(hidden_size=WIDTH).save_pretrained(tmp_path)
    with pytest.raises(ConfigError, match="is a 'wav2vec2', not a HuBERT"):
        HubertUnits.load(tmp_path, centroids, CONFIG)


def test_weights_that_are_missing_are_named(tmp_path: Path, folder: Path) -> None:
    (tmp_path / "config.json").write_bytes((folder / "config.json").read_bytes())
    with pytest.raises(ConfigError, match="the weights cannot be read"):
        HubertUnits.load(tmp_path, folder / "km.npy", CONFIG)
    weights = load_file(folder / "model.safetensors")
    del weights["encoder.layers.1.attention.k_proj.weight"]
    save_file(weights, tmp_path / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(ConfigError, match=r"1 weights are missing \(encoder.layers.1.attention.k_proj.weight\)"):
        HubertUnits.load(tmp_path, folder / "km.npy", CONFIG)
    (tmp_path / "model.safetensors").write_bytes((folder / "model.safetensors").read_bytes()[:2000])
    with pytest.raises(ConfigError, match="the weights cannot be read"):
        HubertUnits.load(tmp_path, folder / "km.npy", CONFIG)
