"""Runs the authors' CosyVoice3 detokenizer from a checkout, as a reference for tests and for a benchmark.

    git clone https://github.com/FunAudioLLM/CosyVoice CHECKOUT

The checkout is not needed to use this project. Packages that it imports but does not use to convert speech tokens to
sound are replaced by empty ones if they are not installed; `x_transformers`, `einops` and `matcha`, of which only a
line or two is used, are replaced by those lines.
"""

import importlib
import logging
import sys
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any, Final

import torch
from torch import Tensor, nn

from configs.base import ConfigError
from configs.model.cosyvoice import CosyVoiceConfig

NEEDED: Final = "cosyvoice/flow/DiT/dit.py"
CONSTRUCTION_SEED: Final = 1986
"""Seed at the top of the authors' cosyvoice3.yaml; the flow sets its own before it draws."""
_UNUSED: Final = (
    *("torchaudio", "onnxruntime", "transformers", "diffusers", "whisper", "librosa", "hyperpyyaml", "omegaconf"),
    *("tensorrt", "vllm", "conformer", "lightning", "modelscope", "matcha", "einops", "x_transformers", "inflect"),
)


class ReferenceDetokenizer:
    """Flow and vocoder of a checkout at any size, built in the order of cosyvoice3.yaml so that the noise is the
    same."""

    def __init__(self, checkout: Path, config: CosyVoiceConfig) -> None:
        """Build both with their own initial weights.

        Raises:
            ConfigError: `checkout` is not a checkout of CosyVoice with version 3.
        """
        self.config = config
        with _importable(checkout) as stand_ins:
            torch.manual_seed(CONSTRUCTION_SEED)
            self.flow = _flow(config).eval()
            self.hift = _hift(config).eval()
            self._model = _class("cosyvoice.cli.model", "CosyVoice3Model")(None, self.flow, self.hift)
        self._model.device = torch.device("cpu")
        self.stand_ins = sorted({name.partition(".")[0] for name in stand_ins})
        self._streams = 0

    def load(self, flow: dict[str, Tensor], hift: dict[str, Tensor]) -> None:
        """Load weights with the released names, strictly."""
        self.hift.float()
        self.flow.load_state_dict(flow)
        self.hift.load_state_dict(hift)

    def mel(self, tokens: Tensor, embedding: Tensor, streaming: bool) -> Tensor:
        """Frames [1, mel, n] of tokens [1, T]: every frame sees all others, or (`streaming`) its chunk and earlier
        ones."""
        length, nothing = torch.tensor([tokens.shape[1]]), torch.zeros(1, 0, dtype=torch.int32)
        none, prompt = torch.tensor([0]), torch.zeros(1, 0, self.config.flow.mel)
        frames, _ = self.flow.inference(
            tokens, length, nothing, none, prompt, none, embedding, streaming=streaming, finalize=True
        )
        return frames

    def sound(self, mel: Tensor) -> Tensor:
        """Samples [1, n] of frames."""
        return self.hift.inference(mel, finalize=True)[0]

    def open(self) -> str:
        """Begin a stream; returns its name for `step`."""
        self._streams += 1
        name = str(self._streams)
        self._model.hift_cache_dict[name] = None
        return name

    def step(self, stream: str, tokens: Tensor, embedding: Tensor, offset: int, final: bool, chunks: bool) -> Tensor:
        """The authors' streaming step: all tokens [1, n] so far, of which those before `offset` have sounded."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)
            return self._model.token2wav(
                tokens,
                torch.zeros(1, 0, dtype=torch.int32),
                torch.zeros(1, 0, self.config.flow.mel),
                embedding,
                offset,
                stream,
                stream=chunks,
                finalize=final,
            )


def _flow(config: CosyVoiceConfig) -> Any:
    flow = config.flow
    layer = _class("cosyvoice.transformer.upsample_encoder", "PreLookaheadLayer")(
        in_channels=flow.mel, channels=flow.lookahead_channels, pre_lookahead_len=flow.lookahead
    )
    estimator = _class("cosyvoice.flow.DiT.dit", "DiT")(
        dim=flow.width, depth=flow.depth, heads=flow.heads, dim_head=flow.head_size, ff_mult=flow.inner_factor,
        mel_dim=flow.mel, mu_dim=flow.mel, spk_dim=flow.mel, out_channels=flow.mel,
        static_chunk_size=(config.stream.window.chunk or 0) * flow.frames_per_token, num_decoding_left_chunks=-1,
    )  # fmt: skip
    solver = SimpleNamespace(
        sigma_min=1e-6, solver="euler", t_scheduler="cosine", training_cfg_rate=0.2,
        inference_cfg_rate=flow.guidance, reg_loss_type="l1",
    )  # fmt: skip
    decoder = _class("cosyvoice.flow.flow_matching", "CausalConditionalCFM")(
        in_channels=3 * flow.mel, cfm_params=solver, n_spks=1, spk_emb_dim=flow.mel, estimator=estimator
    )
    return _class("cosyvoice.flow.flow", "CausalMaskedDiffWithDiT")(
        input_size=flow.mel, output_size=flow.mel, spk_embed_dim=flow.speaker, vocab_size=flow.vocabulary,
        token_mel_ratio=flow.frames_per_token, pre_lookahead_len=flow.lookahead, pre_lookahead_layer=layer,
        decoder=decoder,
    )  # fmt: skip


def _hift(config: CosyVoiceConfig) -> Any:
    vocoder = config.vocoder
    predictor = _class("cosyvoice.hifigan.f0_predictor", "CausalConvRNNF0Predictor")(
        num_class=1, in_channels=vocoder.mel, cond_channels=vocoder.f0_channels
    )
    return _class("cosyvoice.hifigan.generator", "CausalHiFTGenerator")(
        in_channels=vocoder.mel, base_channels=vocoder.channels, nb_harmonics=vocoder.harmonics,
        sampling_rate=vocoder.sample_rate, nsf_alpha=vocoder.sine_amplitude, nsf_sigma=vocoder.noise_deviation,
        nsf_voiced_threshold=vocoder.voiced_hz, upsample_rates=list(vocoder.rates),
        upsample_kernel_sizes=list(vocoder.kernels), istft_params={"n_fft": vocoder.fft, "hop_len": vocoder.hop},
        resblock_kernel_sizes=list(vocoder.block_kernels),
        resblock_dilation_sizes=[list(dilations) for dilations in vocoder.block_dilations],
        source_resblock_kernel_sizes=list(vocoder.source_kernels),
        source_resblock_dilation_sizes=[list(dilations) for dilations in vocoder.source_dilations],
        lrelu_slope=vocoder.slope, audio_limit=vocoder.limit, conv_pre_look_right=vocoder.look_right,
        f0_predictor=predictor,
    )  # fmt: skip


def _class(module: str, name: str) -> Any:
    return getattr(importlib.import_module(module), name)


@contextmanager
def _importable(checkout: Path) -> Iterator[list[str]]:
    """Make the checkout's package importable, with stand-ins for missing packages; both are removed at the end.

    Yields the names of the stand-ins, a list that grows meanwhile.
    """
    if not (checkout / NEEDED).is_file():
        raise ConfigError(
            f"{checkout}: is not a checkout of CosyVoice ({NEEDED} is missing); clone FunAudioLLM/CosyVoice"
        )
    finder, level, handlers = _StandIns(), logging.root.level, list(logging.root.handlers)
    logging.disable(logging.INFO)
    sys.path.insert(0, str(checkout))
    sys.meta_path.append(finder)
    try:
        yield finder.made
    finally:
        sys.meta_path.remove(finder)
        sys.path.remove(str(checkout))
        logging.root.setLevel(level)
        logging.root.handlers[:] = handlers
        logging.disable(logging.NOTSET)
        for name in finder.made:
            sys.modules.pop(name, None)


class _StandIns(MetaPathFinder, Loader):
    """Provides modules of the packages in `_UNUSED` that are not installed."""

    def __init__(self) -> None:
        self.made: list[str] = []

    def find_spec(self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None) -> Any:
        root = name.partition(".")[0]
        if root not in _UNUSED or (root not in self.made and PathFinder.find_spec(root)):
            return None
        return ModuleSpec(name, self, is_package=True)

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        self.made.append(spec.name)
        return _StandIn(spec.name)

    def exec_module(self, module: ModuleType) -> None:
        vars(module).update(_USED.get(module.__name__, {}))


class _StandIn(ModuleType):
    """A module in which every name is an empty class."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return type(name, (nn.Module,), {"__init__": lambda self, *_, **__: None})


class _FlowMatching(nn.Module):
    """The part of Matcha-TTS that the authors' solver uses: its settings."""

    def __init__(self, n_feats: int, cfm_params: Any, n_spks: int = 1, spk_emb_dim: int = 64) -> None:
        super().__init__()
        self.sigma_min = cfm_params.sigma_min


class _Rotary(nn.Module):
    """The part of x-transformers that the authors' transformer uses: rotary angles (Su et al. 2021) of pairs of
    channels."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.register_buffer("inv_freq", 10_000.0 ** -(torch.arange(0, dim, 2).float() / dim))

    inv_freq: Tensor

    def forward_from_seq_len(self, length: int) -> tuple[Tensor, float]:
        angles = torch.arange(length)[None, :, None] * self.inv_freq
        return angles.repeat_interleave(2, -1), 1.0


def _rotate(x: Tensor, angles: Tensor, scale: float = 1.0) -> Tensor:
    size = angles.shape[-1]
    turned, rest = x[..., :size], x[..., size:]
    swapped = torch.stack([-turned[..., 1::2], turned[..., 0::2]], -1).flatten(-2)
    return torch.cat([turned * angles.cos() * scale + swapped * angles.sin() * scale, rest], -1)


def _repeat(x: Tensor, pattern: str, t: int) -> Tensor:
    """The only pattern in use: "b c -> b t c"."""
    return x[:, None].expand(-1, t, -1)


_USED: Final[dict[str, dict[str, Any]]] = {
    "matcha.models.components.flow_matching": {"BASECFM": _FlowMatching},
    "x_transformers.x_transformers": {"RotaryEmbedding": _Rotary, "apply_rotary_pos_emb": _rotate},
    "einops": {"repeat": _repeat},
}
