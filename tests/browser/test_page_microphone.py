"""The microphone is unplugged, switched off or replaced by another during the conversation."""

import json
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from playwright.sync_api import Page, expect

from tests.browser.calls import REFUSE, connect, end, expect_state, find_focus, still_open
from tests.browser.conftest import OpenPage, Served

pytestmark = pytest.mark.browser

DEVICES = """
window.plugged = true;
const take = navigator.mediaDevices.getUserMedia;
navigator.mediaDevices.getUserMedia = async (wanted) =>
  window.plugged ? take(wanted) : refuse(window.why ?? "NotFoundError");
window.unplug = () => {
  const track = opened.tracks.at(-1);
  track.stop();
  track.dispatchEvent(new Event("ended"));
};
window.changed = () => navigator.mediaDevices.dispatchEvent(new Event("devicechange"));
window.sender = () => opened.connections.at(-1).getSenders()[0];
window.packets = async () => {
  const reports = [...(await sender().getStats()).values()];
  return reports.find((report) => report.type === "outbound-rtp").packetsSent;
};
"""
"""Unplugging as the page sees it: the track ends, nothing can be opened, and a change of the devices is told."""
MORE_PACKETS = "async (before) => await packets() > before + 100"
OURS = "sender().track === opened.tracks.at(-1) && sender().track.readyState === 'live'"


@contextmanager
def call(server: Served, open_beeping: OpenPage, script: str = "") -> Iterator[Page]:
    """A page in a conversation."""
    with open_beeping(server.url, REFUSE + DEVICES + script) as page:
        connect(page)
        yield page
        end(page)


def test_the_microphone_that_is_there_now_is_taken(tidy_server: Served, open_beeping: OpenPage) -> None:
    with call(tidy_server, open_beeping) as page:
        page.click("#mute")
        page.evaluate("unplug()")
        expect(page.locator("#notice")).to_contain_text(
            "Your microphone has changed. The conversation continues with Fake"
        )
        assert page.evaluate(OURS)
        assert still_open(page) == [1, 1]
        assert not page.evaluate("sender().track.enabled"), "who was muted stays muted"
        page.click("#mute")
        heard = page.locator(".says.user").count()
        expect(page.locator(".says.user").nth(heard)).to_be_attached()
        page.click("#notice-action")
        expect(page.locator("#notice")).to_be_hidden()
        assert find_focus(page) == "end"


def test_without_another_one_it_says_so_and_waits_for_one(tidy_server: Served, open_beeping: OpenPage) -> None:
    with call(tidy_server, open_beeping) as page:
        page.evaluate("plugged = false; unplug()")
        expect(page.locator("#notice")).to_contain_text("Your microphone is gone. Plug one in")
        assert still_open(page) == [0, 1]
        expect(page.locator("#status-text")).to_have_text("No microphone")
        assert page.get_attribute("#level", "aria-valuenow") == "0"
        before = page.evaluate("packets()")
        page.wait_for_function(MORE_PACKETS, arg=before)  # silence: the server keeps hearing something
        page.evaluate("changed()")
        expect(page.locator("#notice")).to_contain_text("Your microphone is gone.")
        page.evaluate("plugged = true; changed()")
        expect(page.locator("#notice")).to_contain_text("Your microphone has changed.")
        assert page.evaluate(OURS)
        assert still_open(page) == [1, 1]


def test_one_that_may_not_be_opened_says_why_and_can_be_tried_again(
    tidy_server: Served, open_beeping: OpenPage
) -> None:
    with call(tidy_server, open_beeping) as page:
        page.evaluate("plugged = false; why = 'NotAllowedError'; unplug()")
        expect(page.locator("#notice")).to_contain_text("Your microphone is gone. The microphone is blocked.")
        page.evaluate("plugged = true")
        page.click("#notice-action")
        expect(page.locator("#notice")).to_contain_text("Your microphone has changed.")


def test_a_microphone_that_comes_and_goes_is_not_asked_for_without_end(
    tidy_server: Served, open_beeping: OpenPage
) -> None:
    with call(tidy_server, open_beeping) as page:
        page.evaluate("unplug()")
        expect(page.locator("#notice")).to_contain_text("has changed")
        page.evaluate("unplug()")
        expect(page.locator("#notice")).to_contain_text("is gone")
        assert page.evaluate("opened.tracks.length") == 2
        page.evaluate("changed()")
        expect(page.locator("#notice")).to_contain_text("has changed")


OTHER = """
const told = navigator.mediaDevices.enumerateDevices.bind(navigator.mediaDevices);
const headset = { kind: "audioinput", deviceId: "headset", groupId: "headset", label: "Headset" };
navigator.mediaDevices.enumerateDevices = async () =>
  window.headsetIsDefault
  ? [{ ...headset, deviceId: "default", label: "Default - Headset" }, headset, ...(await told())]
  : [...(await told()), ...(window.headsetIsThere ? [headset] : [])];
"""


def test_a_new_default_is_offered_and_another_device_is_not(tidy_server: Served, open_beeping: OpenPage) -> None:
    with call(tidy_server, open_beeping, OTHER) as page:
        page.evaluate("headsetIsThere = true; changed()")
        page.evaluate("navigator.mediaDevices.enumerateDevices()")
        expect(page.locator("#notice")).to_be_hidden()
        page.evaluate("headsetIsDefault = true; changed()")
        expect(page.locator("#notice")).to_contain_text(
            "There is another microphone. Headset is now the default on this device"
        )
        assert page.evaluate("opened.tracks.length") == 1, "the one that works is not taken away unasked"
        page.click("#notice-action")
        expect(page.locator("#notice")).to_contain_text("has changed")
        assert page.evaluate(OURS)
        assert still_open(page) == [1, 1]


def test_a_switch_that_turns_it_off_is_told_until_it_is_on_again(tidy_server: Served, open_beeping: OpenPage) -> None:
    with call(tidy_server, open_beeping) as page:
        page.evaluate("opened.tracks[0].dispatchEvent(new Event('mute'))")
        expect(page.locator("#notice")).to_contain_text("Your microphone is off.")
        page.evaluate("opened.tracks[0].dispatchEvent(new Event('unmute'))")
        expect(page.locator("#notice")).to_be_hidden()


def test_who_plugs_in_nothing_is_told_so_at_the_end(tidy_server: Served, open_beeping: OpenPage) -> None:
    """Shorten minutes: the page's long timers fire at once."""
    hasten = """const real = window.setTimeout;
      window.setTimeout = (run, ms, ...more) => real(run, ms === 60000 ? 10 : ms, ...more);"""
    with open_beeping(tidy_server.url, REFUSE + DEVICES + hasten) as page:
        connect(page)
        page.evaluate("plugged = false; unplug()")
        expect_state(page, "ended")
        expect(page.locator("#notice")).to_contain_text("Your microphone is gone. Plug one in or switch it on. You can")
        assert still_open(page) == [0, 0]


@pytest.mark.parametrize(
    ("code", "title"),
    [
        ("echo", "The assistant hears itself."),
        ("recording_stopped", "The recording has stopped."),
        ("tomorrow", "The server says:"),
    ],
)
def test_a_notice_of_the_server_is_shown(tidy_server: Served, open_beeping: OpenPage, code: str, title: str) -> None:
    with call(tidy_server, open_beeping) as page:
        message = {"type": "notice", "code": code, "message": "Use headphones."}
        tell = "(data) => opened.channels.at(-1).dispatchEvent(new MessageEvent('message', { data }))"
        page.evaluate(tell, json.dumps(message))
        expect(page.locator("#notice-title")).to_have_text(title)
        expect(page.locator("#notice-text")).to_have_text("Use headphones.")
        page.click("#notice-action")
        expect(page.locator("#notice")).to_be_hidden()
