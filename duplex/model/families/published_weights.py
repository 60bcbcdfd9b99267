"""Reads the published checkpoints that training starts from: causal LMs, Whisper and HuBERT in transformers' format.

This module depends on transformers, not on what the weights are used for. A source is a folder or a hub id; nothing is
unpickled.
"""

from pathlib import Path
from typing import Any, Final

import torch
from safetensors import SafetensorError
from torch import Tensor, nn
from transformers import AutoConfig, AutoModelForCausalLM, HubertModel, PretrainedConfig, WhisperModel
from transformers.models.auto.modeling_auto import MODEL_FOR_CAUSAL_LM_MAPPING_NAMES

from configs.base import ConfigError
from configs.model.core import LlmConfig
from configs.model.ears import MelConfig, WhisperShape
from duplex.model.stages.quiet import quiet_transformers, refusals
from duplex.model.weights.hub import folder_of

Weights = dict[str, Tensor]

_WANTED: Final = ("*.json", "model.safetensors", "model-*.safetensors")
_OLDER: Final = (*_WANTED, "pytorch_model*.bin")
_FULL: Final = "full_attention"
_NOT_SHAPE: Final = (
    *("architectures", "transformers_version", "dtype", "torch_dtype", "use_cache", "initializer_range", "model_type"),
    *("bos_token_id", "eos_token_id", "pad_token_id", "_name_or_path", "head_dim", "layer_types", "rope_parameters"),
)
"""Configuration values that do not change what the weights compute, or that are stored elsewhere."""
_SUITED: Final = "take a causal LM such as Qwen2.5, Qwen3 or Llama"


def fetch(source: str) -> Path:
    """Find the folder of a path or hub id.

    Raises:
        ConfigError: `source` is neither, or the download failed.
    """
    folder = folder_of(source, _WANTED)
    return folder if any(folder.glob("*.safetensors")) else folder_of(source, _OLDER)


def read_llm(folder: Path, dtype: torch.dtype) -> tuple[LlmConfig, Weights, int | None]:
    """Read a causal LM: its configuration, its weights by transformers' names, and its end-of-text id.

    Raises:
        ConfigError: the folder is not a causal LM with rotary positions, the slot mask does not fit it, or it is
            broken.
    """
    found = _config(folder)
    config = _llm_config(found, folder)
    model = _load(AutoModelForCausalLM, folder, dtype)
    if not isinstance(getattr(getattr(model, "model", None), "rotary_emb", None), nn.Module):
        raise ConfigError(f"{folder}: a '{found.model_type}' does not have the structure needed; {_SUITED}")
    weights = dict(model.state_dict())
    if config.tied:
        weights.pop("lm_head.weight", None)
    ends = found.eos_token_id
    return config, weights, ends[0] if isinstance(ends, list) else ends


def read_whisper(folder: Path, dtype: torch.dtype) -> tuple[WhisperShape, Weights]:
    """Read Whisper's sizes and the weights of its encoder, named `model.encoder.*`.

    Raises:
        ConfigError: the folder is not a Whisper, or is broken.
    """
    found: Any = _config(folder)
    if found.model_type != "whisper":
        raise ConfigError(f"{folder}: is a '{found.model_type}', not a Whisper; take openai/whisper-large-v3")
    shape = WhisperShape(
        dim=found.d_model,
        heads=found.encoder_attention_heads,
        ffn=found.encoder_ffn_dim,
        encoder_layers=found.encoder_layers,
        decoder_layers=found.decoder_layers,
        source_positions=found.max_source_positions,
        target_positions=found.max_target_positions,
        mel=MelConfig(bands=found.num_mel_bins),
    )
    weights = _load(WhisperModel, folder, dtype).encoder.state_dict()
    return shape, {f"model.encoder.{name}": value for name, value in weights.items() if "embed_positions" not in name}


def copy_hubert(folder: Path, out: Path) -> None:
    """Write a HuBERT as safetensors.

    Raises:
        ConfigError: the folder is not a HuBERT, or is broken.
    """
    found = _config(folder)
    if found.model_type != "hubert":
        raise ConfigError(f"{folder}: is a '{found.model_type}', not a HuBERT; take facebook/hubert-base-ls960")
    model = _load(HubertModel, folder, torch.float32)
    with quiet_transformers():
        model.save_pretrained(out)


def _llm_config(found: Any, folder: Path) -> LlmConfig:
    kind, rope = found.model_type, getattr(found, "rope_parameters", None)
    if kind not in MODEL_FOR_CAUSAL_LM_MAPPING_NAMES:
        raise ConfigError(f"{folder}: is a '{kind}', not a causal LM; {_SUITED}")
    if not isinstance(rope, dict) or "rope_theta" not in rope:
        raise ConfigError(f"{folder}: a '{kind}' has more than one kind of rotary positions; {_SUITED}")
    if set(getattr(found, "layer_types", None) or [_FULL]) != {_FULL}:
        raise ConfigError(f"{folder}: this '{kind}' has layers without full attention; {_SUITED}")
    usual = type(found)().to_dict()
    values = {
        key: value
        for key, value in found.to_dict().items()
        if key in usual and value not in (None, usual[key]) and key not in {*_NOT_SHAPE, *LlmConfig.model_fields}
    }
    values["tie_word_embeddings"] = bool(found.tie_word_embeddings)
    if getattr(found, "head_dim", None):
        values["head_dim"] = found.head_dim
    if rope.keys() - {"rope_type", "rope_theta"} or rope.get("rope_type") != "default":
        values["rope_parameters"] = rope
    return LlmConfig(
        model_type=kind,
        vocab_size=found.vocab_size,
        hidden_size=found.hidden_size,
        intermediate_size=found.intermediate_size,
        num_hidden_layers=found.num_hidden_layers,
        num_attention_heads=found.num_attention_heads,
        num_key_value_heads=getattr(found, "num_key_value_heads", None) or found.num_attention_heads,
        rope_theta=rope["rope_theta"],
        values=values,
    )


def _config(folder: Path) -> PretrainedConfig:
    if not (folder / "config.json").is_file():
        raise ConfigError(f"{folder}: has no config.json; give a checkpoint in transformers' format")
    try:
        return AutoConfig.from_pretrained(folder, local_files_only=True)
    except refusals() as error:
        raise ConfigError(f"{folder}: config.json cannot be used ({_short(error)}); check the id") from None


def _load(kind: Any, folder: Path, dtype: torch.dtype) -> Any:
    try:
        with quiet_transformers():
            model, report = kind.from_pretrained(
                folder, dtype=dtype, local_files_only=True, output_loading_info=True, weights_only=True
            )
    except (OSError, RuntimeError, ValueError, SafetensorError) as error:
        raise ConfigError(f"{folder}: the weights cannot be read ({_short(error)}); fetch them again") from None
    missing = sorted(key for key in report["missing_keys"] if key != "masked_spec_embed")
    if missing:
        raise ConfigError(f"{folder}: {len(missing)} weights are missing ({', '.join(missing[:3])}); fetch them again")
    return model.eval().requires_grad_(False)


def _short(error: Exception) -> str:
    return " ".join(str(error).split())[:160] or type(error).__name__
