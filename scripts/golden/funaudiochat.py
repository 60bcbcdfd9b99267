"""Makes golden tensors of Fun-Audio-Chat: runs the authors' code on small random weights and writes its results.

    git clone https://github.com/FunAudioLLM/Fun-Audio-Chat REFERENCE
    pip install torch==2.13.0 transformers==4.52.3 "huggingface-hub<1.0" "numpy<2" safetensors
    PYTHONPATH=. python scripts/golden/funaudiochat.py --reference REFERENCE --out tests/golden

It needs an environment of its own, because the reference runs only with transformers 4.52.3. The reference is built
with `sdpa`, because its eager attention mixes heads and positions. Weights are rounded to bfloat16 before anything is
computed in float32, so that the file stores them in half the space without loss. `torch.multinomial` is replaced by the
inverse of the cumulative distribution at the uniform numbers of `duplex.model.sampling.seeds.slot_seed`, because
torch's own draws differ between builds.
"""

import argparse
import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
import transformers
from safetensors.torch import save_file
from torch import Tensor

from duplex.model.sampling.seeds import slot_seed

IM_START, IM_END, AUDIO, AUDIO_BOS, AUDIO_EOS, AUDIO_PAD, SIL, VOCABULARY = 256, 257, 258, 259, 260, 261, 262, 272
SPEECH_BOS, SPEECH_EOS, SPEECH_PAD, CODEBOOK = 61, 62, 63, 65
GROUP, WIDTH, BANDS = 5, 64, 16
SEED, STEPS = 3, 40
DRAWS = GROUP + 1

QWEN3 = {
    "model_type": "qwen3",
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "tie_word_embeddings": False,
    "sliding_window": None,
}
REFINED = {**QWEN3, "hidden_size": 32, "head_dim": 8, "intermediate_size": 48, "rope_theta": 1000000.0, "vocab_size": 8}
TEXT = {
    **QWEN3,
    "hidden_size": WIDTH,
    "head_dim": 16,
    "intermediate_size": 96,
    "rope_theta": 5000000.0,
    "vocab_size": VOCABULARY,
    "audio_bos_index": AUDIO_BOS,
    "audio_eos_index": AUDIO_EOS,
    "sil_index": SIL,
}
EXPERTS = {
    "model_type": "qwen3_moe",
    "num_experts": 4,
    "num_experts_per_tok": 2,
    "moe_intermediate_size": 24,
    "norm_topk_prob": True,
    "decoder_sparse_step": 1,
    "mlp_only_layers": [],
}
AUDIO_CONFIG = {
    "num_mel_bins": BANDS,
    "d_model": 32,
    "encoder_layers": 2,
    "encoder_attention_heads": 4,
    "encoder_ffn_dim": 48,
    "max_source_positions": 100,
    "n_window": 20,
    "output_dim": WIDTH,
    "codebook_size": CODEBOOK,
    "bos_token_id": SPEECH_BOS,
    "eos_token_id": SPEECH_EOS,
    "pad_token_id": SPEECH_PAD,
    "group_size": GROUP,
    "crq_transformer_config": REFINED,
}


def main() -> None:
    """Write funaudiochat.safetensors, funaudiochat_moe.safetensors and funaudiochat.json."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--reference", type=Path, required=True, help="checkout of FunAudioLLM/Fun-Audio-Chat")
    parser.add_argument("--out", type=Path, required=True)
    arguments = parser.parse_args()
    sys.path.insert(0, str(arguments.reference))
    dense, experts = _model(TEXT), _model({**TEXT, **EXPERTS})
    clips = _clips()
    tensors = {f"weights.{name}": value for name, value in _weights(dense).items()}
    tensors |= _encode(dense, clips) | _run_prompt(dense, clips) | _spectrum()
    for name, options in _generations().items():
        tensors |= _generate(name, dense, clips, **options)
    save_file(tensors, arguments.out / "funaudiochat.safetensors")
    moe = {f"weights.{name}": value for name, value in _weights(experts).items()}
    moe |= _run_prompt(experts, clips) | _generate("greedy", experts, clips, steps=12)
    save_file(moe, arguments.out / "funaudiochat_moe.safetensors")
    (arguments.out / "funaudiochat.json").write_text(json.dumps(_about(dense, experts), indent=1) + "\n")


def _model(text: dict[str, Any]) -> Any:
    from funaudiochat.configuration_funaudiochat import FunAudioChatConfig
    from funaudiochat.modeling_funaudiochat import FunAudioChatForConditionalGeneration

    config = FunAudioChatConfig(
        audio_config={**AUDIO_CONFIG, "crq_transformer_config": dict(REFINED)},
        text_config=dict(text),
        audio_token_index=AUDIO,
    )
    config.architectures = ["FunAudioChatForConditionalGeneration"]
    model = FunAudioChatForConditionalGeneration._from_config(config, attn_implementation="sdpa").eval()
    generator = torch.Generator().manual_seed(SEED)
    with torch.no_grad():
        for name, value in sorted(model.named_parameters()):
            value.copy_(_random(name, value, generator).bfloat16().float())
    return model


def _random(name: str, value: Tensor, generator: torch.Generator) -> Tensor:
    """Weights that keep activations near one and make the likeliest token change from step to step."""
    noise = torch.randn(value.shape, generator=generator)
    if "embed_tokens" in name:
        return 0.7 * noise
    if name == "audio_invert_tower.output_matching.weight":
        return 0.25 * noise / value[0].numel() ** 0.5
    if value.dim() > 1:
        return 1.3 * noise / value[0].numel() ** 0.5
    is_scale = name.endswith("weight")
    return (1.0 if is_scale else 0.0) + 0.1 * noise


def _weights(model: Any) -> dict[str, Tensor]:
    """What the reference's `save_pretrained` writes, in bfloat16: the speech head is tied and left out."""
    tied = "audio_invert_tower.lm_head.weight"
    return {name: value.bfloat16() for name, value in model.state_dict().items() if name != tied}


def _clips() -> list[Tensor]:
    """Log-mel spectra [BANDS, frames] of two and a bit chunks, of exactly one, and of less than one."""
    generator = torch.Generator().manual_seed(SEED + 1)
    return [torch.randn(BANDS, frames, generator=generator) * 0.5 for frames in (95, 40, 13)]


def _tokens(clip: Tensor) -> int:
    """Number of speech tokens of a clip, four spectrum frames each, as its processor counts them."""
    return clip.shape[1] // 4


def _audio_inputs(clips: list[Tensor]) -> dict[str, Tensor]:
    longest = max(clip.shape[1] for clip in clips)
    pads = -(-max(_tokens(clip) for clip in clips) // GROUP) * GROUP
    features = torch.zeros(len(clips), BANDS, longest)
    frames = torch.zeros(len(clips), longest, dtype=torch.long)
    speech = torch.zeros(len(clips), pads, dtype=torch.long)
    for index, clip in enumerate(clips):
        features[index, :, : clip.shape[1]] = clip
        frames[index, : clip.shape[1]] = 1
        speech[index, : _tokens(clip)] = 1
    return {
        "input_features": features,
        "feature_attention_mask": frames,
        "feature_exist_mask": torch.ones(len(clips), dtype=torch.bool),
        "speech_ids": torch.full_like(speech, SPEECH_PAD),
        "speech_attention_mask": speech,
    }


@torch.no_grad()
def _encode(model: Any, clips: list[Tensor]) -> dict[str, Tensor]:
    inputs = _audio_inputs(clips)
    pads = inputs["speech_ids"].shape[1]
    features, _ = model.get_audio_features(
        inputs["input_features"], feature_attention_mask=inputs["feature_attention_mask"], speech_maxlen=pads
    )
    grouped = model.audio_tower(inputs["speech_ids"], features, feature_exist_mask=inputs["feature_exist_mask"])[0]
    spoken = torch.randint(0, SPEECH_BOS, (2, 3 * GROUP), generator=torch.Generator().manual_seed(SEED))
    named = {f"clip.{index}": clip for index, clip in enumerate(clips)}
    named |= {"encoder": features, "groups": grouped, "spoken": spoken, "spoken_groups": model.audio_tower(spoken)[0]}
    return {name: value.contiguous() for name, value in named.items()}


def _prompt(clips: list[Tensor], history: bool = False) -> Tensor:
    """ChatML ids [1, L]: a system prompt, a first turn with its answer as text if `history`, and a spoken turn."""
    ids = _turn("system\nspeak")
    for clip, answer in zip(clips, ["Yes, two.", None] if history else [None], strict=False):
        groups = -(-_tokens(clip) // GROUP)
        ids += [IM_START, *b"user\n", AUDIO_BOS, *[AUDIO] * groups, AUDIO_EOS, IM_END, *b"\n"]
        ids += [IM_START, *b"assistant\n"] if answer is None else _turn("assistant\n" + answer)
    return torch.tensor([ids])


def _turn(text: str) -> list[int]:
    return [IM_START, *text.encode(), IM_END, *b"\n"]


@torch.no_grad()
def _run_prompt(model: Any, clips: list[Tensor]) -> dict[str, Tensor]:
    """Run a whole prompt at once, and the refined head on it with given speech tokens."""
    ids = _prompt(clips)
    out = model(input_ids=ids, **_audio_inputs(clips[:1]), return_dict=True)
    hidden = out.hidden_states[-1]
    generator = torch.Generator().manual_seed(SEED + 2)
    labels = torch.randint(0, CODEBOOK, (1, GROUP * ids.shape[1]), generator=generator)
    refined = model.audio_invert_tower(
        inputs_embeds=hidden + model.get_input_embeddings()(ids),
        audio_embeds=model.audio_tower(labels, return_dict=True).hidden_states[0],
        return_dict=True,
    )
    return {
        "prompt.ids": ids,
        "prompt.hidden": hidden,
        "prompt.text_logits": out.text_logits,
        "prompt.labels": labels,
        "prompt.refined_logits": refined.logits,
    }


def _generations() -> dict[str, dict[str, Any]]:
    penalty = {"repetition_penalty": 1.2}
    sampling = {**penalty, "do_sample": True, "temperature": 0.8, "top_p": 0.9, "top_k": 0}
    return {
        "greedy": {"steps": STEPS},
        "greedy_penalty": {"steps": STEPS, **penalty, "text_greedy": False},
        "sampled": {"seed": 4, "steps": STEPS, **sampling, "text_greedy": False, "bad_words_ids": [[AUDIO_BOS, SIL]]},
        "sampled_speech": {"seed": 1, "steps": STEPS, **sampling},
        "hot": {"seed": 1, "steps": 12, **sampling, "temperature": 2.0, "top_p": 1.0, "text_greedy": False},
        "second_turn": {"steps": 12, "history": True, **penalty},
        "text_only": {"steps": 12, "disable_speech": True, "force_text_abos": False},
    }


@torch.no_grad()
def _generate(
    name: str,
    model: Any,
    clips: list[Tensor],
    steps: int,
    seed: int = 0,
    history: bool = False,
    text_greedy: bool = True,
    disable_speech: bool = False,
    force_text_abos: bool = True,
    **options: Any,
) -> dict[str, Tensor]:
    used = clips[:2] if history else clips[:1]
    ids = _prompt(used, history)
    options = {"do_sample": False, "eos_token_id": IM_END, "pad_token_id": 0, **options}
    model.sp_gen_kwargs.update(
        text_greedy=text_greedy,
        only_crq_sampling=True,
        disable_speech=disable_speech,
        force_text_abos=force_text_abos,
    )
    sampled = DRAWS if options["do_sample"] and not text_greedy else GROUP
    with _record(model) as trace, _replace_draws(seed, sampled):
        text, speech = model.generate(
            input_ids=ids,
            attention_mask=torch.ones_like(ids),
            **_audio_inputs(used),
            max_new_tokens=steps + 1,
            **options,
        )
    model.audio_invert_tower.__dict__.pop("forward", None)
    made = {"ids": ids, "text": text[:, ids.shape[1] :], "speech": speech, "hidden": torch.cat(trace["hidden"])}
    if not disable_speech:
        made["refined_logits"] = torch.cat(trace["refined"]).unflatten(0, (-1, GROUP))
    return {f"{name}.{key}": value.contiguous() for key, value in made.items()}


@contextmanager
def _record(model: Any) -> Iterator[dict[str, list[Tensor]]]:
    """Collect the newest hidden vector of every LLM step, and the logits of every pass of the refined head."""
    trace: dict[str, list[Tensor]] = {"hidden": [], "refined": []}
    head = model.audio_invert_tower
    choose = head.sampling_step

    def step(logits: Tensor) -> Any:
        trace["refined"].append(logits[:, -1].clone())
        return choose(logits)

    hook = model.language_model.register_forward_hook(
        lambda _module, _inputs, out: trace["hidden"].append(out.hidden_states[-1][:, -1].clone())
    )
    head.sampling_step = step
    yield trace
    hook.remove()
    del head.sampling_step


@contextmanager
def _replace_draws(seed: int, draws_per_step: int) -> Iterator[None]:
    """Replace `torch.multinomial`: a step's draws are the uniform numbers of its own seed, refined head first."""
    original, drawn = torch.multinomial, 0

    def multinomial(probabilities: Tensor, num_samples: int) -> Tensor:
        nonlocal drawn
        step, index = divmod(drawn, draws_per_step)
        drawn += 1
        generator = torch.Generator().manual_seed(slot_seed(seed, step))
        uniform = torch.rand(DRAWS, generator=generator, dtype=torch.float64)[index]
        cumulative = probabilities.double().cumsum(-1)
        below = cumulative <= uniform * cumulative[..., -1:]
        return below.sum(-1, keepdim=True)

    torch.multinomial = multinomial
    yield
    torch.multinomial = original


def _spectrum() -> dict[str, Tensor]:
    """The input spectrum of the released model: silence after the clip, 128 bands, one frame per started hop."""
    pcm = 0.1 * torch.randn(7_999, generator=torch.Generator().manual_seed(SEED))
    extractor = transformers.WhisperFeatureExtractor(feature_size=128)
    out = extractor(
        pcm.numpy(), sampling_rate=16_000, padding="max_length", return_attention_mask=True, return_tensors="pt"
    )
    return {"pcm": pcm, "pcm.mel": out.input_features[0][:, out.attention_mask[0].bool()].contiguous()}


def _about(dense: Any, experts: Any) -> dict[str, Any]:
    return {
        "reference": "FunAudioLLM/Fun-Audio-Chat @ 8ba984b (2026-02-27)",
        "versions": {"torch": torch.__version__, "transformers": transformers.__version__, "attention": "sdpa"},
        "seed": SEED,
        "generations": _generations(),
        "config": json.loads(dense.config.to_json_string()),
        "config_moe": json.loads(experts.config.to_json_string()),
    }


if __name__ == "__main__":
    main()
