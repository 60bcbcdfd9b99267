"""Shows the page's address as a QR code in a terminal, so that a phone in the same room can open it.

Nothing here depends on sockets or processes.
"""

import io
from collections.abc import Sequence
from typing import Final
from urllib.parse import urldefrag, urlsplit

from rich.console import Console

from configs.runtime.serve import ServeConfig
from runtime.webrtc.page_addresses import LOOPBACK, page_urls, reachable

_COLOURS: Final = "color(231) on color(16)"
"""White on black: full blocks are the light modules, whatever the colours of the terminal."""


def show_qr(console: Console, url: str, config: ServeConfig, interfaces: Sequence[str]) -> None:
    """Print the address for other machines as a QR code, where it is of use: in a terminal that is wide enough, and for
    a page that gets a microphone, which takes TLS.

    Args:
        console: where to. url: address of the page on this machine. config: configuration of the server. interfaces:
            addresses of this machine.
    """
    if not (config.qr and console.is_terminal and config.tls) or config.loopback:
        return
    hosts = [host for host in reachable(config.host, interfaces) if host not in LOOPBACK.values()]
    if not hosts:
        return
    (address,) = page_urls(config, urlsplit(url).port or 0, hosts[:1])
    picture = draw(address)
    if max(map(len, picture.splitlines())) > console.width:
        return
    console.print(f"For a phone in the same room ({urldefrag(address).url}):", highlight=False)
    console.print(picture, style=_COLOURS, highlight=False, markup=False, soft_wrap=True)


def draw(address: str) -> str:
    """The QR code of `address`: two rows of modules in a line, a full block for two light ones."""
    import segno

    picture = io.StringIO()
    segno.make(address, error="l", micro=False).terminal(picture, compact=True)
    return picture.getvalue().rstrip("\n")
