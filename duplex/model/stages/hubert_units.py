"""HuBERT units: the k-means centroid nearest to a layer's output, 50 per second (or as the strides say).

This module uses transformers' HuBERT and files of centroids; streams are the task of `token_window`. Sources: Hsu et
al. 2021, HuBERT; Lakhotia et al. 2021, generative spoken language modeling from raw audio (speech-to-unit).
"""

from collections.abc import Sequence
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Self

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.nn import functional as F

from configs.base import ConfigError
from configs.model.speech_tokens import HubertConfig
from duplex.model.stages.quiet import quiet_transformers, refusals

if TYPE_CHECKING:
    from transformers import HubertModel

CENTROIDS: Final = "centroids"
"""Name of the tensor [K, D] in a safetensors file of centroids."""

_NOT_NEEDED: Final = {"masked_spec_embed"}
_PICKLES: Final = {".km", ".pkl", ".pickle", ".joblib", ".bin", ".pt", ".pth"}


class HubertUnits(nn.Module):
    """A `ClipTokenizer`: the first `layer` layers of HuBERT, then argmin over k of |x - c_k| (Lakhotia et al. 2021)."""

    centroids: Tensor

    def __init__(self, config: HubertConfig, model: "HubertModel", centroids: Tensor) -> None:
        super().__init__()
        width = model.config.hidden_size
        if centroids.ndim != 2 or centroids.shape[1] != width:
            raise ConfigError(f"the centroids have shape {list(centroids.shape)}, this HuBERT needs [K, {width}]")
        self.config = config
        self.model = model
        self.token_samples = prod(model.config.conv_stride)
        self.margin_samples = _field(model.config.conv_kernel, model.config.conv_stride) - self.token_samples
        self.register_buffer("centroids", centroids.float(), persistent=False)

    @classmethod
    def load(cls, folder: Path, centroids: Path, config: HubertConfig) -> Self:
        """Load a checkpoint folder in transformers' format and a file of centroids.

        Raises:
            ConfigError: a file is missing, broken, a pickle, or has the wrong sizes.
        """
        return cls(config, _load_model(folder, config.layer), load_centroids(centroids)).eval()

    @property
    def vocabulary(self) -> int:
        """Number of centroids."""
        return self.centroids.shape[0]

    @torch.inference_mode()
    def encode(self, pcm: Tensor) -> Tensor:
        """pcm [B, N] at 16 kHz -> units [B, (N - margin) // token_samples] (int64)."""
        features = self.features(pcm)
        distance = self.centroids.square().sum(1) - 2 * features @ self.centroids.T
        return distance.argmin(-1)

    def features(self, pcm: Tensor) -> Tensor:
        """pcm [B, N] -> [B, T, D], the output of layer `layer`."""
        if pcm.shape[1] < self.token_samples + self.margin_samples:
            return self.centroids.new_zeros(pcm.shape[0], 0, self.centroids.shape[1])
        pcm = pcm.to(self.centroids.device)
        if self.config.normalize:
            pcm = F.layer_norm(pcm, pcm.shape[1:])
        out: Tensor = self.model(pcm).last_hidden_state
        return out


def load_centroids(path: Path) -> Tensor:
    """Read centroids [K, D] from a .npy file, or from the tensor `centroids` of a .safetensors file.

    Raises:
        ConfigError: the file is missing, broken or a pickle.
    """
    if path.suffix in _PICKLES:
        raise ConfigError(
            f'{path}: is a pickle, which is not read; convert it once: python -c "import joblib, numpy; '
            f"numpy.save('{path.stem}.npy', joblib.load('{path.name}').cluster_centers_)\""
        )
    if path.suffix not in {".npy", ".safetensors"}:
        raise ConfigError(f"{path}: centroids are read from .npy or .safetensors; convert the file")
    try:
        if path.suffix == ".npy":
            return torch.from_numpy(np.load(path, allow_pickle=False)).float()
        return load_file(path)[CENTROIDS].float()
    except KeyError:
        raise ConfigError(f"{path}: has no tensor '{CENTROIDS}'; save the centroids under that name") from None
    except (OSError, ValueError, TypeError, SafetensorError) as error:
        raise ConfigError(f"{path}: cannot be read as centroids ({' '.join(str(error).split())[:120]})") from None


def _load_model(folder: Path, layer: int) -> "HubertModel":
    """Load HuBERT up to `layer`, without a final norm on its output, as fairseq takes features."""
    from transformers import HubertConfig as Shape
    from transformers import HubertModel

    if not (folder / "config.json").is_file():
        raise ConfigError(
            f"{folder}: has no config.json; give the folder of a HuBERT checkpoint in transformers' format"
        )
    try:
        shape = Shape.from_pretrained(folder, local_files_only=True)
    except refusals() as error:
        reason = " ".join(str(error).split())[:120]
        raise ConfigError(f"{folder}: config.json cannot be used ({reason}); download it again") from None
    if shape.model_type != "hubert":
        raise ConfigError(f"{folder}: is a '{shape.model_type}', not a HuBERT; give another folder")
    if layer > shape.num_hidden_layers:
        raise ConfigError(f"{folder}: has {shape.num_hidden_layers} layers, layer is {layer}; choose a smaller one")
    shape.num_hidden_layers = layer
    try:
        with quiet_transformers():
            loaded: Any = HubertModel.from_pretrained(
                folder, config=shape, local_files_only=True, output_loading_info=True
            )
    except (OSError, RuntimeError, ValueError, SafetensorError) as error:
        raise ConfigError(f"{folder}: the weights cannot be read ({' '.join(str(error).split())[:160]})") from None
    model, report = loaded
    missing = sorted(set(report["missing_keys"]) - _NOT_NEEDED)
    if missing:
        raise ConfigError(f"{folder}: {len(missing)} weights are missing ({', '.join(missing[:3])}); download it again")
    if shape.do_stable_layer_norm:
        model.encoder.layer_norm = nn.Identity()
    kept: HubertModel = model.eval().requires_grad_(False)
    return kept


def _field(kernels: Sequence[int], strides: Sequence[int]) -> int:
    """Number of samples that one frame of the convolutions sees (400)."""
    field = 1
    for kernel, stride in zip(reversed(kernels), reversed(strides), strict=True):
        field = (field - 1) * stride + kernel
    return field
