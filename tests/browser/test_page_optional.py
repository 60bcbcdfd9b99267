"""What a browser may lack or refuse: optional facilities harm no session, required ones leave nothing open."""

import pytest
from playwright.sync_api import Page, expect

from tests.browser.calls import REFUSE, connect, end, expect_sessions, expect_state, still_open
from tests.browser.conftest import OpenPage, Served

pytestmark = pytest.mark.browser

OPTIONAL = {
    "microphone of another rate": (
        "AudioContext.prototype.createMediaStreamSource = () => refuse();",
        {"microphone level"},
    ),
    "no more audio contexts": ("window.AudioContext = class { constructor() { refuse(); } };", {"microphone level"}),
    "no Web Audio": ("delete window.AudioContext;", {"microphone level"}),
    "a meter that breaks while it is drawn": (
        "AnalyserNode.prototype.getFloatTimeDomainData = () => refuse();",
        {"microphone level"},
    ),
    "closed storage": (
        """for (const name of ["localStorage", "sessionStorage"]) {
             Object.defineProperty(window, name, { get: () => refuse("SecurityError") });
           }""",
        {"localStorage", "sessionStorage"},
    ),
    "full storage": ("Storage.prototype.setItem = () => refuse('QuotaExceededError');", {"localStorage"}),
    "junk in storage": ("Storage.prototype.getItem = () => '{';", {"kept settings", "kept conversation"}),
    "devices that are not told": (
        """MediaDevices.prototype.enumerateDevices = refused;
           MediaDevices.prototype.addEventListener = () => refuse();""",
        {"device list", "device changes"},
    ),
    "no canvas": ("HTMLCanvasElement.prototype.getContext = () => null;", {"timeline"}),
    "an old canvas": ("delete CanvasRenderingContext2D.prototype.roundRect;", {"timeline"}),
    "no size observer": ("delete window.ResizeObserver;", {"size observer"}),
    "no media queries": ("window.matchMedia = () => refuse();", {"media queries"}),
    "no jitter buffer target": (
        "Object.defineProperty(RTCRtpReceiver.prototype, 'jitterBufferTarget', { set: () => refuse() });",
        {"jitter buffer target"},
    ),
    "no dialogs": ("delete HTMLDialogElement.prototype.showModal;", {"dialogs"}),
    "no focus": ("HTMLElement.prototype.focus = () => refuse();", {"focus"}),
}
"""What breaks, and which facilities the page then does without."""
ALL = (
    "\n".join(script for script, _ in OPTIONAL.values()),
    set().union(*(lost for _, lost in OPTIONAL.values())) - {"kept settings", "kept conversation", "size observer"},
)
"""Closed storage keeps no junk, and a picture that is not there has no size."""


@pytest.mark.parametrize(("script", "without"), [*OPTIONAL.values(), ALL], ids=[*OPTIONAL, "all of this at once"])
def test_a_call_goes_on_without(script: str, without: set[str], tidy_server: Served, open_beeping: OpenPage) -> None:
    with open_beeping(tidy_server.url, REFUSE + script, without) as page:
        page.click("#open-settings")
        if "dialogs" not in without:
            page.click("#settings button[type=submit]")
        page.click("#theme")
        connect(page)
        expect(page.locator("#step")).to_contain_text("ms")
        assert still_open(page) == [1, 1]
        assert page.locator("#level").is_visible() == ("microphone level" not in without)
        assert page.locator("#timeline").is_visible() == ("timeline" not in without)
        expect(page.locator("#notice")).to_be_hidden()
        page.click("#end")
        expect_state(page, "ended")
        assert still_open(page) == [0, 0]
        expect(page.locator("#download-recording")).to_be_visible()


BREAK = """
window.broken = true;
const breakIn = (owner, name, when = () => true) => {
  const real = owner[name];
  owner[name] = function (...given) {
    if (window.broken && when(...given)) refuse("OperationError");
    return real.apply(this, given);
  };
};
"""
REQUIRED = {
    "no data channel": "breakIn(RTCPeerConnection.prototype, 'createDataChannel');",
    "the microphone cannot be sent": "breakIn(RTCPeerConnection.prototype, 'addTrack');",
    "no offer": "breakIn(RTCPeerConnection.prototype, 'setLocalDescription');",
    "the answer cannot be used": "breakIn(RTCPeerConnection.prototype, 'setRemoteDescription');",
    "no timers": "breakIn(window, 'setInterval');",
    "a fault after the start": "breakIn(Element.prototype, 'setAttribute', (name) => name === 'aria-pressed');",
}


@pytest.mark.parametrize("script", REQUIRED.values(), ids=list(REQUIRED))
def test_what_fails_ends_the_session_and_try_again_begins_one(
    script: str, tidy_server: Served, open_beeping: OpenPage
) -> None:
    with open_beeping(tidy_server.url, REFUSE + BREAK + script) as page:
        page.click("#connect")
        expect_state(page, "error")
        expect(page.locator("#notice")).to_contain_text("Something went wrong")
        expect_nothing_left(page)
        page.evaluate("window.broken = false")
        connect(page, "#retry")
        assert still_open(page) == [1, 1]
        expect_sessions(page, 1)
        end(page)


def expect_nothing_left(page: Page) -> None:
    """No microphone, no connection, and the place on the server is free."""
    assert still_open(page) == [0, 0]
    expect_sessions(page, 0)


LATE = """
const give = navigator.mediaDevices.getUserMedia;
navigator.mediaDevices.getUserMedia = async (wanted) => {
  const stream = await give(wanted);
  await new Promise((resolve) => (window.grant = resolve));
  return stream;
};
"""


def test_a_microphone_that_comes_after_the_page_has_left_is_stopped(
    tidy_server: Served, open_beeping: OpenPage
) -> None:
    """As when the page enters the browser's back/forward cache while the user is being asked."""
    with open_beeping(tidy_server.url, LATE) as page:
        page.click("#connect")
        page.wait_for_function("window.grant !== undefined")
        page.evaluate("window.dispatchEvent(new Event('pagehide'))")
        expect_state(page, "error")
        page.evaluate("window.grant()")
        page.wait_for_function("stillOpen().join() === '0,0'")
        expect_sessions(page, 0)


def test_a_server_that_does_not_say_what_it_runs_is_talked_to(tidy_server: Served, open_beeping: OpenPage) -> None:
    script = """const real = window.fetch;
      window.fetch = async (address, ...more) =>
        String(address).endsWith("api/status") ? new Response("<html>") : real(address, ...more);"""
    with open_beeping(tidy_server.url, script) as page:
        connect(page)
        page.click("#end")
        expect_state(page, "ended")
