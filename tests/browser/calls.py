"""Helpers for tests of the page: begin and end a conversation, and ask what is open, counted or focused."""

from typing import Any

from playwright.sync_api import Page, expect

REFUSE = """
const refuse = (kind = "NotSupportedError") => { throw new DOMException("refused by the test", kind); };
const refused = async () => refuse();
"""
"""`refuse()` throws as a browser does, `refused()` rejects."""

SESSIONS = """async (count) => {
  const token = sessionStorage.getItem("duplex.token");
  const headers = token ? { Authorization: `Bearer ${token}` } : {};
  const status = await fetch("api/status", { headers });
  return (await status.json()).sessions === count;
}"""


def connect(page: Page, button: str = "#connect") -> None:
    """Begin a conversation."""
    page.click(button)
    expect_state(page, "live")


def end(page: Page) -> None:
    """End it, and check that nothing is left open, here or on the server."""
    page.click("#end")
    expect_state(page, "ended")
    assert still_open(page) == [0, 0]
    expect_sessions(page, 0)


def expect_state(page: Page, state: str) -> None:
    """Wait until the page reaches a state."""
    expect(page.locator("body")).to_have_attribute("data-state", state)


def still_open(page: Page) -> Any:
    """How many microphones and connections are open; for pages with `BOOK`."""
    return page.evaluate("stillOpen()")


def expect_sessions(page: Page, count: int) -> None:
    """Wait for this number of sessions, far less time than the server takes to drop a silent connection (ICE: 30 s)."""
    page.wait_for_function(SESSIONS, arg=count, timeout=10_000, polling=100)


def find_focus(page: Page) -> str:
    """Id of the focused element; empty for the page itself."""
    found: str = page.evaluate("document.activeElement?.id ?? ''")
    return found
