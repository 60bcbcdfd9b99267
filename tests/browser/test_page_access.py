"""The page with a keyboard and a screen reader: where the focus is, what is announced while the microphone is open."""

import pytest
from playwright.sync_api import Page, expect

from tests.browser.calls import REFUSE, connect, end, expect_state, find_focus
from tests.browser.conftest import OpenPage, Served

pytestmark = pytest.mark.browser

ANNOUNCED = """() => {
  const quiet = (element) => !element.checkVisibility() || element.ariaLive === "off";
  const regions = document.querySelectorAll("[aria-live], [role=status], [role=alert], [role=log]");
  return [...regions].filter((region) => !quiet(region)).map((region) => region.id);
}"""
"""Ids of what a screen reader would announce by itself when it changes."""


def test_the_keyboard_goes_from_start_to_end_and_back(tidy_server: Served, open_beeping: OpenPage) -> None:
    with open_beeping(tidy_server.url) as page:
        assert find_focus(page) == ""
        page.focus("#connect")
        page.keyboard.press("Enter")
        expect_state(page, "live")
        assert find_focus(page) == "end"
        page.keyboard.press("Enter")
        expect_state(page, "ended")
        assert find_focus(page) == "again"
        page.keyboard.press("Enter")
        expect_state(page, "live")
        assert find_focus(page) == "end"
        end(page)


def test_the_focus_waits_on_start_while_it_connects(tidy_server: Served, open_beeping: OpenPage) -> None:
    waiting = "navigator.mediaDevices.getUserMedia = () => new Promise(() => {});"
    with open_beeping(tidy_server.url, waiting) as page:
        page.focus("#connect")
        page.keyboard.press("Enter")
        expect_state(page, "connecting")
        assert find_focus(page) == "connect"
        page.keyboard.press("Enter")
        assert page.get_attribute("#connect", "aria-disabled") == "true"


def test_a_problem_gets_the_focus_where_it_can_be_solved(tidy_server: Served, open_beeping: OpenPage) -> None:
    script = "window.broken = true; const real = RTCPeerConnection.prototype.addTrack;" + (
        "RTCPeerConnection.prototype.addTrack = function (...given)"
        "{ if (window.broken) refuse(); return real.apply(this, given); };"
    )
    with open_beeping(tidy_server.url, REFUSE + script) as page:
        page.click("#connect")
        expect_state(page, "error")
        assert find_focus(page) == "retry"
        page.evaluate("window.broken = false")
        page.keyboard.press("Enter")
        expect_state(page, "live")
        assert find_focus(page) == "end"
        end(page)


def read_announcements(page: Page) -> list[str]:
    found: list[str] = page.evaluate(ANNOUNCED)
    return found


def test_nothing_is_announced_into_the_open_microphone(tidy_server: Served, open_beeping: OpenPage) -> None:
    with open_beeping(tidy_server.url) as page:
        assert read_announcements(page) == ["status"]
        connect(page)
        assert read_announcements(page) == []
        expect(page.locator(".says.user").first).to_be_attached()
        assert read_announcements(page) == []
        page.click("#mute")
        assert read_announcements(page) == [], "the assistant's voice says what its captions say"
        end(page)
        assert read_announcements(page) == ["status"]


WRITTEN = """const real = window.fetch;
window.fetch = async (address, ...more) => {
  const answer = await real(address, ...more);
  if (!String(address).endsWith("api/status")) return answer;
  return new Response(JSON.stringify({ ...(await answer.json()), patterns: ["S2T"] }));
};
"""
"""The server says that its model has a pattern in which it writes."""


def test_an_answer_in_writing_is_announced_while_the_microphone_is_muted(
    tidy_server: Served, open_beeping: OpenPage
) -> None:
    """Only the page sends a pattern; this model accepts none, so it is removed on the way to the server."""
    without = """const posted = window.fetch;
      window.fetch = (address, what) =>
        posted(address, { ...what, body: what?.body?.replace('"pattern":"S2T"', '"pattern":null') });"""
    with open_beeping(tidy_server.url, WRITTEN + without) as page:
        page.click("#open-settings")
        page.select_option("#pattern", "S2T")
        page.click("#settings button[type=submit]")
        connect(page)
        assert read_announcements(page) == []
        page.click("#mute")
        assert read_announcements(page) == ["captions"]
        page.click("#mute")
        assert read_announcements(page) == []
        end(page)


def test_a_spoken_caption_says_who_and_what_was_not_heard(tidy_server: Served, open_beeping: OpenPage) -> None:
    captions = """async () => {
      const { Captions } = await import("./captions.js");
      const list = document.getElementById("captions");
      const captions = new Captions(list);
      captions.take({ type: "user", turn: 0, text: "Count." });
      captions.take({ type: "planned", answer: 0, first: 0, words: ["One", "two"] });
      captions.take({ type: "cut", answer: 0, heard: 1 });
      document.getElementById("live").hidden = false;
    }"""
    with open_beeping(tidy_server.url) as page:
        page.evaluate(captions)
        expect(page.locator("#captions")).to_match_aria_snapshot("""
          - list "What was said":
            - listitem: "You: Count."
            - listitem: "Assistant: One not heard: two interrupted"
        """)


def test_the_level_is_told_once_a_second_and_drawn_with_every_frame(
    tidy_server: Served, open_beeping: OpenPage
) -> None:
    watching = """new Promise((resolve) => {
        const began = performance.now();
        let told = 0;
        new MutationObserver((all) => (told += all.length)).observe(
          document.getElementById("level"), { attributes: true, attributeFilter: ["aria-valuenow"] });
        let left = 60;
        const next = () =>
          left-- ? requestAnimationFrame(next) : resolve({ told, seconds: (performance.now() - began) / 1000 });
        next();
      })"""
    with open_beeping(tidy_server.url) as page:
        connect(page)
        seen = page.evaluate(watching)
        assert seen["told"] <= 1 + seen["seconds"]
        end(page)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_end_button_can_be_read_in_both_schemes(scheme: str, tidy_server: Served, open_beeping: OpenPage) -> None:
    """A contrast of at least 4.5 to 1 (WCAG 2.2, 1.4.3)."""
    contrast = """() => {
      const style = getComputedStyle(document.getElementById("end"));
      const light = (colour) => {
        const [r, g, b] = colour.match(/[\\d.]+/g).slice(0, 3).map((part) => part / 255)
          .map((part) => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4));
        return 0.2126 * r + 0.7152 * g + 0.0722 * b + 0.05;
      };
      const [one, two] = [light(style.color), light(style.backgroundColor)];
      return Math.max(one, two) / Math.min(one, two);
    }"""
    with open_beeping(tidy_server.url, color_scheme=scheme) as page:
        assert page.evaluate(contrast) >= 4.5
