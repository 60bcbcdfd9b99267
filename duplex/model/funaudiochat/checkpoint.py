"""Reads and writes checkpoints of Fun-Audio-Chat, in the authors' format and our own.

Ours is `funaudiochat.yaml`, safetensors under our names, and `tokenizer.json`; theirs is recognised by its
`config.json`. Nothing is unpickled.
"""

import hashlib
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import torch

from configs.base import ConfigError
from configs.model.funaudiochat import TURNS, FunAudioChatConfig, TurnsConfig
from duplex.io.whole_files import parse_json, write_text
from duplex.model.funaudiochat.memory import Free, check_memory
from duplex.model.funaudiochat.model import FunAudioChat, empty_network
from duplex.model.funaudiochat.released import read_released
from duplex.model.funaudiochat.tokenizer import ChatTokenizer
from duplex.model.funaudiochat.weights import Shards, save_weights
from duplex.model.weights.free_memory import free_memory
from duplex.model.weights.hub import CHAT_FILES, folder_of

CONFIG: Final = "funaudiochat.yaml"
_THEIRS: Final = "config.json"
_SAMPLES: Final = 64
_SAMPLE_BYTES: Final = 65_536
_DTYPES: Final = (torch.bfloat16, torch.float32)


@dataclass(frozen=True)
class Checkpoint:
    """A folder that was inspected and found complete, without reading its weights."""

    folder: Path
    config: FunAudioChatConfig
    tokenizer: ChatTokenizer
    shards: Shards

    @classmethod
    def inspect(cls, source: str | Path, ignore: Collection[str] = ()) -> "Checkpoint":
        """Inspect a folder or hub repository ("owner/name", which is fetched first).

        Args:
            source: where the checkpoint is.
            ignore: unknown fields of the authors' config.json to skip.

        Raises:
            ConfigError: there is no checkpoint, a file is missing, broken or truncated, or the files do not belong
                together.
        """
        folder = folder_of(source, CHAT_FILES)
        config = _config(folder, ignore)
        tokenizer = ChatTokenizer.from_folder(folder, config)
        shards = Shards.of(folder)
        shards.check(empty_network(config))
        return cls(folder, config, tokenizer, shards)

    def load(self, device: torch.device | str = "cpu", dtype: torch.dtype = torch.bfloat16) -> FunAudioChat:
        """Read the weights directly to `device` and `dtype`."""
        if dtype not in _DTYPES:
            raise ConfigError(f"{dtype} is not a data type this model runs in; take bfloat16 or float32")
        device, network = torch.device(device), empty_network(self.config)
        self.shards.fill(network, device, dtype)
        network.compute_buffers(device)
        return FunAudioChat(self.config, network, self.tokenizer, self.fingerprint())

    def fingerprint(self) -> str:
        """16 hex digits over configuration and tokenizer, and samples of every shard."""
        digest = hashlib.sha256(self.config.to_yaml().encode())
        for path in sorted([self.folder / "tokenizer.json", *self.shards.tensors]):
            size = path.stat().st_size
            digest.update(f"{path.name} {size}".encode())
            with path.open("rb") as file:
                for index in range(_SAMPLES):
                    file.seek(index * size // _SAMPLES)
                    digest.update(file.read(min(_SAMPLE_BYTES, -(-size // _SAMPLES))))
        return digest.hexdigest()[:16]


def from_pretrained(
    source: str | Path,
    device: torch.device | str = "cpu",
    dtype: torch.dtype = torch.bfloat16,
    conversations: int = 1,
    turns: TurnsConfig = TURNS,
    ignore: Collection[str] = (),
    free: Free = free_memory,
) -> FunAudioChat:
    """Load a checkpoint, provided that it and this many conversations fit into the device's memory.

    Raises:
        ConfigError: as for `Checkpoint.inspect`, or there is too little memory.
    """
    if torch.device(device).type == "cuda" and not torch.cuda.is_available():
        raise ConfigError("there is no CUDA device here; load on the CPU, or install a CUDA build of torch")
    checkpoint = Checkpoint.inspect(source, ignore)
    check_memory(checkpoint.config, turns, conversations, torch.device(device), dtype, free)
    return checkpoint.load(device, dtype)


def save(chat: FunAudioChat, folder: Path) -> None:
    """Write our format into a folder that holds no other checkpoint.

    Raises:
        ConfigError: the folder holds one.
    """
    folder.mkdir(parents=True, exist_ok=True)
    if any(folder.glob("*.safetensors")):
        raise ConfigError(f"{folder}: holds weights already; choose another folder")
    write_text(folder / CONFIG, chat.config.to_yaml())
    chat.tokenizer.save(folder)
    save_weights(chat.network, folder)


def _config(folder: Path, ignore: Collection[str]) -> FunAudioChatConfig:
    if (folder / CONFIG).exists():
        config = FunAudioChatConfig.from_yaml(folder / CONFIG)
    elif (folder / _THEIRS).exists():
        config = read_released(folder / _THEIRS, ignore)
    else:
        raise ConfigError(f"{folder}: has neither {CONFIG} nor {_THEIRS}; it is not a Fun-Audio-Chat checkpoint")
    if config.encoder.chunk_frames % config.group_frames:
        raise ConfigError(
            f"{folder}: a chunk of {config.encoder.chunk_frames} frames ends inside a group, which is not supported"
        )
    return config


def is_checkpoint(folder: Path) -> bool:
    """Whether a folder holds this family, in our format or the authors'."""
    if (folder / CONFIG).is_file():
        return True
    try:
        return parse_json((folder / _THEIRS).read_text(encoding="utf-8")).get("model_type") == "funaudiochat"
    except (OSError, ValueError, AttributeError):
        return False
