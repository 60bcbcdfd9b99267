"""Checks files of models in a folder: those of the embedded family and of a CosyVoice3 detokenizer.

Only configurations, headers and small files are read, never weights.
"""

import lzma
import zipfile
from collections.abc import Callable
from math import prod
from pathlib import Path
from pickle import UnpicklingError

import torch
from safetensors import SafetensorError, safe_open

from configs.base import ConfigError
from configs.model.cosyvoice import CosyVoiceConfig
from configs.model.family import FamilyConfig
from configs.model.model import EarsConfig, MindConfig
from configs.model.voice import VoiceConfig
from duplex.io.whole_files import parse_json
from duplex.model.families import parts as families
from duplex.model.funaudiochat.memory import MemoryFootprint
from duplex.model.layouts.tdm import ears, mind, voice
from duplex.model.stages.cosyvoice.checkpoint import FLOW, VOCODER, flow_shapes, read_config, vocoder_shapes
from duplex.model.stages.cosyvoice.speakers import load_speakers
from duplex.model.weights.checkpoint_folder import SHIPPED
from duplex.model.weights.hub import find_speakers
from runtime.cli.doctor.checks import Check

Shapes = dict[str, tuple[int, ...]]
_SHOWN = 3
_RENAMED = {".weight_g": ".parametrizations.weight.original0", ".weight_v": ".parametrizations.weight.original1"}
_PREFIX = "generator."
_FAMILY_FILES = [families.CORE, families.HEAD, families.TOKENIZER]


def check_tdm(folder: Path) -> list[Check]:
    """Check ears, mind and voice of a checkpoint of the embedded family."""
    configs = (ears.CONFIG, mind.CONFIG, voice.CONFIG)
    if not any((folder / name).exists() for name in configs):
        found = f"{folder}: is not the folder of a model, it has none of {', '.join((*configs, families.CONFIG))}"
        return [Check("model", "fail", found, "give the folder of a model with --model")]
    return [
        _part("ears", folder, lambda: _ears_files(folder)),
        _part("mind", folder, lambda: _mind_files(folder)),
        _part("voice", folder, lambda: _voice_files(folder)),
    ]


def is_family(folder: Path) -> bool:
    """Whether a folder has a checkpoint of one of the papers' families."""
    return (folder / families.CONFIG).is_file()


def check_family(folder: Path) -> list[Check]:
    """Check configuration, weights and voice of a checkpoint of one of the papers' families."""
    try:
        config = FamilyConfig.from_yaml(folder / families.CONFIG)
    except ConfigError as error:
        return [Check.from_error("model", error)]
    ears = [families.EARS] if isinstance(config.ears, EarsConfig) else []
    parts = [_part("model", folder, lambda: [folder / name for name in _FAMILY_FILES + ears])]
    if not (folder / config.voice.source).exists():
        fix = f"put the detokenizer's files into {folder / config.voice.source}"
        return [*parts, Check("detokenizer", "fail", "this checkpoint has no voice", fix)]
    if isinstance(config.voice.detokenizer, CosyVoiceConfig):
        return parts + check_detokenizer(folder / config.voice.source, None, None)
    return [*parts, _part("detokenizer", folder, lambda: [folder / config.voice.source])]


def is_detokenizer(folder: Path) -> bool:
    """Whether a folder has a CosyVoice release, original or converted."""
    return any((folder / f"{name}.{kind}").is_file() for name in (FLOW, VOCODER) for kind in ("pt", "safetensors"))


def check_detokenizer(folder: Path, speakers: Path | None, name: str | None) -> list[Check]:
    """Check flow, vocoder and voices of a CosyVoice3 folder."""
    try:
        config = read_config(folder)
    except ConfigError as error:
        return [Check.from_error("detokenizer", error)]
    return [
        _weights("flow", folder, FLOW, flow_shapes(config.flow)),
        _weights("vocoder", folder, VOCODER, vocoder_shapes(config)),
        _voices(folder, speakers, name or config.voice, config.flow.speaker),
    ]


def detokenizer_config(folder: Path) -> CosyVoiceConfig | None:
    """Configuration of a folder; None if it cannot be read."""
    try:
        return read_config(folder)
    except ConfigError:
        return None


def detokenizer_memory(config: CosyVoiceConfig, dtype: torch.dtype) -> MemoryFootprint:
    """Memory of a detokenizer, whose vocoder is always in float32."""
    flow, vocoder = (sum(map(prod, shapes.values())) for shapes in (flow_shapes(config.flow), vocoder_shapes(config)))
    return MemoryFootprint(
        flow * dtype.itemsize + vocoder * torch.float32.itemsize, config.cached_values * dtype.itemsize
    )


def _part(name: str, folder: Path, files: Callable[[], list[Path]]) -> Check:
    """Check a part whose configuration says which files it has."""
    try:
        paths = files()
        for path in paths:
            _readable(path)
    except ConfigError as error:
        return Check.from_error(name, error)
    return Check(name, "ok", f"{len(paths) + 1} files in {folder}")


def _ears_files(folder: Path) -> list[Path]:
    config = EarsConfig.from_yaml(folder / ears.CONFIG)
    names = [ears.WEIGHTS, ears.VOCABULARY, *([ears.CTC] if config.words.source == "ctc" else [])]
    return [folder / name for name in names]


def _mind_files(folder: Path) -> list[Path]:
    MindConfig.from_yaml(folder / mind.CONFIG)
    return [folder / name for name in (mind.WEIGHTS, mind.TOKENIZER, mind.TRUECASE)]


def _voice_files(folder: Path) -> list[Path]:
    VoiceConfig.from_yaml(folder / voice.CONFIG)
    return [folder / name for name in (voice.LEXICON, voice.HEAD, voice.DETOKENIZER)]


def _readable(path: Path) -> None:
    """Raise ConfigError if a file is missing, truncated, or of a kind that does not match its name."""
    try:
        match path.suffix:
            case ".safetensors":
                _safetensors_shapes(path)
            case ".json":
                parse_json(path.read_text(encoding="utf-8"))
            case ".xz":
                with lzma.open(path) as file:
                    file.read(1)
    except FileNotFoundError:
        raise ConfigError(f"{path}: is missing; {_again(path)}") from None
    except PermissionError:
        raise ConfigError(f"{path}: may not be read; give yourself permission (chmod u+r)") from None
    except (OSError, ValueError, SafetensorError, lzma.LZMAError, EOFError) as error:
        raise ConfigError(f"{path}: is cut short or damaged ({_first_line(error)}); {_again(path)}") from None


def _again(path: Path) -> str:
    """How to restore a file: those of this package come with it, others come from where the folder came from."""
    if path.is_relative_to(SHIPPED):
        return "install duplex-voice again"
    return f"copy, fetch or train {path.name} again"


def _weights(name: str, folder: Path, file: str, wanted: Shapes) -> Check:
    path = next((path for kind in ("safetensors", "pt") if (path := folder / f"{file}.{kind}").exists()), None)
    if path is None:
        return Check(name, "fail", f"{folder} has neither {file}.safetensors nor {file}.pt", "fetch Fun-CosyVoice3")
    if path.suffix == ".pt" and path.is_file() and not zipfile.is_zipfile(path):
        return Check(name, "fail", f"{path}: is cut short, or in an old format of torch", "fetch it again")
    try:
        found = _safetensors_shapes(path) if path.suffix == ".safetensors" else _torch_shapes(path)
    except PermissionError:
        return Check(name, "fail", f"{path}: may not be read", "give yourself permission (chmod u+r)")
    except (OSError, RuntimeError, ValueError, EOFError, SafetensorError, UnpicklingError) as error:
        return Check(
            name, "fail", f"{path}: is not a readable file of weights ({_first_line(error)})", "fetch it again"
        )
    wrong = sorted(
        {key for key, shape in wanted.items() if found.get(key) != shape} | {key for key in found if key not in wanted}
    )
    if wrong:
        more = f" and {len(wrong) - _SHOWN} more" if len(wrong) > _SHOWN else ""
        fix = "take the configuration (cosyvoice.yaml) and weights of one model"
        return Check(name, "fail", f"{path}: missing, unexpected or mis-shaped: {', '.join(wrong[:_SHOWN])}{more}", fix)
    return Check(name, "ok", f"{path}: {len(found)} tensors of the right shapes")


def _voices(folder: Path, path: Path | None, name: str | None, size: int) -> Check:
    try:
        path = find_speakers(folder) if path is None else path
        voices = load_speakers(path, size)
    except ConfigError as error:
        return Check.from_error("voices", error)
    if name is not None and name not in voices:
        return Check("voices", "fail", f"{path}: has no voice '{name}'", f"choose one of {', '.join(voices)}")
    return Check("voices", "ok", f"{path}: {', '.join(voices)}")


def _safetensors_shapes(path: Path) -> Shapes:
    with safe_open(path, framework="pt") as file:
        return {_plain_name(key): tuple(file.get_slice(key).get_shape()) for key in file.keys()}  # noqa: SIM118


def _torch_shapes(path: Path) -> Shapes:
    """Names and shapes; the values stay on disk."""
    values = torch.load(str(path), map_location="cpu", weights_only=True, mmap=True)
    if not isinstance(values, dict) or not all(isinstance(value, torch.Tensor) for value in values.values()):
        raise ValueError("it holds something other than named tensors")
    return {_plain_name(key): tuple(value.shape) for key, value in values.items()}


def _plain_name(key: str) -> str:
    """Current name of a tensor of weight normalization, without the prefix that some releases have."""
    key = key.removeprefix(_PREFIX)
    for old, new in _RENAMED.items():
        if key.endswith(old):
            return key.removesuffix(old) + new
    return key


def _first_line(error: Exception) -> str:
    return str(error).splitlines()[0] if str(error) else type(error).__name__
