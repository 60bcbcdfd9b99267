"""What tests of the page do and ask: begin, end, what is open, how many sessions there are, what has the focus."""

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
    """End it, and see that nothing is left open, here or on the server."""
    page.click("#end")
    expect_state(page, "ended")
    assert still_open(page) == [0, 0]
    expect_sessions(page, 0)


def expect_state(page: Page, state: str) -> None:
    """The page comes to a state."""
    expect(page.locator("body")).to_have_attribute("data-state", state)


def still_open(page: Page) -> Any:
    """How many microphones and connections are open, in pages with `BOOK`."""
    return page.evaluate("stillOpen()")


def expect_sessions(page: Page, count: int) -> None:
    """The server comes to have so many sessions, well before it gives a silent connection up by itself (ICE: 30 s)."""
    page.wait_for_function(SESSIONS, arg=count, timeout=10_000, polling=100)


def find_focus(page: Page) -> str:
    """Id of what has the focus; empty for the page itself."""
    found: str = page.evaluate("document.activeElement?.id ?? ''")
    return found
