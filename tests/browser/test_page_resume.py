"""A conversation that outlives its connection, or its page, in a real browser."""

import json
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.calls import connect, end, expect_sessions, expect_state
from tests.browser.conftest import MakeServer, OpenPage, Served, watch
from tests.browser.conversation import download
from tests.browser.relay import Relay

pytestmark = pytest.mark.browser

SAID = "document.querySelectorAll('.says').length"
OUTAGE_MS = 10_000


@pytest.fixture
def relay() -> Iterator[Relay]:
    made = Relay()
    yield made
    made.close()


def wait_for_more(page: Page) -> int:
    """Wait until something more has been said; returns how much."""
    said: int = page.evaluate(SAID)
    page.wait_for_function(f"{SAID} > {said}", timeout=30_000)
    return said


def rows_of(page: Page, folder: Path) -> list[dict[str, object]]:
    log = download(page, "#download-slots", folder / "slots.jsonl").read_text().splitlines()
    return [row for row in map(json.loads, log) if row["kind"] == "slot"]


def test_a_reloaded_page_goes_on_with_its_conversation(
    tidy_server: Served, open_beeping: OpenPage, tmp_path: Path
) -> None:
    with open_beeping(tidy_server.url) as page:
        connect(page)
        said = wait_for_more(page)
        page.reload()
        expect_state(page, "live")
        assert page.evaluate(SAID) >= said
        expect_sessions(page, 1)
        wait_for_more(page)
        end(page)
        slots = [row["slot"] for row in rows_of(page, tmp_path)]
        page.reload()
        expect_state(page, "idle")
    assert slots == list(range(len(slots)))


def test_a_server_that_was_killed_is_started_again(
    make_server: MakeServer, open_beeping: OpenPage, tmp_path: Path
) -> None:
    """The page has a token of its own, which the next server knows too."""
    server = make_server(rows=1, token="open-sesame")
    with open_beeping(server.url) as page:
        connect(page)
        wait_for_more(page)
        server.kill()
        expect(page.locator("#notice")).to_have_attribute("data-code", "reconnecting")
        make_server(rows=1, port=urlsplit(server.url).port, token="open-sesame")
        expect(page.locator("#notice")).to_be_hidden()
        wait_for_more(page)
        rows = end_and_read(page, tmp_path)
    assert sum("restarted" in row["degraded"] for row in rows) == 1  # type: ignore[operator, misc]


def test_a_server_that_is_started_again_with_another_token_asks_for_it(
    make_server: MakeServer, open_beeping: OpenPage
) -> None:
    server = make_server(rows=1, token="open-sesame")
    with open_beeping(server.url) as page:
        connect(page)
        server.kill()
        make_server(rows=1, port=urlsplit(server.url).port, token="another-word")
        expect(page.locator("#notice")).to_contain_text("needs its token")
        page.fill("#token", "another-word")
        page.click("#token-form button")
        expect_state(page, "live")
        end(page)


@pytest.fixture
def call(make_server: MakeServer, beeping: Browser, relay: Relay) -> Iterator[Page]:
    """A conversation through the relay, in which something has been said."""
    server = make_server(rows=1)
    with beeping.new_context(bypass_csp=True) as context:
        page = context.new_page()
        relay.install(page)
        with watch(page, server.url):
            connect(page)
            wait_for_more(page)
            yield page


def end_and_read(page: Page, folder: Path) -> list[dict[str, object]]:
    """End the conversation; returns its slots, which follow each other without a gap."""
    page.click("#end")
    expect_state(page, "ended")
    rows = rows_of(page, folder)
    assert [row["slot"] for row in rows] == list(range(len(rows)))
    return rows


def test_ten_seconds_without_a_network(call: Page, relay: Relay, tmp_path: Path) -> None:
    relay.is_cut = True
    call.context.set_offline(True)
    expect(call.locator("#notice")).to_have_attribute("data-code", "reconnecting")
    expect(call.locator("#status-text")).to_have_text("Reconnecting…")
    call.wait_for_timeout(OUTAGE_MS)
    relay.is_cut = False
    call.context.set_offline(False)
    expect(call.locator("#notice")).to_be_hidden(timeout=3_000)
    wait_for_more(call)
    rows = end_and_read(call, tmp_path)
    away = [row["slot"] for row in rows if "absent" in row["degraded"]]  # type: ignore[operator]
    assert len(away) >= 30
    assert all(row["state"] == "MUTE" for row in rows if row["slot"] in away[3:])


def test_the_address_of_the_user_changes(call: Page, relay: Relay, tmp_path: Path) -> None:
    before, after = relay.change_address()
    assert before != after
    wait_for_more(call)
    wait_for_more(call)
    assert len(end_and_read(call, tmp_path)) > 5
