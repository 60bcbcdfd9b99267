"""Loads weights of the CosyVoice3 detokenizer: `flow.pt` and `hift.pt` of a release, or safetensors of the same names.

Foreign files are read with `weights_only=True`; nothing is unpickled. Every tensor that is missing, unexpected or has
the wrong shape is named. Nothing here depends on tokens or sound.
"""

from collections.abc import Callable
from pathlib import Path
from pickle import UnpicklingError
from typing import Final

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from configs.base import ConfigError
from configs.model.cosyvoice import COSYVOICE3, CosyVoiceConfig, FlowConfig
from duplex.io.whole_files import write_text
from duplex.model.stages.cosyvoice.conditioning import Conditioner, Modulations, solver_times
from duplex.model.stages.cosyvoice.flow import Flow
from duplex.model.stages.cosyvoice.randomness import SourceNoise
from duplex.model.stages.cosyvoice.speakers import load_speakers
from duplex.model.stages.cosyvoice.tensor_names import (
    Shapes,
    Weights,
    conditioner_name,
    flow_name,
    merge,
    shapes_of,
    split,
    vocoder_name,
)
from duplex.model.stages.cosyvoice.vocoder import Vocoder
from duplex.model.weights.hub import find_speakers

FLOW: Final = "flow"
VOCODER: Final = "hift"
VOICES: Final = "speakers"
CONFIG: Final = "cosyvoice.yaml"
_NAMED: Final = 4
"""How many tensors of one kind an error names."""
_PREFIX: Final = "generator."


def read_config(folder: Path) -> CosyVoiceConfig:
    """Read the configuration of a checkpoint folder: its `cosyvoice.yaml`, or else that of the released model.

    Raises:
        ConfigError: the file cannot be used.
    """
    path = folder / CONFIG
    return CosyVoiceConfig.from_yaml(path) if path.exists() else COSYVOICE3


def load_flow(folder: Path, config: FlowConfig) -> Flow:
    """Load the flow from a folder with `flow.safetensors` or `flow.pt`.

    Raises:
        ConfigError: the file is missing or broken, or its tensors do not fit the configuration.
    """
    return build_flow(read_weights(folder, FLOW), config, str(folder / FLOW))


def load_vocoder(folder: Path, config: CosyVoiceConfig) -> Vocoder:
    """Load the vocoder from a folder with `hift.safetensors` or `hift.pt`.

    Raises:
        ConfigError: see `load_flow`.
    """
    return build_vocoder(read_weights(folder, VOCODER), config, str(folder / VOCODER))


def build_flow(weights: Weights, config: FlowConfig, source: str = FLOW) -> Flow:
    """Build the flow from tensors with the released names; matrices that only the solver's times need are then dropped.

    Raises:
        ConfigError: tensors are missing, unexpected or have the wrong shape; `source` names their origin.
    """
    _check(weights, flow_shapes(config), source)
    with torch.device("meta"):
        conditioner = Conditioner(config)
    _fill(conditioner, weights, conditioner_name)
    modulations = conditioner(solver_times(config.steps)[0])
    with torch.device("meta"):
        flow = Flow(config, modulations)
    _fill(flow, weights, flow_name)
    return flow.eval()


def build_vocoder(weights: Weights, config: CosyVoiceConfig, source: str = VOCODER) -> Vocoder:
    """Build the vocoder from tensors with the released names, with or without their prefix `generator.`.

    Raises:
        ConfigError: see `build_flow`.
    """
    plain = merge({name.removeprefix(_PREFIX): value for name, value in weights.items()})
    vocoder = _empty_vocoder(config)
    blocks = len(config.vocoder.block_kernels)
    _check(plain, {vocoder_name(name, blocks): shape for name, shape in shapes_of(vocoder).items()}, source)
    _fill(vocoder, plain, lambda name: vocoder_name(name, blocks))
    return vocoder.eval()


def flow_shapes(config: FlowConfig) -> Shapes:
    """Names and shapes in `flow.pt`."""
    with torch.device("meta"):
        conditioner, flow = Conditioner(config), Flow(config, Modulations(torch.empty(0), torch.empty(0)))
    shapes = {conditioner_name(name): shape for name, shape in shapes_of(conditioner).items()}
    return shapes | {flow_name(name): shape for name, shape in shapes_of(flow).items()}


def vocoder_shapes(config: CosyVoiceConfig) -> Shapes:
    """Names and shapes in `hift.pt`."""
    blocks = len(config.vocoder.block_kernels)
    shapes = shapes_of(_empty_vocoder(config))
    return split({vocoder_name(name, blocks): shape for name, shape in shapes.items()})


def read_weights(folder: Path, name: str) -> Weights:
    """Read the tensors of `name`.safetensors or `name`.pt in a folder.

    Raises:
        ConfigError: there is neither, or it cannot be read.
    """
    for path, reader in ((folder / f"{name}.safetensors", load_file), (folder / f"{name}.pt", _read_torch)):
        if path.exists():
            return _read(path, reader)
    raise ConfigError(f"{folder}: has neither {name}.safetensors nor {name}.pt; point to a folder of Fun-CosyVoice3")


def convert(folder: Path, out: Path, speakers: Path | None = None, config: CosyVoiceConfig | None = None) -> None:
    """Write a release as safetensors, including voices and configuration; names remain those of the release.

    Raises:
        ConfigError: the release is incomplete, or `out` cannot be written.
    """
    config = read_config(folder) if config is None else config
    flow, vocoder = read_weights(folder, FLOW), read_weights(folder, VOCODER)
    build_flow(flow, config.flow, str(folder / FLOW))
    build_vocoder(vocoder, config, str(folder / VOCODER))
    voices = load_speakers(find_speakers(folder) if speakers is None else speakers, config.flow.speaker)
    config = config.model_copy(update={"voice": config.voice or next(iter(voices))})
    try:
        out.mkdir(parents=True, exist_ok=True)
        for name, weights in ((FLOW, flow), (VOCODER, vocoder), (VOICES, voices)):
            save_file({key: value.contiguous() for key, value in weights.items()}, out / f"{name}.safetensors")
        write_text(out / CONFIG, config.to_yaml())
    except OSError as error:
        raise ConfigError(f"{out}: cannot be written ({error.strerror}); choose another folder") from None


def _read(path: Path, reader: Callable[[Path], Weights]) -> Weights:
    try:
        return reader(path)
    except (OSError, RuntimeError, ValueError, EOFError, SafetensorError, UnpicklingError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise ConfigError(f"{path}: is not a readable file of weights ({reason}); fetch it again") from None


def _read_torch(path: Path) -> Weights:
    values = torch.load(path, map_location="cpu", weights_only=True)
    if not isinstance(values, dict) or not all(isinstance(value, Tensor) for value in values.values()):
        raise ValueError("it holds something other than named tensors")
    return values


def _empty_vocoder(config: CosyVoiceConfig) -> Vocoder:
    noise = SourceNoise(config.flow, config.vocoder)
    with torch.device("meta"):
        return Vocoder(config.vocoder, noise)


def _check(weights: Weights, expected: Shapes, source: str) -> None:
    wrong = [
        f"{name} is {list(weights[name].shape)}, not {list(shape)}"
        for name, shape in expected.items()
        if name in weights and tuple(weights[name].shape) != shape
    ]
    kinds = {
        "missing": [name for name in expected if name not in weights],
        "unexpected": [name for name in weights if name not in expected],
        "of another shape": wrong,
    }
    found = [f"{len(names)} {kind} ({_list(names)})" for kind, names in kinds.items() if names]
    if found:
        raise ConfigError(f"{source}: does not fit the configuration: {'; '.join(found)}; check {CONFIG} or the file")


def _list(names: list[str]) -> str:
    return ", ".join(names[:_NAMED]) + (", ..." if len(names) > _NAMED else "")


def _fill(module: nn.Module, weights: Weights, released: Callable[[str], str]) -> None:
    """Give `module` its weights without a second copy, each in the module's data type (F0 is float64)."""
    state = {name: weights[released(name)].to(expected.dtype) for name, expected in module.state_dict().items()}
    module.load_state_dict(state, assign=True)
    module.requires_grad_(False)
