"""The page's address as a QR code in the terminal."""

import re
from io import StringIO

import pytest
import segno
from rich.console import Console

from configs.runtime.serve import ServeConfig
from runtime.cli.qr import show_qr

TLS = ServeConfig(host="0.0.0.0", self_signed=True, token="sixteen-letters-")
URL = "https://127.0.0.1:8443/#token=sixteen-letters-"
OTHER = "https://192.0.2.7:8443/#token=sixteen-letters-"
MODULES = {"█": (0, 0), "▀": (0, 1), "▄": (1, 0), " ": (1, 1)}
"""Upper and lower module of a character: 1 is dark."""


def shown(config: ServeConfig = TLS, terminal: bool = True, width: int = 100) -> str:
    text = StringIO()
    console = Console(file=text, force_terminal=terminal, width=width, color_system="256" if terminal else None)
    show_qr(console, URL, config, ["127.0.0.1", "192.0.2.7", "198.51.100.1"])
    return text.getvalue()


def read_modules(picture: str) -> list[list[int]]:
    """The modules within the quiet zone."""
    lines = [re.sub(r"\x1b\[[\d;]*m", "", line) for line in picture.splitlines()]
    rows = [[MODULES[letter][half] for letter in line] for line in lines for half in (0, 1)]
    dark = [index for index, row in enumerate(rows) if any(row[4:-4])]
    return [row[4:-4] for row in rows[dark[0] : dark[0] + len(rows[0]) - 8]]


def test_a_phone_finds_the_address_of_another_machine_with_the_token() -> None:
    title, _, picture = shown().partition("\n")
    assert title == "For a phone in the same room (https://192.0.2.7:8443/):"
    assert read_modules(picture) == [list(row) for row in segno.make(OTHER, error="l", micro=False).matrix]
    assert "38;5;231;48;5;16" in picture


@pytest.mark.parametrize(
    ("changes", "where"),
    [
        ({}, {"terminal": False}),
        ({}, {"width": 30}),
        ({"qr": False}, {}),
        ({"self_signed": False}, {}),
        ({"host": "127.0.0.1"}, {}),
    ],
    ids=["kept", "narrow", "switched off", "no TLS", "this machine alone"],
)
def test_where_it_is_of_no_use_there_is_none(changes: dict[str, object], where: dict[str, int]) -> None:
    assert shown(ServeConfig.model_validate(TLS.model_dump() | changes), **where) == ""
