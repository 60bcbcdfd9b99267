"""Language models that can be loaded, and those that cannot: what is said about them."""

import json
from pathlib import Path

import pytest
import torch
from transformers import BartConfig

from configs.model.language_models import LanguageModelConfig
from duplex.model.language_models import load_local
from duplex.model.language_models.interface import ChatMessage, LlmError
from duplex.model.language_models.load_local import choose_dtype, load_llm_parts
from tests.duplex.model.families.published import BYTES, write_whisper
from tests.duplex.model.language_models.tiny_llm import (
    SYSTEM,
    answer,
    local_model,
    tiny_config,
    write_folder,
    write_gguf,
)

HELLO = [SYSTEM, ChatMessage("user", "Hello")]


def change_config(folder: Path, **values: object) -> None:
    path = folder / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text(encoding="utf-8")) | values), encoding="utf-8")


def refusal(source: str | Path) -> str:
    with pytest.raises(LlmError) as raised:
        load_llm_parts(tiny_config(Path(source)) if isinstance(source, Path) else LanguageModelConfig(source=source))
    assert "\n" not in str(raised.value)
    return str(raised.value)


def test_a_folder_is_loaded_with_all_tokens_that_end_an_answer(tmp_path: Path) -> None:
    parts = load_llm_parts(tiny_config(write_folder(tmp_path)))
    assert parts.name == tmp_path.name
    assert parts.stops == {BYTES, BYTES + 2}
    assert parts.places == 2048
    assert load_llm_parts(tiny_config(tmp_path, context=100)).places == 100


def test_a_gguf_file_is_loaded(tmp_path: Path) -> None:
    model = local_model(write_gguf(tmp_path / "tiny.gguf"))
    assert model.name == "tiny"
    assert answer(model, HELLO)


def test_a_fingerprint_tells_weights_and_dtypes_apart(tmp_path: Path) -> None:
    one, other = write_folder(tmp_path / "a"), write_folder(tmp_path / "b", hidden_size=16)
    prints = [load_llm_parts(tiny_config(folder)).fingerprint for folder in (one, one, other)]
    assert prints[0] == prints[1] != prints[2]
    assert load_llm_parts(tiny_config(one, dtype="bfloat16")).fingerprint != prints[0]


def test_what_is_not_there_is_said(tmp_path: Path) -> None:
    assert "neither smollm2, a folder, a .gguf file, owner/name of a hub, nor" in refusal("qwen")
    assert "there is no file nothing.gguf; check the path" in refusal("nothing.gguf")
    assert "has no config.json" in refusal(_with_tokenizer(tmp_path, "config.json"))
    (tmp_path / "empty").mkdir()
    assert "empty: has no config.json, so it is no language model of transformers; give a folder with" in refusal(
        tmp_path / "empty"
    )


def test_the_default_context_is_part_of_the_fingerprint_as_a_number(tmp_path: Path) -> None:
    folder = write_folder(tmp_path)
    assert local_model(folder).fingerprint == local_model(folder, context=2048).fingerprint
    assert local_model(folder).fingerprint != local_model(folder, context=1000).fingerprint


def _with_tokenizer(folder: Path, *missing: str) -> Path:
    write_folder(folder)
    for name in missing:
        (folder / name).unlink()
    return folder


def test_a_missing_tokenizer_template_or_weights_are_said(tmp_path: Path) -> None:
    bare = _with_tokenizer(tmp_path / "a", "tokenizer.json", "tokenizer_config.json", "chat_template.jinja")
    assert "has no tokenizer" in refusal(bare)
    assert "has no chat template" in refusal(write_folder(tmp_path / "b", template=None))
    assert "has no weights in safetensors" in refusal(_with_tokenizer(tmp_path / "c", "model.safetensors"))


def test_weights_that_are_broken_or_lack_layers_are_said(tmp_path: Path) -> None:
    broken = write_folder(tmp_path / "a")
    (broken / "model.safetensors").write_bytes(b"no weights")
    assert "its weights cannot be read" in refusal(broken)
    short = write_folder(tmp_path / "b")
    change_config(short, num_hidden_layers=3)
    assert "of its weights, such as model.layers.2." in refusal(short)


def test_other_kinds_of_models_are_said(tmp_path: Path) -> None:
    other = write_folder(tmp_path / "a")
    write_whisper(tmp_path / "w")
    BartConfig(vocab_size=9).to_json_file(other / "config.json")
    change_config(other, model_type="vit")
    assert "is a vit model, no language model that transformers knows" in refusal(other)
    change_config(other, model_type="own", auto_map={"AutoModelForCausalLM": "own.Own"})
    assert "needs program code of its own (trust_remote_code), which is never run" in refusal(other)
    (other / "config.json").write_text("{", encoding="utf-8")
    assert "config.json" in refusal(other)


def test_too_little_memory_is_said_before_anything_is_loaded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = write_folder(tmp_path)
    monkeypatch.setattr(load_local, "free_memory", lambda device: 1000)
    assert "does not fit into the memory of cpu: needs 0.0 GB in torch.float32, 0.0 GB are free" in refusal(folder)


def test_a_device_that_is_not_there_is_said(tmp_path: Path) -> None:
    folder = write_folder(tmp_path)
    with pytest.raises(LlmError, match="there is no device 'nonsense' here"):
        load_llm_parts(tiny_config(folder, device="nonsense"))


@pytest.mark.parametrize(("has_bfloat16", "expected"), [(True, torch.bfloat16), (False, torch.float32)])
def test_a_cpu_gets_the_dtype_it_has_instructions_for(
    monkeypatch: pytest.MonkeyPatch, has_bfloat16: bool, expected: torch.dtype
) -> None:
    monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda: has_bfloat16)
    assert choose_dtype("auto", torch.device("cpu")) == expected
    assert choose_dtype("float16", torch.device("cpu")) == torch.float16
