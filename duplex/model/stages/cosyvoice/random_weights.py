"""Random weights in the released layout, for tests and measurements: signals keep their magnitude through the network,
F0 crosses the voicing threshold, and the spectrum is not flat."""

from collections.abc import Callable
from math import prod

import torch
from torch import Tensor

from configs.model.cosyvoice import CosyVoiceConfig
from duplex.model.stages.cosyvoice.checkpoint import flow_shapes, vocoder_shapes
from duplex.model.stages.cosyvoice.tensor_names import Shapes, Weights

_BIAS = 0.05
_MEAN_F0, _SPREAD_F0 = 13.0, 10.0
_SPECTRUM = 0.05


def random_flow(config: CosyVoiceConfig, seed: int = 0) -> Weights:
    """Tensors of `flow.pt`."""
    rates = 10_000.0 ** -(torch.arange(0, config.flow.head_size, 2).float() / config.flow.head_size)
    weights = _draw(flow_shapes(config.flow), seed, _scale_of_flow)
    return {name: rates if name.endswith("inv_freq") else value for name, value in weights.items()}


def random_vocoder(config: CosyVoiceConfig, seed: int = 0) -> Weights:
    """Tensors of `hift.pt`."""
    weights = _draw(vocoder_shapes(config), seed, _scale_of_vocoder)
    for name in weights:
        if name.endswith(("original0", "alpha")):
            weights[name] = 0.7 + 0.6 * weights[name].abs().clamp(max=1)
    weights["f0_predictor.classifier.bias"] = torch.full((1,), _MEAN_F0)
    weights["conv_post.parametrizations.weight.original0"] *= _SPECTRUM
    return weights


def _draw(shapes: Shapes, seed: int, scale: Callable[[str, tuple[int, ...]], float]) -> Weights:
    generator = torch.Generator().manual_seed(seed)
    return {name: _normal(shape, generator) * scale(name, shape) for name, shape in sorted(shapes.items())}


def _normal(shape: tuple[int, ...], generator: torch.Generator) -> Tensor:
    return torch.randn(shape, generator=generator)


def _scale_of_flow(name: str, shape: tuple[int, ...]) -> float:
    if name == "input_embedding.weight":
        return 1.0
    return _BIAS if len(shape) == 1 else prod(shape[1:]) ** -0.5


def _scale_of_vocoder(name: str, shape: tuple[int, ...]) -> float:
    if name.endswith(("original0", "alpha")):
        return 1.0
    if name == "f0_predictor.classifier.weight":
        return _SPREAD_F0 * shape[1] ** -0.5
    return _BIAS if len(shape) == 1 else prod(shape[1:]) ** -0.5
