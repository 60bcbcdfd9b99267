"""What the reference computed on small random weights; `scripts/golden/cosyvoice.py` wrote it."""

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from safetensors.torch import load_file
from torch import Tensor

from configs.model.cosyvoice import CosyVoiceConfig

FOLDER = Path(__file__).parents[4] / "golden"


@dataclass(frozen=True)
class Golden:
    """Weights with the released names, tensors by name, and the notes beside them."""

    config: CosyVoiceConfig
    flow: dict[str, Tensor]
    hift: dict[str, Tensor]
    tensors: dict[str, Tensor]
    notes: dict[str, Any]


@cache
def golden() -> Golden:
    """Read the files once."""
    tensors = load_file(FOLDER / "cosyvoice.safetensors")
    notes = json.loads((FOLDER / "cosyvoice.json").read_text(encoding="utf-8"))
    parts = [
        {name.removeprefix(part): value.float() for name, value in tensors.items() if name.startswith(part)}
        for part in ("flow/", "hift/")
    ]
    results = {name: value for name, value in tensors.items() if "/" not in name}
    return Golden(CosyVoiceConfig.from_mapping(notes["config"], "golden"), parts[0], parts[1], results, notes)
