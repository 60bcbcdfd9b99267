"""Checks a model without loading its weights: whether all files are complete and fit together and into memory.

Only configurations, headers and small files are read, and nothing is fetched from the hub. Nothing here depends on the
terminal.
"""

from collections.abc import Callable
from pathlib import Path

import torch

from configs.audio import AUDIO
from configs.base import ConfigError
from configs.model.cosyvoice import COSYVOICE3, CosyVoiceConfig
from configs.model.descriptions import describe_tdm, find_description
from configs.model.families import TWINS
from configs.model.funaudiochat import SHAPES, FunAudioChatConfig
from configs.model.turn_model import TurnModelConfig
from duplex.model.funaudiochat.checkpoint import Checkpoint, is_checkpoint
from duplex.model.funaudiochat.memory import MemoryFootprint, memory_of
from duplex.model.weights.checkpoint_folder import SHIPPED
from duplex.model.weights.free_memory import free_memory
from duplex.model.weights.hub import is_hub_id
from runtime.cli.doctor.checks import Check, ModelRequirements
from runtime.cli.doctor.files import (
    check_detokenizer,
    check_family,
    check_tdm,
    detokenizer_config,
    detokenizer_memory,
    is_detokenizer,
    is_family,
)

GB = 1e9


def check_setup(model: str, wanted: ModelRequirements) -> list[Check] | None:
    """All findings about a model by name, description, folder or hub id; None if it is none of these."""
    try:
        config, model = find_description(model), describe_tdm(model).checkpoint
    except ConfigError as error:
        return [Check.from_error("model", error)]
    if isinstance(config, TurnModelConfig):
        return _check_described(config, wanted)
    if model in TWINS:
        return [_random(model)]
    folder = SHIPPED / model if (SHIPPED / model).is_dir() else Path(model)
    if not folder.is_dir() and is_hub_id(model):
        found = _locate("model", model)
        if isinstance(found, Check):
            return [found]
        folder = found
    if is_checkpoint(folder):
        return _check_described(TurnModelConfig(name=folder.name, kind="funaudiochat", checkpoint=str(folder)), wanted)
    if is_detokenizer(folder):
        speakers = wanted.changes.get("speakers")
        return check_detokenizer(folder, None if speakers is None else Path(speakers), None)
    if not folder.is_dir():
        return None
    return check_family(folder) if is_family(folder) else check_tdm(folder)


def _random(name: str) -> Check:
    return Check("model", "ok", f"{name}: random weights, made when it is loaded")


def _check_described(config: TurnModelConfig, wanted: ModelRequirements) -> list[Check]:
    if config.kind == "scripted":
        return check_tdm(SHIPPED / "mini")
    if config.checkpoint is None:
        return [_random(config.name)]
    try:
        config = config.change(wanted.changes, f"--set for {config.name}")
    except ConfigError as error:
        return [Check.from_error("model", error)]
    checks = [check_device(config.device, config.dtype)]
    found, checkpoint = check_checkpoint(config.checkpoint or "")
    checks.append(found)
    folder = _detokenizer_folder(config)
    checks += [folder] if isinstance(folder, Check) else check_detokenizer(folder, config.speakers, config.voice)
    shape = SHAPES.get(config.name) if checkpoint is None else checkpoint.config
    if shape is not None and checks[0].level != "fail":
        voice = COSYVOICE3 if isinstance(folder, Check) else detokenizer_config(folder)
        checks.append(check_room(config, shape, voice or COSYVOICE3, wanted.conversations))
    return checks


def check_device(name: str, dtype: str) -> Check:
    """Check the device on which the model would run."""
    if name == "cpu" or (name == "auto" and not torch.cuda.is_available()):
        why = "chosen" if name == "cpu" else _no_cuda()[0]
        fix = f"for a live conversation every step must take less than {AUDIO.slot_ms} ms: use a GPU for a large model"
        return Check("device", "warn", f"cpu, {dtype} ({why})", fix)
    if not torch.cuda.is_available():
        why, fix = _no_cuda()
        return Check("device", "fail", f"{name}: {why}", fix)
    device = torch.device("cuda" if name == "auto" else name)
    if (device.index or 0) >= torch.cuda.device_count():
        count = torch.cuda.device_count()
        last = "" if count == 1 else f" to cuda:{count - 1}"
        return Check("device", "fail", f"{name}: there is no such CUDA device among {count}", f"give cuda:0{last}")
    found = f"{torch.cuda.get_device_name(device)}, CUDA {torch.version.cuda}, {dtype}"
    if dtype == "bfloat16" and not torch.cuda.is_bf16_supported():
        return Check("device", "fail", f"{found}: it has no bfloat16", "take --dtype float32 or a newer GPU")
    return Check("device", "ok", found)


def _no_cuda() -> tuple[str, str]:
    """Why there is no CUDA device, and how to fix it."""
    if torch.version.cuda is None:
        return "torch is built without CUDA", "install a CUDA build of torch, or take --device cpu"
    return "there is no CUDA device", "check the GPU and its driver with nvidia-smi, or take --device cpu"


def check_checkpoint(source: str) -> tuple[Check, Checkpoint | None]:
    """Check configuration, tokenizer, shards and their shapes of a Fun-Audio-Chat checkpoint."""
    folder = _locate("checkpoint", source)
    if isinstance(folder, Check):
        return folder, None
    try:
        checkpoint = Checkpoint.inspect(folder)
    except ConfigError as error:
        return Check.from_error("checkpoint", error), None
    shards = checkpoint.shards.tensors
    size = sum(path.stat().st_size for path in shards)
    count = sum(map(len, shards.values()))
    found = f"{source}: {count} tensors in {len(shards)} shards, {size / GB:.1f} GB; tokenizer and shapes fit"
    return Check("checkpoint", "ok", found), checkpoint


def check_room(
    config: TurnModelConfig, shape: FunAudioChatConfig, detokenizer: CosyVoiceConfig, conversations: int
) -> Check:
    """Check the memory that model and detokenizer need against what is free, before anything is loaded or fetched."""
    device = torch.device("cuda" if config.device == "auto" and torch.cuda.is_available() else _plain(config.device))
    dtype = getattr(torch, config.dtype)
    chat, voice = memory_of(shape, config.turns, dtype), detokenizer_memory(detokenizer, dtype)
    memory = MemoryFootprint(chat.weights + voice.weights, chat.conversation + voice.conversation)
    found = (
        f"{memory.total(conversations) / GB:.1f} GB for {conversations} conversation(s) of {config.turns.places} "
        f"places ({memory.weights / GB:.1f} GB of weights, {memory.conversation / GB:.2f} GB each)"
    )
    free = free_memory(device)
    if free is None:
        return Check("memory", "warn", f"{found}; it is not known how much is free on {device}")
    found += f", {free / GB:.1f} GB are free on {device}"
    if memory.total(conversations) <= free:
        return Check("memory", "ok", found)
    fitting = memory.conversations_in(free)
    fewer = f"fewer places than {config.turns.places} (--set turns.places=N)"
    fix = f"take --sessions {fitting}, or {fewer}" if fitting else f"take a device with more memory, or {fewer}"
    return Check("memory", "fail", found, fix)


def _plain(device: str) -> str:
    return "cpu" if device == "auto" else device


def _detokenizer_folder(config: TurnModelConfig) -> Path | Check:
    if config.detokenizer is None:
        fix = "name one with --detokenizer: a folder or hub id of Fun-CosyVoice3"
        return Check("detokenizer", "fail", f"{config.name} names none", fix)
    return _locate("detokenizer", config.detokenizer, " flow.pt hift.pt")


def _locate(name: str, source: str, files: str = "") -> Path | Check:
    """Folder of a path, or of a repository that was already fetched."""
    if Path(source).is_dir():
        return Path(source)
    if not is_hub_id(source):
        return Check(name, "fail", f"'{source}' is neither a folder nor owner/name of a hub", "check the path")
    cached = _find_cached(source)
    fetch = f"hf download {source}{files}"
    return cached or Check(name, "fail", f"{source} is not in the local cache of the hub", f"fetch it with: {fetch}")


def _find_cached(repository: str) -> Path | None:
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HFValidationError, LocalEntryNotFoundError

    fetch: Callable[..., str] = snapshot_download
    try:
        return Path(fetch(repository, local_files_only=True))
    except (LocalEntryNotFoundError, HFValidationError):
        return None
