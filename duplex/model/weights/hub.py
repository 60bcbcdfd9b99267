"""Repositories of the Hugging Face hub as folders: which of their files are wanted. Knows names; knows no contents."""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from configs.base import ConfigError

CHAT_FILES: Final = ("*.json", "*.yaml", "*.safetensors")
"""Of a language model's repository."""
DETOKENIZER_FILES: Final = ("flow.*", "hift.*", "*.yaml", "speakers.safetensors", "*spk2info.pt")
"""Of a CosyVoice3 repository."""
VOICE_FILES: Final = ("speakers.safetensors", "spk2info.pt", "new_spk2info.pt")
"""Names under which a detokenizer's folder may hold its voices, in this order."""


def is_hub_id(name: str | Path) -> bool:
    """Whether a name has the form owner/name and is no path."""
    text = str(name)
    return text.count("/") == 1 and not text.startswith((".", "/", "~")) and not text.endswith("/")


def folder_of(source: str | Path, patterns: Sequence[str] | None = None) -> Path:
    """A folder as it is, or that of a repository ("owner/name"), which is fetched if need be.

    Args:
        source: path or hub id.
        patterns: files that are wanted; None fetches all.

    Raises:
        ConfigError: it is neither, or the hub could not give it.
    """
    if Path(source).is_dir():
        return Path(source)
    if not is_hub_id(source):
        raise ConfigError(f"no checkpoint '{source}': it is neither a folder nor owner/name of a hub; check the path")
    return _fetch(str(source), patterns)


def find_speakers(folder: Path) -> Path:
    """File of voices in a detokenizer's folder.

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
            f"the hub did not give '{repository}' ({reason}); check the name, the network or HF_TOKEN"
        ) from None
