"""A network between the browser and the server that a test can cut off, or change the address on.

It passes UDP packets between the address that the page was told and the server's, in a thread of its own.
"""

import selectors
import socket
import threading
from dataclasses import dataclass, field

from playwright.sync_api import Page

_LARGEST = 65_535

VIA_RELAY = """
const ask = window.fetch;
window.fetch = (address, options) => {
  if (!String(address).endsWith("api/offer")) return ask(address, options);
  const offer = JSON.parse(options.body);
  offer.sdp = offer.sdp.split("\\r\\n").filter((line) => !line.startsWith("a=candidate:")).join("\\r\\n");
  return ask(address, { ...options, body: JSON.stringify(offer) });
};
const setRemote = RTCPeerConnection.prototype.setRemoteDescription;
RTCPeerConnection.prototype.setRemoteDescription = async function (answer) {
  const lines = answer.sdp.split("\\r\\n");
  const via = lines.find((line) => /^a=candidate:\\S+ 1 udp \\d+ [\\d.]+ /.test(line)).split(" ");
  const port = await window.relayTo(...via.slice(4, 6));
  via.splice(4, 2, "127.0.0.1", String(port));
  const others = lines.filter((line) => !line.startsWith("a=candidate:"));
  const place = others.findIndex((line) => line.startsWith("a=ice-ufrag:"));
  others.splice(place, 0, via.join(" "));
  return setRemote.call(this, { type: "answer", sdp: others.join("\\r\\n") });
};
"""
"""Makes a page take the server's address at the relay for the server's own, and hides the page's own addresses from the
server, which would otherwise find it without the relay."""


@dataclass
class _Way:
    """One connection: the socket that the browser sends to, the one that the server sends to, and who they are."""

    server: tuple[str, int]
    near: socket.socket
    far: socket.socket
    browser: tuple[str, int] | None = None


@dataclass
class Relay:
    """Passes packets on while `is_cut` is False."""

    is_cut: bool = False
    _ways: list[_Way] = field(default_factory=list)
    _selector: selectors.BaseSelector = field(default_factory=selectors.DefaultSelector)

    def __post_init__(self) -> None:
        self._wake, self._woken = socket.socketpair()
        self._selector.register(self._woken, selectors.EVENT_READ)
        self._thread = threading.Thread(target=self._run, name="relay", daemon=True)
        self._thread.start()

    def install(self, page: Page) -> None:
        """Let the page's connections pass here; before it loads."""
        page.expose_function("relayTo", self._open)
        page.add_init_script(VIA_RELAY)

    def change_address(self) -> tuple[int, int]:
        """The newest connection's packets reach the server from another port from now on; returns the former port and
        the new one."""
        way = self._ways[-1]
        before, way.far = way.far, self._socket(way)
        return before.getsockname()[1], way.far.getsockname()[1]

    def close(self) -> None:
        """Stop."""
        self._wake.close()
        self._thread.join()
        for key in list(self._selector.get_map().values()):
            assert isinstance(key.fileobj, socket.socket)
            key.fileobj.close()
        self._selector.close()

    def _open(self, host: str, port: str) -> int:
        near = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        near.bind(("127.0.0.1", 0))
        way = _Way((host, int(port)), near, near)
        self._selector.register(near, selectors.EVENT_READ, (way, True))
        way.far = self._socket(way)
        self._ways.append(way)
        address: tuple[str, int] = near.getsockname()
        return address[1]

    def _socket(self, way: _Way) -> socket.socket:
        far = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        far.bind(("0.0.0.0" if way.server[0] != "127.0.0.1" else "127.0.0.1", 0))
        self._selector.register(far, selectors.EVENT_READ, (way, False))
        return far

    def _run(self) -> None:
        while True:
            for key, _ in self._selector.select(0.1):
                if key.fileobj is self._woken:
                    return
                assert isinstance(key.fileobj, socket.socket)
                self._pass(key.fileobj, *key.data)

    def _pass(self, from_: socket.socket, way: _Way, from_browser: bool) -> None:
        packet, sender = from_.recvfrom(_LARGEST)
        if self.is_cut:
            return
        if from_browser:
            way.browser = sender
            way.far.sendto(packet, way.server)
        elif way.browser is not None and from_ is way.far:
            way.near.sendto(packet, way.browser)
