"""Translates weight names between the released `flow.pt` and `hift.pt` and ours; also weight normalization.

This module handles names and shapes, no files.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Final

import torch
from torch import Tensor

Weights = dict[str, Tensor]
Shapes = dict[str, tuple[int, ...]]

_ESTIMATOR: Final = "decoder.estimator"
FLOW: Final = (
    (r"embedding\.", r"input_embedding."),
    (r"speaker\.", r"spk_embed_affine_layer."),
    (r"lookahead\.inward\.", r"pre_lookahead_layer.conv1."),
    (r"lookahead\.outward\.", r"pre_lookahead_layer.conv2."),
    (r"transformer\.inward\.", rf"{_ESTIMATOR}.input_embed.proj."),
    (r"transformer\.position\.near\.", rf"{_ESTIMATOR}.input_embed.conv_pos_embed.conv1.0."),
    (r"transformer\.position\.far\.", rf"{_ESTIMATOR}.input_embed.conv_pos_embed.conv2.0."),
    (r"transformer\.blocks\.(\d+)\.attention\.(q|k|v)[a-z]+\.", rf"{_ESTIMATOR}.transformer_blocks.\1.attn.to_\2."),
    (r"transformer\.blocks\.(\d+)\.attention\.outward\.", rf"{_ESTIMATOR}.transformer_blocks.\1.attn.to_out.0."),
    (r"transformer\.blocks\.(\d+)\.up\.", rf"{_ESTIMATOR}.transformer_blocks.\1.ff.ff.0.0."),
    (r"transformer\.blocks\.(\d+)\.down\.", rf"{_ESTIMATOR}.transformer_blocks.\1.ff.ff.2."),
    (r"transformer\.outward\.", rf"{_ESTIMATOR}.proj_out."),
    (r"transformer\.rates", rf"{_ESTIMATOR}.rotary_embed.inv_freq"),
)
CONDITIONER: Final = (
    (r"inward\.", rf"{_ESTIMATOR}.time_embed.time_mlp.0."),
    (r"outward\.", rf"{_ESTIMATOR}.time_embed.time_mlp.2."),
    (r"blocks\.(\d+)\.", rf"{_ESTIMATOR}.transformer_blocks.\1.attn_norm.linear."),
    (r"last\.", rf"{_ESTIMATOR}.norm_out.linear."),
)
VOCODER: Final = (
    (r"f0\.inward\.", r"f0_predictor.condnet.0."),
    (r"f0\.outward\.", r"f0_predictor.classifier."),
    (r"source\.merge\.", r"m_source.l_linear."),
    (r"inward\.", r"conv_pre."),
    (r"outward\.", r"conv_post."),
    (r"(ups|source_downs)\.(\d+)\.", r"\1.\2."),
)
_BLOCK: Final = {"first": "convs1", "second": "convs2", "first_snake": "activations1", "second_snake": "activations2"}
_LARGE: Final = ".parametrizations.weight.original0", ".parametrizations.weight.original1"
_SMALL: Final = ".weight_g", ".weight_v"


def flow_name(ours: str) -> str:
    """Released name of a weight of `Flow`."""
    return _translate(ours, FLOW)


def conditioner_name(ours: str) -> str:
    """Released name of a weight of `Conditioner`."""
    return _translate(ours, CONDITIONER)


def vocoder_name(ours: str, blocks: int) -> str:
    """Released name of a weight of `Vocoder` with `blocks` residual blocks per stage."""
    if layer := re.fullmatch(r"f0\.layers\.(\d+)\.(.*)", ours):
        return f"f0_predictor.condnet.{2 * int(layer[1]) + 2}.{layer[2]}"
    if block := re.fullmatch(r"source_blocks\.(\d+)\.(\w+)\.(.*)", ours):
        return f"source_resblocks.{block[1]}.{_BLOCK[block[2]]}.{block[3]}"
    if block := re.fullmatch(r"blocks\.(\d+)\.(\d+)\.(\w+)\.(.*)", ours):
        return f"resblocks.{blocks * int(block[1]) + int(block[2])}.{_BLOCK[block[3]]}.{block[4]}"
    return _translate(ours, VOCODER)


def is_normalised(name: str) -> bool:
    """Whether the release stores this vocoder weight (released name) as direction and length."""
    plain = ("source_downs.", "m_source.", "f0_predictor.classifier.")
    return name.endswith(".weight") and not name.startswith(plain)


def split(shapes: Mapping[str, tuple[int, ...]]) -> Shapes:
    """Shapes of the vocoder's weights as the release stores them: `original0` length, `original1` direction."""
    stored: Shapes = {}
    for name, shape in shapes.items():
        if is_normalised(name):
            stem = name.removesuffix(".weight")
            stored[stem + _LARGE[0]], stored[stem + _LARGE[1]] = (shape[0], *[1] * (len(shape) - 1)), shape
        else:
            stored[name] = shape
    return stored


def merge(stored: Mapping[str, Tensor]) -> Weights:
    """Merge weight normalization, w = g v / |v| (Salimans and Kingma 2016, eq. 2), in float64; other tensors are
    unchanged."""
    plain: Weights = {}
    for name, value in stored.items():
        for length, direction in (_LARGE, _SMALL):
            if name.endswith(direction) and (stem := name.removesuffix(direction)) + length in stored:
                plain[stem + ".weight"] = _normalise(value, stored[stem + length])
                break
        else:
            if not _belongs_to_direction(name, stored):
                plain[name] = value
    return plain


def _belongs_to_direction(name: str, stored: Iterable[str]) -> bool:
    return any(
        name.endswith(length) and name.removesuffix(length) + direction in stored
        for length, direction in (_LARGE, _SMALL)
    )


def _normalise(direction: Tensor, length: Tensor) -> Tensor:
    vectors = direction.double()
    norms = vectors.flatten(1).norm(dim=1).view(-1, *[1] * (vectors.dim() - 1))
    return vectors * (length.double().view_as(norms) / norms)


def _translate(name: str, rules: tuple[tuple[str, str], ...]) -> str:
    for pattern, replacement in rules:
        if re.match(pattern, name):
            return re.sub(pattern, replacement, name, count=1)
    raise ValueError(f"no released name for {name}")


def shapes_of(module: torch.nn.Module) -> Shapes:
    """Names and shapes of a module's weights."""
    return {name: tuple(value.shape) for name, value in module.state_dict().items()}
