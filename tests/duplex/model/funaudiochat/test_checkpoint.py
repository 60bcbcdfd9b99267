"""Checkpoints: theirs and ours are read back equal, and errors are reported in one line before anything is loaded."""

import json
import weakref
from pathlib import Path

import pytest
import torch
from huggingface_hub.errors import LocalEntryNotFoundError
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from torch import Tensor

from configs.base import ConfigError
from configs.model.funaudiochat import FUNAUDIOCHAT_TINY
from duplex.model.funaudiochat.checkpoint import CONFIG, Checkpoint, from_pretrained, save
from duplex.model.funaudiochat.model import FunAudioChat
from duplex.model.funaudiochat.weights import INDEX, save_weights
from tests.duplex.model.funaudiochat.golden import DENSE, SPARSE, publish


def _equal(one: FunAudioChat, other: FunAudioChat) -> None:
    mine, theirs = one.network.state_dict(), other.network.state_dict()
    assert mine.keys() == theirs.keys()
    for name, value in mine.items():
        assert value.dtype == theirs[name].dtype
        assert torch.equal(value, theirs[name]), name


@pytest.mark.parametrize("kind", [DENSE, SPARSE])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_what_is_saved_is_read_back(tmp_path: Path, kind: str, dtype: torch.dtype) -> None:
    chat = from_pretrained(publish(tmp_path / "theirs", kind), dtype=dtype)
    save(chat, tmp_path / "ours")
    back = from_pretrained(tmp_path / "ours", dtype=dtype)
    assert back.config == chat.config
    assert back.tokenizer.encode("Hello!") == chat.tokenizer.encode("Hello!")
    _equal(back, chat)


def test_shards_and_what_does_not_belong_to_the_weights(tmp_path: Path, chat: FunAudioChat) -> None:
    """Many shards form one model; the rotary frequencies stay in float32 whatever the type of the weights."""
    save(chat, tmp_path)
    for file in tmp_path.glob("*.safetensors"):
        file.unlink()
    save_weights(chat.network, tmp_path, shard_bytes=100_000)
    assert len(list(tmp_path.glob("*.safetensors"))) > 4
    _equal(from_pretrained(tmp_path, dtype=torch.float32), chat)
    small = from_pretrained(tmp_path, dtype=torch.bfloat16)
    assert small.network.llm.stack.frequencies.dtype == torch.float32
    assert all(value.dtype == torch.bfloat16 and not value.requires_grad for value in small.network.parameters())


def test_a_tensor_that_was_read_is_let_go(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """There is never a second copy of the weights: a tensor read in another type is freed before the next is read."""
    alive: list[weakref.ref[Tensor]] = []

    class Watched:
        def __init__(self, *arguments: object, **options: object) -> None:
            self._shard = safe_open(*arguments, **options)

        def __enter__(self) -> "Watched":
            self._shard.__enter__()
            return self

        def __exit__(self, *error: object) -> None:
            self._shard.__exit__(*error)

        def get_tensor(self, key: str) -> Tensor:
            assert not any(reference() is not None for reference in alive)
            value: Tensor = self._shard.get_tensor(key)
            alive.append(weakref.ref(value))
            return value

    checkpoint = Checkpoint.inspect(publish(tmp_path, SPARSE))
    monkeypatch.setattr("duplex.model.funaudiochat.weights.safe_open", Watched)
    checkpoint.load(dtype=torch.float32)
    assert len(alive) > 50


def test_a_fingerprint_tells_models_apart(tmp_path: Path) -> None:
    folder = publish(tmp_path / "a")
    first = Checkpoint.inspect(folder).fingerprint()
    assert Checkpoint.inspect(folder).fingerprint() == first
    assert Checkpoint.inspect(publish(tmp_path / "b", shards=3)).fingerprint() != first
    one, two = (FunAudioChat.random(FUNAUDIOCHAT_TINY, seed).fingerprint for seed in (1, 2))
    assert one != two


def test_tied_and_unused_tensors_may_be_there(tmp_path: Path, chat: FunAudioChat) -> None:
    """Other exports of the same checkpoint keep the tied head, and the table that the refined head does not use."""
    folder = publish(tmp_path)
    extra = {
        "audio_invert_tower.lm_head.weight": torch.zeros(65, 64),
        "audio_invert_tower.crq_transformer.embed_tokens.weight": torch.zeros(8, 32),
    }
    _add(folder, extra)
    _equal(from_pretrained(folder, dtype=torch.float32), chat)


def test_weights_that_do_not_fit_are_named(tmp_path: Path) -> None:
    folder = publish(tmp_path / "more")
    _add(folder, {"audio_invert_tower.extra.weight": torch.zeros(1)})
    with pytest.raises(ConfigError, match=r"weights unexpected: audio_invert_tower\.extra\.weight; they do not"):
        Checkpoint.inspect(folder)
    folder = publish(tmp_path / "less", shards=1)
    _edit(folder, lambda tensors: {name: value for name, value in tensors.items() if ".conv1." not in name})
    with pytest.raises(ConfigError, match=r"missing or not whole: encoder\.conv1\.weight, encoder\.conv1\.bias; they"):
        Checkpoint.inspect(folder)
    folder = publish(tmp_path / "other", shards=1)
    _edit(folder, lambda tensors: {name: value[:10] if "lm_head" in name else value for name, value in tensors.items()})
    with pytest.raises(ConfigError, match=r"language_model\.lm_head\.weight is \[10, 64\], not \[272, 64\]"):
        Checkpoint.inspect(folder)
    folder = publish(tmp_path / "many", shards=1)
    _edit(folder, lambda tensors: {name: value for name, value in tensors.items() if "audio_tower" not in name})
    with pytest.raises(ConfigError, match=r"encoder\.conv1\.weight, .* and \d+ more"):
        Checkpoint.inspect(folder)


def test_an_expert_that_is_missing_is_noticed(tmp_path: Path) -> None:
    folder = publish(tmp_path, SPARSE, shards=1)
    _edit(folder, lambda tensors: {name: value for name, value in tensors.items() if ".experts.3.up_proj" not in name})
    with pytest.raises(ConfigError, match=r"not whole: llm\.stack\.layers\.0\.mlp\.experts\.gate_up_proj"):
        Checkpoint.inspect(folder)


def test_shards_that_are_cut_short_or_missing_are_named(tmp_path: Path) -> None:
    folder = publish(tmp_path)
    shard = folder / "model-00002-of-00002.safetensors"
    whole = shard.read_bytes()
    for cut in (whole[: len(whole) // 2], whole[:5], b"version https://git-lfs.github.com/spec/v1\n"):
        shard.write_bytes(cut)
        with pytest.raises(ConfigError, match=r"model-00002-of-00002\.safetensors: is cut short or damaged") as caught:
            Checkpoint.inspect(folder)
        assert "\n" not in str(caught.value)
    shard.unlink()
    with pytest.raises(ConfigError, match=r"1 of 2 shards are missing: model-00002-of-00002\.safetensors"):
        Checkpoint.inspect(folder)
    (folder / INDEX).write_text("{}")
    with pytest.raises(ConfigError, match="is not an index of shards"):
        Checkpoint.inspect(folder)
    (folder / INDEX).unlink()
    with pytest.raises(ConfigError, match=r"has neither model\.safetensors\.index\.json nor model\.safetensors"):
        Checkpoint.inspect(folder)


def test_folders_that_are_no_checkpoint(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"has neither funaudiochat\.yaml nor config\.json"):
        Checkpoint.inspect(tmp_path)
    with pytest.raises(ConfigError, match="neither a folder nor owner/name of a hub"):
        Checkpoint.inspect("nonsense")
    with pytest.raises(ConfigError, match="neither a folder nor owner/name of a hub"):
        Checkpoint.inspect("./absent")
    config = FUNAUDIOCHAT_TINY.to_yaml().replace("chunk_frames: 40", "chunk_frames: 30")
    (tmp_path / CONFIG).write_text(config)
    with pytest.raises(ConfigError, match="a chunk of 30 frames ends inside a group"):
        Checkpoint.inspect(tmp_path)


def test_nothing_is_written_over_and_types_are_checked(tmp_path: Path, chat: FunAudioChat) -> None:
    save(chat, tmp_path)
    with pytest.raises(ConfigError, match="holds weights already"):
        save(chat, tmp_path)
    with pytest.raises(ConfigError, match="float16 is not a data type"):
        from_pretrained(tmp_path, dtype=torch.float16)


def test_a_device_that_is_not_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(ConfigError, match="there is no CUDA device here"):
        from_pretrained(publish(tmp_path), device="cuda")


def test_too_little_memory_is_said_before_loading(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = publish(tmp_path)
    monkeypatch.setattr(Checkpoint, "load", lambda *_: pytest.fail("it was loaded"))
    with pytest.raises(ConfigError, match=r"with 3 conversations of 2048 places needs .* GB on cpu .* are free"):
        from_pretrained(folder, conversations=3, free=lambda _: 1_000_000)


def test_a_repository_that_the_hub_does_not_give(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> str:
        raise LocalEntryNotFoundError("cannot find it\nmore lines")

    monkeypatch.setattr("huggingface_hub.snapshot_download", refuse)
    with pytest.raises(ConfigError) as caught:
        from_pretrained("FunAudioLLM/Fun-Audio-Chat-9B")
    assert "'FunAudioLLM/Fun-Audio-Chat-9B' could not be fetched from the hub (cannot find it); check the name" in str(
        caught.value
    )
    assert "\n" not in str(caught.value)


def test_a_repository_is_fetched_without_what_is_not_needed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[str, list[str]]] = []

    def give_folder(repository: str, allow_patterns: list[str]) -> str:
        asked.append((repository, allow_patterns))
        return str(publish(tmp_path))

    monkeypatch.setattr("huggingface_hub.snapshot_download", give_folder)
    assert from_pretrained("owner/name").config.vocabulary == FUNAUDIOCHAT_TINY.vocabulary
    assert asked == [("owner/name", ["*.json", "*.yaml", "*.safetensors"])]


def _edit(folder: Path, change: object) -> None:
    path = folder / "model-00001-of-00001.safetensors"
    assert callable(change)
    changed: dict[str, Tensor] = change(load_file(path))
    save_file({name: value.contiguous() for name, value in changed.items()}, path)


def _add(folder: Path, tensors: dict[str, Tensor]) -> None:
    save_file(tensors, folder / "model-extra.safetensors")
    index = json.loads((folder / INDEX).read_text())
    index["weight_map"] |= dict.fromkeys(tensors, "model-extra.safetensors")
    (folder / INDEX).write_text(json.dumps(index))
