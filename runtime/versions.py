"""Versions of the software that made a file."""

import platform
from functools import cache
from importlib.metadata import PackageNotFoundError, version

_PACKAGES = ("duplex-voice", "torch", "transformers", "numpy", "soxr")


@cache
def versions() -> dict[str, str]:
    """Versions of Python and of the packages that affect the output, by name."""
    return {"python": platform.python_version(), **{name: _version(name) for name in _PACKAGES}}


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"
