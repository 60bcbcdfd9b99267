"""Tiny language models of random weights with a tokenizer and a chat template, as folders and as GGUF files."""

import json
from pathlib import Path
from typing import Any

import gguf
import torch
from tokenizers import pre_tokenizers

from configs.model.language_models import LanguageModelConfig
from duplex.model.language_models.interface import ChatMessage
from duplex.model.language_models.load_local import load_llm_parts
from duplex.model.language_models.local_model import LocalModel
from tests.duplex.model.families.published import BYTES, CHAT, write_llm

TEMPLATE = (
    "{% for message in messages %}<|im_start|>{{ message['role'] }}\n{{ message['content'] }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
_VOCABULARY = BYTES + len(CHAT) + 1
SYSTEM = ChatMessage("system", "Be brief.")


def write_folder(folder: Path, template: str | None = TEMPLATE, **sizes: Any) -> Path:
    """A Llama."""
    write_llm(folder, "llama", **sizes)
    return write_words(folder, template)


def write_words(folder: Path, template: str | None = TEMPLATE) -> Path:
    """What makes a tokenizer one of transformers, for conversations."""
    values: dict[str, Any] = {"tokenizer_class": "PreTrainedTokenizerFast", "eos_token": CHAT[0]}
    (folder / "tokenizer_config.json").write_text(json.dumps(values), encoding="utf-8")
    if template is not None:
        (folder / "chat_template.jinja").write_text(template, encoding="utf-8")
    return folder


def local_model(folder: Path, **values: Any) -> LocalModel:
    """The model of a folder."""
    config = tiny_config(folder, **values)
    return LocalModel(config, load_llm_parts(config))


def tiny_config(folder: Path, **values: Any) -> LanguageModelConfig:
    """Answers of at most 12 tokens on the CPU."""
    given: dict[str, Any] = {"longest": 12, "device": "cpu", "dtype": "float32"}
    return LanguageModelConfig(source=str(folder), **given | values)


def answer(model: LocalModel, messages: list[ChatMessage], conversation: int = 0) -> str:
    """The whole text of an answer; errors are raised."""
    model.begin(0, conversation, messages)
    pieces = [piece for _ in iter(lambda: model.idle, True) for _, piece in model.step()]
    assert pieces[-1].finish in ("stop", "length"), pieces[-1].error
    return "".join(piece.text for piece in pieces)


def write_gguf(path: Path, kind: str = "F32") -> Path:
    """A Llama of one layer, its matrices of the given kind; `CHAT[2]` ends an answer."""
    width, heads, inner = 32, 2, 32
    signs = sorted(pre_tokenizers.ByteLevel.alphabet())
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_context_length(512)
    writer.add_embedding_length(width)
    writer.add_block_count(1)
    writer.add_feed_forward_length(inner)
    writer.add_head_count(heads)
    writer.add_head_count_kv(heads)
    writer.add_rope_dimension_count(width // heads)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_vocab_size(_VOCABULARY)
    writer.add_tokenizer_model("gpt2")
    writer.add_token_list([*signs, *CHAT, "ab"])
    writer.add_token_types([1] * BYTES + [3] * len(CHAT) + [1])
    writer.add_token_merges(["a b"])
    writer.add_bos_token_id(BYTES)
    writer.add_eos_token_id(BYTES + 2)
    writer.add_chat_template(TEMPLATE)
    generator = torch.Generator().manual_seed(0)
    for name, shape in _shapes(width, inner).items():
        values = torch.ones(shape) if "norm" in name else torch.randn(shape, generator=generator) * 0.2
        quantization = gguf.GGMLQuantizationType[kind if "blk" in name and values.dim() > 1 else "F32"]
        stored = gguf.quants.quantize(values.numpy(), quantization)
        writer.add_tensor(name, stored, raw_dtype=quantization)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def _shapes(width: int, inner: int) -> dict[str, tuple[int, ...]]:
    square = {f"blk.0.attn_{name}.weight": (width, width) for name in ("q", "k", "v", "output")}
    return square | {
        "token_embd.weight": (_VOCABULARY, width),
        "output_norm.weight": (width,),
        "blk.0.attn_norm.weight": (width,),
        "blk.0.ffn_norm.weight": (width,),
        "blk.0.ffn_gate.weight": (inner, width),
        "blk.0.ffn_up.weight": (inner, width),
        "blk.0.ffn_down.weight": (width, inner),
    }
