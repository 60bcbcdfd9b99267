"""Figures that tests measure; `pytest -rP` shows them."""

import sys


def tell(line: str) -> None:
    """Print a line."""
    sys.stdout.write(f"{line}\n")
