"""Makes golden values of S3Tokenizer and the unit vocoder: runs the authors' code on small random weights.

    pip install torch==2.13.0 onnx numpy safetensors einops tqdm && pip install --no-deps s3tokenizer==0.3.0
    git clone https://github.com/facebookresearch/fairseq FAIRSEQ
    PYTHONPATH=. python scripts/golden/speech_tokens.py --fairseq FAIRSEQ --out tests/golden

Only the three files of the vocoder are run from fairseq; stand-ins replace everything else that they import, because
none of it is used. A stand-in also replaces torchaudio if it cannot be imported, because s3tokenizer uses it only to
read files. Weights are rounded to bfloat16 before anything is computed in float32, so that the file stores them in half
the space without loss.
"""

import argparse
import importlib.util
import json
import sys
import types
from pathlib import Path
from typing import Any
from unittest import mock

import torch
from safetensors.torch import save_file
from torch import Tensor, nn

SEED = 7
RATE = 16_000
S3_SIZES = {"n_audio_state": 64, "n_audio_head": 1, "n_audio_layer": 1}
S3_CLIPS = {"even": 19_200, "odd": 17_123}
LONGEST_TOKENS = 100
VOCODER = {
    "num_embeddings": 20,
    "embedding_dim": 8,
    "model_in_dim": 16,
    "multispkr": "from_input_file",
    "num_speakers": 3,
    "sampling_rate": RATE,
    "upsample_initial_channel": 32,
    "upsample_rates": [5, 4, 4, 2, 2],
    "upsample_kernel_sizes": [11, 8, 8, 4, 4],
    "resblock_kernel_sizes": [3, 7, 11],
    "resblock_dilation_sizes": [[1, 3, 5], [1, 3, 5], [1, 3, 5]],
    "dur_predictor_params": {
        "encoder_embed_dim": 8,
        "var_pred_hidden_dim": 8,
        "var_pred_kernel_size": 3,
        "var_pred_dropout": 0.5,
    },
    "dur_prediction_weight": 1.0,
    "learning_rate": 0.0002,
}
UNITS, SPEAKER = 20, 2
GAIN = 1.5


def main() -> None:
    """Write speech_tokens.safetensors, speech_tokens.json and speech_tokens_s3.onnx."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--fairseq", type=Path, required=True, help="checkout of fairseq")
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    torch.set_num_threads(1)
    with torch.no_grad():
        s3, margin = s3_tokens(options.out / "speech_tokens_s3.onnx")
        vocoder = unit_vocoder(options.fairseq)
    save_file({**s3, **vocoder}, options.out / "speech_tokens.safetensors")
    about = {
        "reference": ["s3tokenizer 0.3.0 (S3TokenizerV3)", "facebookresearch/fairseq CodeHiFiGAN"],
        "versions": {"torch": torch.__version__},
        "seed": SEED,
        "s3": {**S3_SIZES, "clips": S3_CLIPS, "nearest_to_a_rounding_edge": margin},
        "vocoder": {"config": VOCODER, "units": UNITS, "speaker": SPEAKER},
    }
    (options.out / "speech_tokens.json").write_text(json.dumps(about, indent=1) + "\n", encoding="utf-8")


def s3_tokens(onnx: Path) -> tuple[dict[str, Tensor], float]:
    """Mel frames and tokens of two clips, computed by the package, whose network is written to `onnx` with released
    names."""
    _stand_in_for_torchaudio()
    import s3tokenizer
    from s3tokenizer.model_v3 import ModelConfigV3, S3TokenizerV3

    torch.manual_seed(SEED)
    model = S3TokenizerV3("speech_tokenizer_v3_25hz", ModelConfigV3(**S3_SIZES)).eval()
    for name, value in model.state_dict().items():
        noise = torch.randn_like(value) * (0.1 if value.ndim == 1 else 2 * value[0].numel() ** -0.5)
        value.copy_(_round(1 + noise / 5 if "ln.weight" in name else noise * (2 if "project_down" in name else 1)))
    values: dict[str, Tensor] = {}
    margin = 1.0
    for name, count in S3_CLIPS.items():
        pcm = _sound(count)
        mel = s3tokenizer.log_mel_spectrogram(pcm.float() / 2**15)
        lengths = torch.tensor([mel.shape[1]])
        tokens, _ = model.quantize(mel[None], lengths)
        hidden, _ = model.encoder(mel[None], lengths)
        digits = model.quantizer._codebook.project_down(hidden).tanh() * 0.9990000128746033
        margin = min(margin, float((digits.abs() - 0.5).abs().min()))
        values |= {f"s3.{name}.pcm": pcm, f"s3.{name}.mel": mel.contiguous(), f"s3.{name}.tokens": tokens[0].int()}
    _export(model, mel, onnx)
    return values, margin


def unit_vocoder(checkout: Path) -> dict[str, Tensor]:
    """Sound of units computed by fairseq, with their own and with predicted repetitions, and the weights under its
    names."""
    torch.manual_seed(SEED)
    model = _code_generator(checkout)(VOCODER).eval()
    for name, value in model.state_dict().items():
        scale = 1.0 if value.ndim != 3 or name.endswith("_g") else value[0].numel() ** -0.5
        value.copy_(_round(torch.randn_like(value) * scale / (2 if name.endswith("bias") else 1)))
        if name.endswith("_g"):
            value.copy_(_round(GAIN * value.abs().clamp(0.5, 1.5)))
        if name == "dur_predictor.proj.weight":
            value.mul_(0.25)
        if name == "dur_predictor.proj.bias":
            value.fill_(1.0)
    units = torch.randint(0, model.dict.num_embeddings, (1, UNITS))
    speaker = torch.tensor([[SPEAKER]])
    frames = torch.exp(model.dur_predictor(model.dict(units))) - 1
    return {
        **{f"vocoder.weights.{name}": value.bfloat16() for name, value in model.state_dict().items()},
        "vocoder.units": units[0].int(),
        "vocoder.samples": model(code=units, spkr=speaker)[0, 0].contiguous(),
        "vocoder.lengths": torch.round(frames).long().clamp(min=1)[0].int(),
        "vocoder.samples_of_lengths": model(code=units, spkr=speaker, dur_prediction=True)[0, 0].contiguous(),
    }


class _Exported(nn.Module):
    """The package's network with the released file's inputs and node names."""

    def __init__(self, model: Any) -> None:
        super().__init__()
        self.conv1, self.conv2 = model.encoder.conv1, model.encoder.conv2
        self.blocks = model.encoder.blocks
        self.quantizer = _Quantizer(model.quantizer._codebook.project_down)
        angles = torch.outer(torch.arange(float(LONGEST_TOKENS)), 10_000.0 ** -(torch.arange(0, 64, 2) / 64))
        self.turns = torch.stack([angles.cos(), angles.sin()], 2).repeat(1, 2, 1)

    def forward(self, feats: Tensor, feats_length: Tensor) -> Tensor:
        """feats [1, 128, T], feats_length [1] -> indices [1, T / 4]; the clip fills its frames."""
        x = nn.functional.gelu(self.conv1(feats))
        x = nn.functional.gelu(self.conv2(x)).transpose(1, 2)
        inside = (torch.arange(x.shape[1]) < feats_length * 4)[None, :, None].float()
        for block in self.blocks:
            x = block(x, torch.zeros(1, 1, 1, 1), inside, self.turns[: x.shape[1]])
        tokens: Tensor = self.quantizer(x)
        return tokens


class _Quantizer(nn.Module):
    def __init__(self, project_in: nn.Module) -> None:
        super().__init__()
        self.project_in = project_in

    def forward(self, x: Tensor) -> Tensor:
        digits = (self.project_in(x).tanh() * 0.9990000128746033).round() + 1
        return (digits * 3.0 ** torch.arange(8)).sum(-1).int()


def _export(model: Any, mel: Tensor, path: Path) -> None:
    """Export the model; the rotations are pairs of real numbers, because ONNX has no complex ones."""
    with mock.patch("torch.view_as_real", lambda pairs: pairs):
        torch.onnx.export(
            _Exported(model).eval(),
            (mel[None], torch.tensor([mel.shape[1]], dtype=torch.int32)),
            str(path),
            dynamo=False,
            opset_version=16,
            input_names=["feats", "feats_length"],
            output_names=["indices"],
            dynamic_axes={"feats": {2: "T"}, "indices": {1: "tokens"}},
        )


def _round(value: Tensor) -> Tensor:
    return value.bfloat16().float()


def _sound(count: int) -> Tensor:
    """Gliding tones and noise, 16 bit."""
    time = torch.arange(count) / RATE
    tones = sum(torch.sin(2 * torch.pi * (120 * k * time + 40 * k * time.square())) / k for k in range(1, 12))
    swell = 0.2 + torch.sin(2 * torch.pi * 3 * time).square()
    sound = 0.1 * swell * tones + 0.005 * torch.randn(count)
    return (sound * 2**15).clamp(-32_768, 32_767).short()


def _stand_in_for_torchaudio() -> None:
    try:
        import torchaudio  # noqa: F401
    except (ImportError, OSError, RuntimeError):
        for name in [name for name in sys.modules if name.startswith("torchaudio")]:
            del sys.modules[name]
        sys.modules["torchaudio"] = types.ModuleType("torchaudio")


class _Named(types.ModuleType):
    """A module of fairseq that the vocoder's files import names from without using them."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        if name == "FairseqDropout":
            return lambda **_: nn.Identity()
        return (lambda *_, **__: lambda kept: kept) if name.startswith("register") else nn.Module


def _code_generator(checkout: Path) -> Any:
    package = "fairseq.models.text_to_speech"
    for name in (
        "fairseq", "fairseq.models", "fairseq.modules", "fairseq.utils", "fairseq.data", "fairseq.data.data_utils",
        package, f"{package}.tacotron2", f"{package}.hub_interface",
    ):  # fmt: skip
        sys.modules[name] = _Named(name)
    for part in ("hifigan", "fastspeech2", "codehifigan"):
        path = checkout / "fairseq" / "models" / "text_to_speech" / f"{part}.py"
        spec = importlib.util.spec_from_file_location(f"{package}.{part}", path)
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        sys.modules[spec.name] = module
        spec.loader.exec_module(module)
    return sys.modules[f"{package}.codehifigan"].CodeGenerator


if __name__ == "__main__":
    main()
