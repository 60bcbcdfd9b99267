"""The folder of what is fetched or made once and may be deleted at any time, beside that of the Hugging Face hub."""

import os
from pathlib import Path


def user_cache() -> Path:
    """`$DUPLEX_CACHE`, else the folder `duplex` in `$XDG_CACHE_HOME`, which is `~/.cache` where it is not set."""
    if given := os.environ.get("DUPLEX_CACHE"):
        return Path(given).expanduser()
    return Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser() / "duplex"
