"""The page's conversation over a real TURN server, where no other way is allowed."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.browser.calls import connect, end, expect_state
from tests.browser.conftest import MakeServer, OpenPage
from tests.runtime.webrtc.turn_server import SECRET, TurnServer, needs_turnserver, turn_server

pytestmark = [pytest.mark.browser, needs_turnserver]

SELECTED = """async () => {
  const stats = [...(await opened.connections.at(-1).getStats()).values()];
  const byId = Object.fromEntries(stats.map((one) => [one.id, one]));
  const pair = byId[stats.find((one) => one.type === "transport").selectedCandidatePairId];
  return [byId[pair.localCandidateId].candidateType, opened.connections.at(-1).getConfiguration().iceTransportPolicy];
}"""
"""The kind of the page's end of the way that its packets take, and the kinds that it may use."""


@pytest.fixture
def turn(tmp_path: Path) -> Iterator[TurnServer]:
    """A server with a shared secret."""
    with turn_server(tmp_path) as server:
        yield server


def test_the_page_takes_the_relay(make_server: MakeServer, turn: TurnServer, open_beeping: OpenPage) -> None:
    ice = {"servers": [{"urls": [turn.url]}], "secret": SECRET, "relay_only": True, "pages_only": True}
    served = make_server(ice=ice, token="a-token-of-the-tests")
    with open_beeping(served.url) as page:
        connect(page)
        assert page.evaluate(SELECTED) == ["relay", "relay"]
        accounts = page.evaluate("opened.connections.map((one) => one.getConfiguration().iceServers[0].username)")
        assert accounts[0].endswith(":duplex")
        end(page)


def test_the_page_connects_although_a_relay_is_lost(
    make_server: MakeServer, turn: TurnServer, open_beeping: OpenPage
) -> None:
    turn.process.kill()
    turn.process.wait()
    served = make_server(ice={"servers": [{"urls": [turn.url]}], "secret": SECRET, "gather_s": 0.5})
    with open_beeping(served.url) as page:
        page.click("#connect")
        expect_state(page, "live")
        end(page)
