"""Rotary positions: angles of a head's pairs of channels, in the variants that Llama and Qwen checkpoints use.

The parameters are transformers' `rope_parameters`. Sources: Su et al. 2021, RoFormer; Llama 3.1's scaling (in its
released code); Peng et al. 2023, YaRN. Nothing here depends on layers.
"""

import math
from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple

import torch
from torch import Tensor

Rope = Mapping[str, Any]


def is_known(rope: Rope) -> bool:
    """Whether `frequencies` computes this kind, with these parameters."""
    kind = _KINDS.get(rope["rope_type"])
    given = {name: value for name, value in rope.items() if value is not None and name != "rope_type"}
    if kind is None or not all(isinstance(value, int | float) for value in given.values()):
        return False
    return kind.needed <= given.keys() - {"rope_theta"} <= kind.needed | kind.optional


def frequencies(rope: Rope, head_dim: int) -> tuple[Tensor, float]:
    """Radians per position theta^(-2i/d) (Su et al. 2021, sec. 3.2.2), scaled as `rope` says.

    Returns [head_dim / 2] in float32, and a factor for the cosines and sines."""
    plain = 1.0 / (rope["rope_theta"] ** (torch.arange(0, head_dim, 2, dtype=torch.float) / head_dim))
    return _KINDS[rope["rope_type"]].compute(plain, rope)


def rotate(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """Rotate x [P, heads, n, head_dim] by angles [P or 1, 1, n, head_dim] with equal halves (Su et al. 2021, eq. 34;
    pairs are channels i and i + d/2, as in Llama's checkpoints)."""
    first, second = x.chunk(2, dim=-1)
    return x * cos + torch.cat((-second, first), dim=-1) * sin


def _default(plain: Tensor, rope: Rope) -> tuple[Tensor, float]:
    return plain, 1.0


def _linear(plain: Tensor, rope: Rope) -> tuple[Tensor, float]:
    return plain / rope["factor"], 1.0


def _llama3(plain: Tensor, rope: Rope) -> tuple[Tensor, float]:
    """Stretch long waves by `factor`, keep short ones, and blend those between (Llama 3.1's released code)."""
    turns = rope["original_max_position_embeddings"] * plain / (2 * math.pi)
    low, high = rope["low_freq_factor"], rope["high_freq_factor"]
    kept = ((turns - low) / (high - low)).clamp(0, 1)
    return (1 - kept) * plain / rope["factor"] + kept * plain, 1.0


def _yarn(plain: Tensor, rope: Rope) -> tuple[Tensor, float]:
    """As `_llama3`, but blended along the channels and with sharper attention (YaRN: Peng et al. 2023, sec. 3.2,
    3.4)."""
    size, pairs = rope["original_max_position_embeddings"], len(plain)

    def pair(turns: float) -> float:
        """The pair of channels that makes this many turns over the trained length."""
        return pairs * math.log(size / (turns * 2 * math.pi)) / math.log(rope["rope_theta"])

    first, last = pair(rope.get("beta_fast") or 32), pair(rope.get("beta_slow") or 1)
    if rope.get("truncate", True):
        first, last = math.floor(first), math.ceil(last)
    first, last = max(first, 0), min(last, 2 * pairs - 1)
    stretched = ((torch.arange(pairs) - first) / ((last - first) or 0.001)).clamp(0, 1)
    return stretched * plain / rope["factor"] + (1 - stretched) * plain, _sharpness(rope)


def _sharpness(rope: Rope) -> float:
    def of(scale: float) -> float:
        return 0.1 * scale * math.log(rope["factor"]) + 1.0 if rope["factor"] > 1 else 1.0

    if rope.get("attention_factor") is not None:
        return float(rope["attention_factor"])
    if rope.get("mscale") and rope.get("mscale_all_dim"):
        return of(rope["mscale"]) / of(rope["mscale_all_dim"])
    return of(1.0)


class _Kind(NamedTuple):
    """A kind of rotary positions, with its required and optional parameters."""

    compute: Callable[[Tensor, Rope], tuple[Tensor, float]]
    needed: frozenset[str] = frozenset()
    optional: frozenset[str] = frozenset()


_KINDS: Final = {
    "default": _Kind(_default),
    "linear": _Kind(_linear, frozenset({"factor"})),
    "llama3": _Kind(
        _llama3, frozenset({"factor", "original_max_position_embeddings", "low_freq_factor", "high_freq_factor"})
    ),
    "yarn": _Kind(
        _yarn,
        frozenset({"factor", "original_max_position_embeddings"}),
        frozenset({"beta_fast", "beta_slow", "attention_factor", "mscale", "mscale_all_dim", "truncate"}),
    ),
}
