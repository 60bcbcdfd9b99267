"""Tiny checkpoints of random weights in the published form."""

import json
from pathlib import Path

import torch
from safetensors.torch import save_file
from tokenizers import AddedToken, Tokenizer, decoders, pre_tokenizers
from tokenizers.models import BPE
from transformers import (
    HubertConfig,
    HubertModel,
    LlamaConfig,
    LlamaForCausalLM,
    PretrainedConfig,
    Qwen2Config,
    Qwen2ForCausalLM,
    Qwen3Config,
    Qwen3ForCausalLM,
    WhisperConfig,
    WhisperForConditionalGeneration,
)

from configs.model.cosyvoice import COSYVOICE3_TINY
from configs.model.families import OMNIDRCA_TINY
from configs.model.speech_tokens import UnitVocoderConfig
from duplex.model.stages.cosyvoice.random_weights import random_flow, random_vocoder
from duplex.model.stages.unit_vocoder import UnitVocoder

UNITS = 20
BYTES = 256
CHAT = ("<|endoftext|>", "<|im_start|>", "<|im_end|>")
_SIZES = {
    "hidden_size": 32,
    "intermediate_size": 48,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
}
_KINDS = {
    "qwen2": (Qwen2Config, Qwen2ForCausalLM),
    "qwen3": (Qwen3Config, Qwen3ForCausalLM),
    "llama": (LlamaConfig, LlamaForCausalLM),
}


def write_tokenizer(folder: Path, special: tuple[str, ...] = CHAT) -> None:
    """Bytes and special tokens."""
    signs = sorted(pre_tokenizers.ByteLevel.alphabet())
    tokenizer = Tokenizer(BPE(vocab={sign: index for index, sign in enumerate(signs)}, merges=[]))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens([AddedToken(token, special=True, normalized=False) for token in special])
    tokenizer.save(str(folder / "tokenizer.json"))


def write_llm(
    folder: Path,
    kind: str = "qwen2",
    vocab_size: int = BYTES + len(CHAT),
    tied: bool = False,
    special: tuple[str, ...] = CHAT,
    **sizes: int,
) -> Path:
    """A causal LM with its tokenizer."""
    config_type, model_type = _KINDS[kind]
    rope = {"rope_type": "default", "rope_theta": 5e5}
    config = config_type(
        vocab_size=vocab_size,
        tie_word_embeddings=tied,
        rms_norm_eps=1e-5,
        rope_parameters=rope,
        eos_token_id=BYTES,
        bos_token_id=None,
        pad_token_id=None,
        **(_SIZES | sizes),
    )
    _save(model_type, config, folder)
    write_tokenizer(folder, special)
    return folder


def write_whisper(folder: Path, width: int = 16) -> Path:
    """A Whisper that takes at most 0.6 s."""
    config = WhisperConfig(
        vocab_size=8,
        num_mel_bins=128,
        d_model=width,
        encoder_layers=2,
        encoder_attention_heads=2,
        encoder_ffn_dim=24,
        decoder_layers=1,
        decoder_attention_heads=2,
        decoder_ffn_dim=24,
        max_source_positions=30,
        max_target_positions=8,
        pad_token_id=0,
        bos_token_id=1,
        eos_token_id=2,
        decoder_start_token_id=1,
    )
    _save(WhisperForConditionalGeneration, config, folder)
    return folder


def write_cosyvoice(folder: Path) -> Path:
    """Flow, vocoder and voices, as `.pt` files, and their sizes."""
    folder.mkdir()
    torch.save(random_flow(COSYVOICE3_TINY, 0), folder / "flow.pt")
    torch.save(random_vocoder(COSYVOICE3_TINY, 0), folder / "hift.pt")
    torch.save({"a": {"embedding": torch.ones(1, COSYVOICE3_TINY.flow.speaker)}}, folder / "spk2info.pt")
    (folder / "cosyvoice.yaml").write_text(COSYVOICE3_TINY.to_yaml(), encoding="utf-8")
    return folder


def write_hubert(folder: Path) -> tuple[Path, Path]:
    """A HuBERT of 25 Hz and its centroids."""
    config = HubertConfig(
        hidden_size=16,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=24,
        conv_dim=[8] * 3,
        conv_kernel=[10, 8, 8],
        conv_stride=[10, 8, 8],
        num_conv_pos_embedding_groups=1,
        num_conv_pos_embeddings=8,
    )
    _save(HubertModel, config, folder)
    centroids = torch.randn(UNITS, 16, generator=torch.Generator().manual_seed(0))
    save_file({"centroids": centroids}, folder / "km.safetensors")
    return folder, folder / "km.safetensors"


def write_vocoder(folder: Path, units: int = UNITS) -> Path:
    """A unit vocoder of 25 Hz with a configuration in the published form."""
    vocoder = OMNIDRCA_TINY.voice.detokenizer
    assert isinstance(vocoder, UnitVocoderConfig)
    config = vocoder.model_copy(update={"units": units})
    folder.mkdir()
    torch.manual_seed(0)
    save_file(UnitVocoder(config).network.state_dict(), folder / "vocoder.safetensors")
    values = {
        "num_embeddings": config.units,
        "embedding_dim": config.embedding,
        "upsample_initial_channel": config.channels,
        "upsample_rates": config.rates,
        "upsample_kernel_sizes": config.kernels,
        "resblock_kernel_sizes": config.block_kernels,
        "resblock_dilation_sizes": config.block_dilations,
    }
    (folder / "config.json").write_text(json.dumps(values), encoding="utf-8")
    return folder / "vocoder.safetensors"


def _save(kind: type, config: PretrainedConfig, folder: Path) -> None:
    torch.manual_seed(1)
    model = kind(config).eval()
    for name, parameter in model.named_parameters():
        if "encoder.embed_positions" not in name:
            torch.nn.init.normal_(parameter, std=0.2)
    model.save_pretrained(folder)
