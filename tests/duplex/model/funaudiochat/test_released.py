"""The authors' config.json: what it means, and the error where it cannot be used."""

import json
from pathlib import Path
from typing import Any

import pytest

from configs.base import ConfigError
from configs.model.funaudiochat import FUNAUDIOCHAT_8B, FUNAUDIOCHAT_30B_A3B, FUNAUDIOCHAT_TINY, FunAudioChatConfig
from duplex.model.funaudiochat.released import read_released
from tests.duplex.model.funaudiochat.golden import about

QWEN3_06B = {
    "architectures": ["Qwen3ForCausalLM"],
    "attention_bias": False,
    "bos_token_id": 151643,
    "head_dim": 128,
    "hidden_act": "silu",
    "hidden_size": 1024,
    "intermediate_size": 3072,
    "max_position_embeddings": 32768,
    "max_window_layers": 28,
    "model_type": "qwen3",
    "num_attention_heads": 16,
    "num_hidden_layers": 28,
    "num_key_value_heads": 8,
    "rms_norm_eps": 1e-6,
    "rope_scaling": None,
    "rope_theta": 1000000,
    "sliding_window": None,
    "tie_word_embeddings": True,
    "use_cache": True,
    "use_sliding_window": False,
    "vocab_size": 151936,
}
QWEN3_8B = {
    **QWEN3_06B,
    "audio_bos_index": 151670,
    "audio_eos_index": 151671,
    "hidden_size": 4096,
    "intermediate_size": 12288,
    "max_position_embeddings": 262144,
    "num_attention_heads": 32,
    "num_hidden_layers": 36,
    "rope_theta": 5000000,
    "sil_index": 151673,
    "tie_word_embeddings": False,
    "torch_dtype": "bfloat16",
}
QWEN3_30B_A3B = {
    **QWEN3_8B,
    "model_type": "qwen3_moe",
    "decoder_sparse_step": 1,
    "hidden_size": 2048,
    "intermediate_size": 6144,
    "mlp_only_layers": [],
    "moe_intermediate_size": 768,
    "norm_topk_prob": True,
    "num_experts": 128,
    "num_experts_per_tok": 8,
    "num_hidden_layers": 48,
    "num_key_value_heads": 4,
    "output_router_logits": False,
    "router_aux_loss_coef": 0.001,
}


def _values(text: dict[str, Any] = QWEN3_8B) -> dict[str, Any]:
    """A config.json with the known fields and values of the released one."""
    return {
        "architectures": ["FunAudioChatForConditionalGeneration"],
        "audio_config": {
            "activation_dropout": 0,
            "activation_function": "gelu",
            "attention_dropout": 0,
            "bos_token_id": 6561,
            "codebook_size": 6565,
            "continuous_features_mode": "replace",
            "crq_transformer_config": QWEN3_06B,
            "d_model": 1280,
            "dropout": 0,
            "enable_audio_invert_tower": True,
            "encoder_attention_heads": 20,
            "encoder_ffn_dim": 5120,
            "encoder_layers": 32,
            "eos_token_id": 6562,
            "group_size": 5,
            "initializer_range": 0.02,
            "max_source_positions": 1500,
            "model_type": "funaudiochat_audio_encoder",
            "n_window": 100,
            "num_hidden_layers": 32,
            "num_mel_bins": 128,
            "output_dim": text["hidden_size"],
            "pad_token_id": 6563,
            "scale_embedding": False,
        },
        "audio_token_index": 151669,
        "hidden_size": text["hidden_size"],
        "ignore_index": -100,
        "model_type": "funaudiochat",
        "text_config": text,
        "torch_dtype": "bfloat16",
        "transformers_version": "4.52.3",
        "use_cache": False,
    }


def _read(folder: Path, values: dict[str, Any], **options: Any) -> FunAudioChatConfig:
    (folder / "config.json").write_text(json.dumps(values))
    return read_released(folder / "config.json", **options)


@pytest.mark.parametrize(("text", "shape"), [(QWEN3_8B, FUNAUDIOCHAT_8B), (QWEN3_30B_A3B, FUNAUDIOCHAT_30B_A3B)])
def test_the_released_sizes(tmp_path: Path, text: dict[str, Any], shape: FunAudioChatConfig) -> None:
    assert _read(tmp_path, _values(text)) == shape.model_copy(update={"name": "funaudiochat"})


def test_the_golden_model_is_the_tiny_one(tmp_path: Path) -> None:
    named = FUNAUDIOCHAT_TINY.model_copy(update={"name": "funaudiochat"})
    assert _read(tmp_path, about()["config"]) == named


def test_our_form_is_read_back(tmp_path: Path) -> None:
    for config in (FUNAUDIOCHAT_8B, FUNAUDIOCHAT_30B_A3B, FUNAUDIOCHAT_TINY):
        (tmp_path / "funaudiochat.yaml").write_text(config.to_yaml())
        assert FunAudioChatConfig.from_yaml(tmp_path / "funaudiochat.yaml") == config


def test_a_checkpoint_that_only_writes_has_no_refined_head(tmp_path: Path) -> None:
    values = _values()
    values["audio_config"] |= {"enable_audio_invert_tower": False, "crq_transformer_config": None}
    assert _read(tmp_path, values).refined is None


@pytest.mark.parametrize("section", ["", "text_config.", "audio_config.", "audio_config.crq_transformer_config."])
def test_an_unknown_field_is_named_and_can_be_passed_over(tmp_path: Path, section: str) -> None:
    values: dict[str, Any] = json.loads(json.dumps(_values()))
    place = values
    for part in section.split(".")[:-1]:
        place = place[part]
    place["rotary_flavour"] = "new"
    with pytest.raises(ConfigError, match=f"unknown field '{section}rotary_flavour'; update, or"):
        _read(tmp_path, values)
    assert _read(tmp_path, values, ignore=[f"{section}rotary_flavour"]).vocabulary == 151936


@pytest.mark.parametrize(
    ("section", "field", "value", "message"),
    [
        ("text_config", "rope_scaling", {"type": "yarn"}, r"'text_config.rope_scaling' is {'type': 'yarn'}; only None"),
        ("text_config", "model_type", "llama", "'text_config.model_type' is 'llama'"),
        ("text_config", "layer_types", ["sliding_attention"], "asks for attention other than full"),
        ("text_config", "sil_index", None, "'text_config.sil_index' is missing"),
        ("audio_config", "codebook_size", None, "'audio_config.codebook_size' is missing"),
        ("audio_config", "output_dim", 3584, "output_dim is not text_config.hidden_size"),
        ("audio_config", "continuous_features_mode", "mix", "'heard' is wrong"),
        ("audio_config", "crq_transformer_config", None, "has no section 'crq_transformer_config'"),
    ],
)
def test_values_that_are_not_built(tmp_path: Path, section: str, field: str, value: Any, message: str) -> None:
    values = _values()
    values[section] = {**values[section], field: value}
    with pytest.raises(ConfigError, match=message) as caught:
        _read(tmp_path, values)
    assert "\n" not in str(caught.value)


def test_files_that_are_not_theirs(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read"):
        read_released(tmp_path / "config.json")
    with pytest.raises(ConfigError, match=r"not of a Fun-Audio-Chat checkpoint \(model_type 'llama'\)"):
        _read(tmp_path, {"model_type": "llama"})
    (tmp_path / "config.json").write_text("{")
    with pytest.raises(ConfigError, match="is not valid JSON"):
        read_released(tmp_path / "config.json")
