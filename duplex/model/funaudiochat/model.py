"""A Fun-Audio-Chat model as one object: network and tokenizer, without conversations."""

import hashlib
from dataclasses import dataclass
from typing import Final, Self

import torch
from torch import nn

from configs.model.funaudiochat import FunAudioChatConfig
from duplex.model.funaudiochat.multimodal_llm import FunAudioChatNetwork
from duplex.model.funaudiochat.tokenizer import ChatTokenizer

_TABLE_SPREAD: Final = 0.7
_BIAS_SPREAD: Final = 0.1


@dataclass(frozen=True)
class FunAudioChat:
    """Network in evaluation mode and tokenizer. `fingerprint` identifies weights and configuration."""

    config: FunAudioChatConfig
    network: FunAudioChatNetwork
    tokenizer: ChatTokenizer
    fingerprint: str

    @classmethod
    def random(
        cls,
        config: FunAudioChatConfig,
        seed: int = 0,
        device: torch.device | str = "cpu",
        dtype: torch.dtype = torch.float32,
    ) -> Self:
        """A model with random weights and a byte tokenizer, made on `device`, for tests and for timing real sizes."""
        device = torch.device(device)
        network = empty_network(config)
        generator = torch.Generator(device).manual_seed(seed)
        for name, value in list(network.named_parameters()):
            filled = torch.empty(value.shape, dtype=dtype, device=device)
            _fill(name, filled, generator)
            owner, _, leaf = name.rpartition(".")
            setattr(network.get_submodule(owner), leaf, nn.Parameter(filled, requires_grad=False))
        network.compute_buffers(device)
        mark = hashlib.sha256(f"{config.to_yaml()}{seed}{dtype}".encode()).hexdigest()[:16]
        return cls(config, network, ChatTokenizer.of_bytes(config), mark)


def empty_network(config: FunAudioChatConfig) -> FunAudioChatNetwork:
    """A network on the meta device, with names and shapes but no values."""
    with torch.device("meta"):
        return FunAudioChatNetwork(config).eval().requires_grad_(False)


def _fill(name: str, value: torch.Tensor, generator: torch.Generator) -> None:
    """Fill a parameter with a spread that keeps activations near one."""
    if name.endswith("table.weight"):
        value.normal_(0.0, _TABLE_SPREAD, generator=generator)
    elif value.dim() > 1:
        value.normal_(0.0, value[0].numel() ** -0.5, generator=generator)
    else:
        value.normal_(1.0 if name.endswith("weight") else 0.0, _BIAS_SPREAD, generator=generator)
