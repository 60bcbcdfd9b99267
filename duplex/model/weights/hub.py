"""Fetches the files that are needed from repositories of the Hugging Face hub."""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from configs.base import ConfigError

CHAT_FILES: Final = ("*.json", "*.yaml", "*.safetensors")
"""Files of a language model's repository."""
DETOKENIZER_FILES: Final = ("flow.*", "hift.*", "*.yaml", "speakers.safetensors", "*spk2info.pt")
"""Files of a CosyVoice3 repository."""
VOICE_FILES: Final = ("speakers.safetensors", "spk2info.pt", "new_spk2info.pt")
"""File names under which a detokenizer's folder may have its voices, in order of preference."""


def is_hub_id(name: str | Path) -> bool:
    """Whether a name has the form owner/name and is not a path."""
    text = str(name)
    return text.count("/") == 1 and not text.startswith((".", "/", "~")) and not text.endswith("/")


def folder_of(source: str | Path, patterns: Sequence[str] | None = None) -> Path:
    """Return a folder as it is, or that of a repository ("owner/name"), which is fetched if necessary.

    Args:
        source: path or hub id.
        patterns: files that are wanted; None fetches all.

    Raises:
        ConfigError: `source` is neither, or the download failed.
    """
    if Path(source).is_dir():
        return Path(source)
    if not is_hub_id(source):
        raise ConfigError(f"no checkpoint '{source}': it is neither a folder nor owner/name of a hub; check the path")
    return _fetch(str(source), patterns)


def find_speakers(folder: Path) -> Path:
    """Find the file of voices in a detokenizer's folder.

    Raises:
        ConfigError: there is none.
    """
    for name in VOICE_FILES:
        if (folder / name).exists():
            return folder / name
    raise ConfigError(
        f"{folder}: has no voices ({', '.join(VOICE_FILES)}); give a file, such as utils/new_spk2info.pt of "
        "Fun-Audio-Chat, with --set speakers=FILE"
    )


def _fetch(repository: str, patterns: Sequence[str] | None) -> Path:
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalEntryNotFoundError

    try:
        return Path(snapshot_download(repository, allow_patterns=list(patterns) if patterns else None))
    except (HfHubHTTPError, HFValidationError, LocalEntryNotFoundError, OSError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise ConfigError(
            f"'{repository}' could not be fetched from the hub ({reason}); check the name, the network or HF_TOKEN"
        ) from None
