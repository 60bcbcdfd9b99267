"""Reads the config.json of a Fun-Audio-Chat checkpoint as its authors publish it.

A field that this version does not know is an error, because it may change what the model computes. Nothing here depends
on weights.
"""

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any, Final

from configs.base import ConfigError
from configs.model.funaudiochat import FunAudioChatConfig
from duplex.io.whole_files import parse_json

Values = Mapping[str, Any]


def read_released(path: Path, ignore: Collection[str] = ()) -> FunAudioChatConfig:
    """Read the configuration from a published config.json.

    Args:
        path: the file.
        ignore: unknown fields ("text_config.field") to skip.

    Raises:
        ConfigError: the file is missing, is not of this format, or has a field or value that this version does not
            know.
    """
    values = _json(path)
    if values.get("model_type") != "funaudiochat":
        raise ConfigError(
            f"{path}: is not of a Fun-Audio-Chat checkpoint (model_type {values.get('model_type')!r}); check the path"
        )
    source = str(path)
    audio, text = _section(values, "audio_config", source), _section(values, "text_config", source)
    head = _section(audio, "crq_transformer_config", source) if audio.get("enable_audio_invert_tower", True) else {}
    for name, section, known in (
        ("", values, _TOP),
        ("text_config.", text, _BACKBONE | _TEXT),
        ("audio_config.", audio, _AUDIO),
        ("audio_config.crq_transformer_config.", head, _BACKBONE),
    ):
        _check(name, section, known, ignore, source)
    config = FunAudioChatConfig.from_mapping(_translate(values, audio, text, head, source), source)
    if audio.get("output_dim", 3584) != config.llm.hidden_size:
        raise ConfigError(f"{source}: audio_config.output_dim is not text_config.hidden_size; fetch the file again")
    return config


def _names(text: str) -> frozenset[str]:
    return frozenset(text.split())


_TOP: Final = frozenset({"audio_config", "text_config", "audio_token_index", "audio_token_id", "ignore_index"})
_TEXT: Final = frozenset({"audio_bos_index", "audio_eos_index", "sil_index"})
_AUDIO: Final = _names(
    """
    num_mel_bins d_model encoder_layers encoder_attention_heads encoder_ffn_dim max_source_positions n_window output_dim
    codebook_size continuous_features_mode crq_transformer_config group_size enable_audio_invert_tower
    encoder_layerdrop dropout activation_dropout scale_embedding
    """
)
_BACKBONE: Final = _names(
    """
    intermediate_size num_attention_heads num_key_value_heads head_dim rms_norm_eps rope_theta num_experts
    num_experts_per_tok moe_intermediate_size norm_topk_prob decoder_sparse_step
    max_position_embeddings max_window_layers sliding_window output_router_logits router_aux_loss_coef
    """
)
_ANYWHERE: Final = _names(
    """
    _attn_implementation _attn_implementation_autoset _name_or_path add_cross_attention architectures attention_dropout
    attn_implementation auto_map bad_words_ids begin_suppress_tokens bos_token_id chunk_size_feed_forward
    cross_attention_hidden_size decoder_start_token_id diversity_penalty do_sample dtype early_stopping
    encoder_no_repeat_ngram_size eos_token_id exponential_decay_length_penalty finetuning_task forced_bos_token_id
    forced_eos_token_id hidden_size id2label initializer_range is_decoder is_encoder_decoder label2id length_penalty
    max_length min_length no_repeat_ngram_size num_beam_groups num_beams num_hidden_layers num_return_sequences
    output_attentions output_hidden_states output_scores pad_token_id prefix problem_type pruned_heads
    remove_invalid_values repetition_penalty return_dict return_dict_in_generate sep_token_id suppress_tokens
    task_specific_params temperature tf_legacy_loss tie_encoder_decoder tie_word_embeddings tokenizer_class top_k top_p
    torch_dtype torchscript transformers_version typical_p use_bfloat16 use_cache vocab_size
    """
)
"""Fields that transformers writes into any section; those that matter are read where they are needed."""

_ONLY: Final[dict[str, tuple[Any, ...]]] = {
    "hidden_act": ("silu",),
    "activation_function": ("gelu",),
    "attention_bias": (False,),
    "use_sliding_window": (False,),
    "rope_scaling": (None,),
    "mlp_only_layers": ([], None),
    "model_type": ("funaudiochat", "funaudiochat_audio_encoder", "qwen3", "qwen3_moe"),
}
"""Fields for which only these values are supported."""

_DENSE: Final[dict[str, Any]] = {
    "hidden_size": 4096,
    "intermediate_size": 22016,
    "num_hidden_layers": 32,
    "num_attention_heads": 32,
    "num_key_value_heads": 32,
    "head_dim": 128,
    "rms_norm_eps": 1e-6,
    "rope_theta": 10_000.0,
}
_SPARSE: Final[dict[str, Any]] = {
    "hidden_size": 2048,
    "intermediate_size": 6144,
    "num_hidden_layers": 24,
    "num_attention_heads": 32,
    "num_key_value_heads": 4,
    "rms_norm_eps": 1e-6,
    "rope_theta": 10_000.0,
}
"""Defaults of transformers 4.52.3, which writes these files, for fields that are left out."""


def _json(path: Path) -> dict[str, Any]:
    try:
        values = parse_json(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read ({error.strerror}); check the path") from None
    except ValueError as error:
        raise ConfigError(f"{path}: is not valid JSON ({error}); fetch it again") from None
    if not isinstance(values, dict):
        raise ConfigError(f"{path}: must hold one JSON object; fetch it again")
    return values


def _section(parent: Values, name: str, source: str) -> Values:
    values = parent.get(name)
    if not isinstance(values, dict):
        raise ConfigError(f"{source}: has no section '{name}'; fetch it again")
    return values


def _check(prefix: str, section: Values, known: Collection[str], ignore: Collection[str], source: str) -> None:
    """Check that every field is known, and that fields with only one supported value have it."""
    for name, value in section.items():
        field = prefix + name
        if field in ignore:
            continue
        if name in _ONLY:
            if value not in _ONLY[name]:
                raise ConfigError(f"{source}: '{field}' is {value!r}; only {_ONLY[name][0]!r} is supported")
        elif name == "layer_types":
            if set(value or ()) - {"full_attention"}:
                raise ConfigError(f"{source}: '{field}' asks for attention other than full, which is not supported")
        elif name not in known and name not in _ANYWHERE:
            raise ConfigError(
                f"{source}: unknown field '{field}'; update, or pass it in `ignore` if it changes nothing"
            )


def _translate(values: Values, audio: Values, text: Values, head: Values, source: str) -> dict[str, Any]:
    def require(section: str, fields: Values, name: str) -> Any:
        if fields.get(name) is None:
            raise ConfigError(f"{source}: '{section}.{name}' is missing; fetch the file again")
        return fields[name]

    ids = {name: require("text_config", text, f"{name}_index") for name in ("audio_bos", "audio_eos", "sil")}
    codes = {name: require("audio_config", audio, f"{name}_token_id") for name in ("bos", "eos", "pad")}
    return {
        "vocabulary": text.get("vocab_size", 151936),
        "tied": bool(text.get("tie_word_embeddings", False)),
        "group": audio.get("group_size", 5),
        "heard": audio.get("continuous_features_mode", "replace"),
        "ids": {"audio": values.get("audio_token_index", values.get("audio_token_id", 151646)), **ids},
        "codes": {"size": require("audio_config", audio, "codebook_size"), **codes},
        "encoder": _encoder(audio),
        "llm": _backbone(text),
        "refined": _backbone(head) if head else None,
    }


def _encoder(audio: Values) -> dict[str, Any]:
    names = {
        "bands": "num_mel_bins",
        "width": "d_model",
        "layers": "encoder_layers",
        "heads": "encoder_attention_heads",
        "ffn": "encoder_ffn_dim",
        "positions": "max_source_positions",
    }
    given = {ours: audio[theirs] for ours, theirs in names.items() if theirs in audio}
    return {**given, "chunk_frames": 2 * audio.get("n_window", 100)}


def _backbone(values: Values) -> dict[str, Any]:
    sparse = values.get("model_type") == "qwen3_moe"
    defaults = _SPARSE if sparse else _DENSE
    read = {name: values.get(name, default) for name, default in defaults.items()}
    read["head_dim"] = values.get("head_dim") or read["hidden_size"] // read["num_attention_heads"]
    if not sparse:
        read["head_dim"] = values.get("head_dim", _DENSE["head_dim"])
        return read
    experts = {
        "count": values.get("num_experts", 128),
        "chosen": values.get("num_experts_per_tok", 8),
        "width": values.get("moe_intermediate_size", 768),
        "normalised": values.get("norm_topk_prob", False),
        "every": values.get("decoder_sparse_step", 1),
    }
    return {**read, "experts": experts}
