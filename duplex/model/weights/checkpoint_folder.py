"""Finds the checkpoint folder for a name, and computes the fingerprint of its files."""

import hashlib
from pathlib import Path
from typing import Final

from configs.base import ConfigError
from duplex.model.weights.hub import folder_of, is_hub_id

SHIPPED: Final = Path(__file__).parents[2] / "pretrained"
"""Folder of the models that are shipped in this package, by name."""


def checkpoint_folder(model: str | Path) -> Path:
    """Find the folder of a shipped model, an existing folder, or a downloaded hub repository ("owner/name").

    Raises:
        ConfigError: `model` is none of these, or the download failed.
    """
    if (SHIPPED / model).is_dir():
        return SHIPPED / model
    if not Path(model).is_dir() and not is_hub_id(model):
        shipped = ", ".join(sorted(path.name for path in SHIPPED.iterdir() if path.is_dir())) or "none"
        raise ConfigError(
            f"no model '{model}': not a folder, not owner/name of a hub, not shipped (shipped: {shipped}); "
            "choose another one with --model"
        )
    return folder_of(model)


def fingerprint(folder: Path) -> str:
    """First 16 hex digits of the sha256 over all files of a checkpoint folder."""
    digest = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        if path.is_file() and path.suffix != ".md":
            digest.update(path.relative_to(folder).as_posix().encode())
            with path.open("rb") as file:
                while piece := file.read(_PIECE_BYTES):
                    digest.update(piece)
    return digest.hexdigest()[:16]


_PIECE_BYTES: Final = 1 << 24
