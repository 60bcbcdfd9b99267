"""A page that is closed gives up its place on the server at once, whatever it was doing."""

import pytest
from playwright.sync_api import Page, expect

from tests.browser.calls import REFUSE, connect, end, expect_sessions, expect_state
from tests.browser.conftest import MakeServer, OpenPage, Served

pytestmark = pytest.mark.browser


def start_and_reload(page: Page) -> None:
    """Begin a conversation, and reload while it is being opened."""
    page.click("#connect")
    reload_once_known(page)


def reload_once_known(page: Page) -> None:
    """Reload as soon as the server has a session, which it must free at once."""
    expect_sessions(page, 1)
    page.reload()
    expect_sessions(page, 0)


def test_two_reloads_while_the_offer_is_answered_leave_the_only_place_free(
    make_server: MakeServer, open_beeping: OpenPage
) -> None:
    """The session's id is not known yet, and the server requires its token."""
    server = make_server(rows=1, token="open-sesame", answer_s=4)
    with open_beeping(server.url) as page:
        start_and_reload(page)
        start_and_reload(page)
        connect(page)
        end(page)


STUCK = "RTCPeerConnection.prototype.setRemoteDescription = () => new Promise(() => {});"
CUT_OFF = REFUSE + "Navigator.prototype.sendBeacon = () => refuse();"


def test_a_reload_between_answer_and_connection_frees_the_place(tidy_server: Served, open_beeping: OpenPage) -> None:
    with open_beeping(tidy_server.url, STUCK) as page:
        with page.expect_response("**/api/offer"):
            page.click("#connect")
        reload_once_known(page)


@pytest.mark.parametrize("script", ["", CUT_OFF], ids=["beacon", "no beacon"])
def test_a_page_that_is_closed_in_the_midst_of_a_conversation_frees_the_place(
    script: str, tidy_server: Served, open_beeping: OpenPage
) -> None:
    with open_beeping(tidy_server.url, script) as page:
        connect(page)
        page.goto("about:blank")
        page.goto(tidy_server.url + "/icon.svg")
        expect_sessions(page, 0)


def test_a_page_that_is_brought_back_from_the_browsers_cache_has_ended(
    tidy_server: Served, open_beeping: OpenPage
) -> None:
    with open_beeping(tidy_server.url) as page:
        connect(page)
        page.evaluate("window.dispatchEvent(new PageTransitionEvent('pagehide', { persisted: true }))")
        expect_state(page, "ended")
        expect_sessions(page, 0)
        connect(page, "#again")
        end(page)


KEPT = "JSON.stringify([{ ...sessionStorage }, { ...localStorage }, document.cookie])"
REQUESTED = "performance.getEntriesByType('resource').map((one) => one.name).join()"


def test_a_token_leaves_the_address_and_is_remembered(make_server: MakeServer, open_beeping: OpenPage) -> None:
    server = make_server(token="open-sesame")
    with open_beeping(server.url.replace("/#", "/?other=1#")) as page:
        assert page.evaluate("location.search + location.hash") == "?other=1"
        assert "open-sesame" not in page.evaluate(REQUESTED)
        expect_sessions(page, 0)
        assert "open-sesame" not in page.evaluate(KEPT)
        page.reload()
        connect(page)
        end(page)


def test_a_token_that_comes_into_the_address_later_is_used_too(make_server: MakeServer, open_beeping: OpenPage) -> None:
    server = make_server(token="open-sesame")
    page_url, _, fragment = server.url.partition("#")
    with open_beeping(page_url) as page:
        expect(page.locator("#token")).to_be_visible()
        page.evaluate("(fragment) => (location.hash = fragment)", fragment)
        page.wait_for_function("location.hash === ''")
        expect(page.locator("#token")).to_be_hidden()
        connect(page)
        end(page)
