"""Makes golden tensors of the CosyVoice3 detokenizer: runs the authors' code on small random weights, writes its
results.

    git clone https://github.com/FunAudioLLM/CosyVoice REFERENCE
    pip install torch==2.13.0 numpy scipy safetensors pydantic pyyaml omegaconf einops einx loguru hydra-core
    pip install conformer diffusers lightning rich && pip install --no-deps x-transformers==2.11.24 matcha-tts==0.0.7.2
    PYTHONPATH=. python scripts/golden/cosyvoice.py --reference REFERENCE --out tests/golden

Run it in an environment of its own. Packages that only unused parts of the reference import may be missing. Weights are
rounded to bfloat16 before anything is computed in float32, so that the file stores them in half the space.
"""

import argparse
import hashlib
import json
from importlib import metadata
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import Tensor

from configs.model.cosyvoice import COSYVOICE3, COSYVOICE3_TINY, CosyVoiceConfig
from duplex.model.stages.cosyvoice.random_weights import random_flow, random_vocoder
from runtime.cli.bench.reference_detokenizer import ReferenceDetokenizer

SEED, TOKENS, HOP, LOOKAHEAD = 7, 30, 10, 3
COMPUTING = ("einops", "x_transformers", "matcha")
"""Packages that do computations; with stand-ins for these, the code would not be the authors'."""
PACKAGES = ("torch", "einops", "x-transformers", "matcha-tts", "scipy", "numpy")
SOURCES = (
    *("flow/flow.py", "flow/flow_matching.py", "flow/DiT/dit.py", "flow/DiT/modules.py"),
    *("hifigan/generator.py", "hifigan/f0_predictor.py", "transformer/convolution.py"),
    *("transformer/upsample_encoder.py", "cli/model.py"),
)


def main() -> None:
    """Write cosyvoice.safetensors and cosyvoice.json."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--reference", type=Path, required=True, help="checkout of FunAudioLLM/CosyVoice")
    parser.add_argument("--out", type=Path, required=True)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    reference = ReferenceDetokenizer(arguments.reference, COSYVOICE3_TINY)
    if replaced := set(reference.stand_ins) & set(COMPUTING):
        raise SystemExit(f"install {', '.join(sorted(replaced))}: stand-ins cannot give golden values")
    save_file(golden(reference, COSYVOICE3_TINY), arguments.out / "cosyvoice.safetensors")
    notes = {
        "seed": SEED,
        "tokens": TOKENS,
        "hop": HOP,
        "lookahead": LOOKAHEAD,
        "config": COSYVOICE3_TINY.model_dump(mode="json", include={"flow", "vocoder"}),
        "noise": {"tiny": noises(reference), "released": noises(ReferenceDetokenizer(arguments.reference, COSYVOICE3))},
        "versions": {name: metadata.version(name) for name in PACKAGES},
        "stand_ins": reference.stand_ins,
        "sources": {name: digest((arguments.reference / "cosyvoice" / name).read_bytes()) for name in SOURCES},
    }
    (arguments.out / "cosyvoice.json").write_text(json.dumps(notes, indent=1) + "\n", encoding="utf-8")


@torch.inference_mode()
def golden(reference: ReferenceDetokenizer, config: CosyVoiceConfig) -> dict[str, Tensor]:
    """Weights (bfloat16), inputs and the reference's results (float32)."""
    parts = {"flow": random_flow(config, SEED), "hift": random_vocoder(config, SEED)}
    stored = {f"{part}/{name}": value.bfloat16() for part, weights in parts.items() for name, value in weights.items()}
    reference.load(*({name: value.bfloat16().float() for name, value in weights.items()} for weights in parts.values()))
    generator = torch.Generator().manual_seed(SEED)
    tokens = torch.randint(0, config.flow.vocabulary, (1, TOKENS), generator=generator)
    embedding = torch.randn(1, config.flow.speaker, generator=generator)
    mel = reference.mel(tokens, embedding, streaming=False)
    results = {
        "tokens": tokens,
        "embedding": embedding,
        "mel_endless": mel,
        "mel_chunks": reference.mel(tokens, embedding, streaming=True),
        "f0": reference.hift.f0_predictor.double()(mel.double()).float(),
        "sound": reference.sound(mel),
        "stream": stream(reference, tokens, embedding),
    }
    return stored | {name: value.contiguous() for name, value in results.items()}


def stream(reference: ReferenceDetokenizer, tokens: Tensor, embedding: Tensor) -> Tensor:
    """Samples of the reference's stream, as Fun-Audio-Chat runs it, with hops of `HOP` tokens."""
    name, pieces = reference.open(), []
    for offset in range(0, TOKENS, HOP):
        end = offset + HOP + LOOKAHEAD
        final = end >= TOKENS
        part = tokens if final else tokens[:, :end]
        pieces.append(reference.step(name, part, embedding, offset, final, chunks=False))
        if final:
            break
    return torch.cat(pieces, 1)


def noises(reference: ReferenceDetokenizer) -> dict[str, object]:
    """Identify the two noises by digests of their bytes, and some values of the normal one."""
    flow, source = reference.flow.decoder.rand_noise, reference.hift.m_source.l_sin_gen.sine_waves
    return {
        "flow": flow[0, ::20, :4].tolist(),
        "source_first_second": digest(source[0, :24_000].contiguous().numpy().tobytes()),
        "source_last_second": digest(source[0, -24_000:].contiguous().numpy().tobytes()),
    }


def digest(data: bytes) -> str:
    """First 16 hex digits of sha256."""
    return hashlib.sha256(data).hexdigest()[:16]


if __name__ == "__main__":
    main()
