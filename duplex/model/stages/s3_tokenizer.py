"""S3Tokenizer: converts samples to 25 Hz speech tokens with the `s3tokenizer` package or the released ONNX file.

This module has the log-mel front end, the two ways to run the network and the cutting of long clips; streams are the
task of `token_window`. Source: Du et al. 2024, CosyVoice 2 (supervised tokens with finite scalar quantization); the
network is theirs.

The package drops tokens at the end of clips over 30 s, because its last piece may be shorter than the overlap. Here the
pieces end with the clip, which gives 25 tokens per second for every length.
"""

from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Protocol

import numpy as np
import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from configs.audio import AUDIO
from configs.base import ConfigError, exact_div
from configs.model.speech_tokens import S3Config
from duplex.model.stages.logmel import LogMel

if TYPE_CHECKING:
    from onnxruntime import InferenceSession

_ENVIRONMENT: Final = "configs/environments/s3tokenizer.txt"
_PROVIDERS: Final = ("CUDAExecutionProvider", "CPUExecutionProvider")


class S3Network(Protocol):
    """Maps mel frames of clips of one length to token ids."""

    def __call__(self, mel: Tensor) -> Tensor:
        """mel [B, bands, T] -> ids [B, T / 4] (int64)."""
        ...


class S3Tokenizer:
    """A `ClipTokenizer` over either network."""

    margin_samples = 0

    def __init__(self, config: S3Config, network: S3Network) -> None:
        self.config = config
        self.network = network
        self.mel = LogMel(config.mel)

    @property
    def vocabulary(self) -> int:
        """Number of different tokens (6,561)."""
        return self.config.vocabulary

    @property
    def token_samples(self) -> int:
        """Samples of one token (640)."""
        return self.config.token_samples

    @torch.inference_mode()
    def encode(self, pcm: Tensor) -> Tensor:
        """pcm [B, N] at 16 kHz, of any length -> ids [B, N / 640] (int64), rounded up."""
        if pcm.shape[1] < self.token_samples:
            return torch.zeros(pcm.shape[0], 0, dtype=torch.int64)
        mel = self.mel.clip(pcm)
        longest, overlap = self._frames(self.config.longest_s), self._frames(self.config.overlap_s)
        if mel.shape[2] <= longest:
            return self.network(mel)
        return self._tokenize_pieces(mel, longest, overlap)

    def _tokenize_pieces(self, mel: Tensor, longest: int, overlap: int) -> Tensor:
        """Tokens from pieces of `longest` frames, cut in the middle of their overlaps."""
        half = exact_div(overlap // 2, self.config.token_frames)
        starts = range(0, mel.shape[2] - overlap, longest - overlap)
        pieces = []
        for start in starts:
            tokens = self.network(mel[..., start : start + longest])
            last = start == starts[-1]
            pieces.append(tokens[:, half if start else 0 : None if last else -half])
        return torch.cat(pieces, dim=1)

    def _frames(self, seconds: int) -> int:
        return seconds * exact_div(AUDIO.input_rate, self.config.mel.hop)


class PackageNetwork:
    """The network of the `s3tokenizer` package."""

    def __init__(self, model: nn.Module) -> None:
        self.model = model.eval()

    @classmethod
    def load(cls, path: Path, config: S3Config) -> "PackageNetwork":
        """Read the released ONNX file's weights, or the same weights under the package's names in safetensors.

        Raises:
            ConfigError: the package cannot be imported, or the file lacks weights of this generation and size.
        """
        package = _package()
        model = _package_model(config)
        weights = _weights(path, config, package)
        expected = {name: value.shape for name, value in model.state_dict().items()}
        missing = sorted(expected.keys() - weights.keys())
        wrong = sorted(name for name in expected.keys() & weights.keys() if weights[name].shape != expected[name])
        if missing or wrong:
            names = ", ".join([*missing[:3], *wrong[:3]])
            raise ConfigError(
                f"{path}: {len(missing)} weights are missing and {len(wrong)} have the wrong shape ({names}); "
                f"check that the file is of generation {config.generation}"
            )
        model.load_state_dict({name: weights[name] for name in expected})
        return cls(model)

    @torch.inference_mode()
    def __call__(self, mel: Tensor) -> Tensor:
        """mel [B, bands, T] -> ids [B, T / 4] (int64)."""
        device = next(self.model.parameters()).device
        lengths = torch.full((mel.shape[0],), mel.shape[2], device=device)
        tokens, _ = self.model.quantize(mel.to(device), lengths)  # type: ignore[operator]
        return tokens.long()


class OnnxNetwork:
    """The released ONNX file, run by onnxruntime one clip at a time, as it was exported."""

    def __init__(self, session: "InferenceSession") -> None:
        self._session = session
        self._mel, self._length = (value.name for value in session.get_inputs())

    @classmethod
    def load(cls, path: Path, config: S3Config) -> "OnnxNetwork":
        """Open the file.

        Raises:
            ConfigError: onnxruntime is not installed, or the file is not a speech tokenizer's.
        """
        try:
            import onnxruntime
        except ImportError:
            raise ConfigError("S3Tokenizer's ONNX file needs onnxruntime; run 'pip install onnxruntime'") from None
        try:
            providers = [name for name in _PROVIDERS if name in onnxruntime.get_available_providers()]
            session = onnxruntime.InferenceSession(str(path), providers=providers)
        except Exception as error:  # onnxruntime has no common base for what a broken file raises
            reason = " ".join(str(error).split())[:160]
            raise ConfigError(f"{path}: is not an ONNX file that onnxruntime reads ({reason})") from None
        shapes = [value.shape for value in session.get_inputs()]
        if len(shapes) != 2 or len(shapes[0]) != 3 or shapes[0][1] != config.mel.bands:
            raise ConfigError(
                f"{path}: takes inputs {shapes}, a speech tokenizer takes mel [1, {config.mel.bands}, T] and a length; "
                "give speech_tokenizer_v2.onnx or speech_tokenizer_v3.onnx"
            )
        return cls(session)

    def __call__(self, mel: Tensor) -> Tensor:
        """mel [B, bands, T] -> ids [B, T / 4] (int64)."""
        return torch.stack([self._clip(clip) for clip in mel.float().cpu().numpy()])

    def _clip(self, mel: np.ndarray[Any, np.dtype[np.float32]]) -> Tensor:
        length = np.array([mel.shape[1]], dtype=np.int32)
        tokens = self._session.run(None, {self._mel: mel[None], self._length: length})[0]
        return torch.from_numpy(np.asarray(tokens).reshape(-1)).long()


def load_s3_tokenizer(path: Path, config: S3Config) -> S3Tokenizer:
    """Load a tokenizer from a released file, with the source that the configuration names.

    Raises:
        ConfigError: the file is missing or of another kind, or the package that runs it is not installed.
    """
    if not path.is_file():
        raise ConfigError(f"{path}: there is no such file; download speech_tokenizer_{config.generation}.onnx")
    source = config.source
    if source == "auto":
        source = "package" if path.suffix == ".safetensors" or _imports() else "onnx"
    network: S3Network = PackageNetwork.load(path, config) if source == "package" else OnnxNetwork.load(path, config)
    return S3Tokenizer(config, network)


def _imports() -> bool:
    try:
        _package()
    except ConfigError:
        return False
    return True


def _package() -> Any:
    """The `s3tokenizer` module. It imports torchaudio, which raises any of these errors with an incompatible torch."""
    try:
        return import_module("s3tokenizer")
    except (ImportError, OSError, RuntimeError) as error:
        reason = " ".join(str(error).split())[:120]
        raise ConfigError(
            f"the s3tokenizer package does not import ({reason}); install {_ENVIRONMENT} in an environment of its own, "
            "or take source: onnx"
        ) from None


def _package_model(config: S3Config) -> nn.Module:
    sizes = {"n_audio_state": config.dim, "n_audio_head": config.heads, "n_audio_layer": config.layers}
    name = f"speech_tokenizer_{config.generation}_25hz"
    part = import_module(f"s3tokenizer.model_{config.generation}")
    model: nn.Module
    if config.generation == "v3":
        model = part.S3TokenizerV3(name, part.ModelConfigV3(**sizes))
    else:
        model = part.S3TokenizerV2(name, part.ModelConfig(**sizes))
    return model


def _weights(path: Path, config: S3Config, package: Any) -> Mapping[str, Tensor]:
    """Weights by the package's names. The package itself would replace weights missing from an ONNX file by random
    numbers."""
    weights: Mapping[str, Tensor]
    try:
        if path.suffix == ".safetensors":
            weights = load_file(path)
        else:
            read = package.onnx2torch_v3 if config.generation == "v3" else package.onnx2torch
            weights = read(str(path), None, False)
    except Exception as error:  # the package asserts, onnx raises errors of protobuf
        reason = " ".join(f"{type(error).__name__} {error}".split())[:120]
        raise ConfigError(
            f"{path}: cannot be read as generation {config.generation} ({reason}); check the file and its generation"
        ) from None
    return weights
