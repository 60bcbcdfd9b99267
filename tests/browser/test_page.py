"""The page in a real browser: a spoken conversation with an interruption, and everything that can go wrong before it.

The microphone is a sound file. What the user would hear is checked in the recording that the page offers.
"""

import json
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.browser.calls import connect
from tests.browser.conftest import MakeServer, OpenPage, Served
from tests.browser.conversation import FAKE, REPOSITORY, SPEAKER, Loudness, check_recording, download, microphone, say

pytestmark = pytest.mark.browser
MINI = REPOSITORY / "duplex" / "pretrained" / "mini" / "mind.yaml"
FAKE_SOUNDS = Loudness(before_cut=20, around_cut=(-50, 30), of_user=5, second_answer=20)
MINI_SOUNDS = Loudness(before_cut=10, around_cut=(-25, 50), of_user=10, second_answer=10)
"""The embedded model answers in few words, and may fall silent before the user is well under way."""
needs_mini = pytest.mark.skipif(not MINI.is_file(), reason="the embedded model is not in this checkout")

ANSWERED = """(text) => {
  const last = [...document.querySelectorAll(".says.assistant")].at(-1);
  const open = last?.querySelector(".tag, .word:not(.heard, .now)");
  return last && !open && last.innerText.includes(text);
}"""
"""Whether the last answer has `text` and was heard to its end."""

COLOURS = """() => {
  const canvas = document.getElementById("timeline");
  const pixels = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data;
  const seen = new Set();
  for (let i = 0; i < pixels.length; i += 4) if (pixels[i + 3] > 200) seen.add(pixels.slice(i, i + 3).join());
  return seen.size;
}"""
"""How many opaque colours the timeline shows."""


def test_a_question_an_interruption_and_a_second_answer(
    make_server: MakeServer, open_page: OpenPage, tmp_path: Path
) -> None:
    script = FAKE
    wav, _ = microphone(tmp_path / "microphone.wav", script)
    server = make_server(model=script.model)
    with open_page(server.url, wav, viewport={"width": 1280, "height": 860}, bypass_csp=True) as page:
        connect(page)
        expect(page.locator(".says.assistant .tag")).to_be_visible(timeout=script.patience_s * 1000)
        page.wait_for_function(ANSWERED, arg=script.second_answer, timeout=script.patience_s * 1000)
        interrupted = page.locator(".says.assistant", has=page.locator(".tag")).first
        assert interrupted.locator(".unheard").count() > 0
        assert page.locator(".says.user").count() >= 2
        assert page.inner_text("#response-last") != "–"
        assert page.inner_text("#stop-last") != "–"
        page.click("#end")
        expect(page.locator("body")).to_have_attribute("data-state", "ended")
        recording = download(page, "#download-recording", tmp_path / "recording.wav")
        transcript = json.loads(download(page, "#download-transcript", tmp_path / "transcript.json").read_text())
        log = download(page, "#download-slots", tmp_path / "slots.jsonl").read_text().splitlines()
    check_recording(recording, [json.loads(line) for line in log], FAKE_SOUNDS)
    answers = transcript["assistant"]["answers"]
    assert "cut" in [answer["how"] for answer in answers]
    assert script.second_answer in answers[-1]["text"]


@needs_mini
def test_the_embedded_model_is_asked_interrupted_and_asked_again(
    make_server: MakeServer, open_page: OpenPage, tmp_path: Path
) -> None:
    server = make_server(model="mini")
    with open_page(server.url, bypass_csp=True) as page:
        page.evaluate(SPEAKER)
        connect(page)
        say(page, "count_to_thirty")
        expect(page.locator(".says.assistant .word.heard").first).to_be_attached()
        say(page, "capital_of_norway")
        expect(page.locator(".says.assistant .tag").first).to_be_visible()
        expect(page.locator(".says.user").last).to_contain_text("Norway")
        page.wait_for_function(ANSWERED, arg="Oslo")
        page.click("#end")
        recording = download(page, "#download-recording", tmp_path / "recording.wav")
        log = download(page, "#download-slots", tmp_path / "slots.jsonl").read_text().splitlines()
    check_recording(recording, [json.loads(line) for line in log], MINI_SOUNDS)


def test_the_page_fits_a_phone_and_both_themes(server: Served, open_page: OpenPage, tmp_path: Path) -> None:
    wav, _ = microphone(tmp_path / "microphone.wav", FAKE)
    with open_page(server.url, wav, viewport={"width": 360, "height": 740}, color_scheme="dark") as page:
        connect(page)
        expect(page.locator(".says.assistant").first).to_be_visible()
        assert page.evaluate("document.documentElement.scrollWidth") <= 360
        box = page.locator("#end").bounding_box()
        assert box is not None
        assert box["y"] + box["height"] <= 740
        dark = page.evaluate("getComputedStyle(document.documentElement).backgroundColor")
        page.click("#theme")
        assert page.evaluate("getComputedStyle(document.documentElement).backgroundColor") != dark
        assert page.evaluate(COLOURS) > 3


CAPTIONS = """async (messages) => {
  const { Captions } = await import("./captions.js");
  const list = document.createElement("ul");
  const captions = new Captions(list);
  for (const message of messages) captions.take(message);
  return [...list.children].map((bubble) => bubble.innerText);
}"""
"""What the captions show after messages of the server."""


def test_an_answer_of_which_nothing_was_heard_leaves_no_caption(server: Served, open_page: OpenPage) -> None:
    planned = {"type": "planned", "answer": 0, "first": 0, "words": ["One", "two"]}
    spoken = {"type": "spoken", "answer": 0, "index": 0, "text": "One"}
    with open_page(server.url) as page:
        taken_back = page.evaluate(CAPTIONS, [planned, {"type": "cut", "answer": 0, "heard": 0}])
        cut = page.evaluate(CAPTIONS, [planned, spoken, {"type": "cut", "answer": 0, "heard": 1}])
    assert taken_back == []
    assert cut == ["Assistant: One not heard: two interrupted"]


def test_settings_reach_the_server(server: Served, open_page: OpenPage, tmp_path: Path) -> None:
    wav, _ = microphone(tmp_path / "microphone.wav", FAKE)
    with open_page(server.url, wav) as page:
        page.click("#open-settings")
        page.check("input[value=patient]")
        page.fill("#system-prompt", "Be brief.")
        page.fill("#seed", "42")
        page.click("#settings button[type=submit]")
        page.reload()
        connect(page)
        page.click("#end")
        log = download(page, "#download-slots", tmp_path / "slots.jsonl").read_text()
    options = json.loads(log.splitlines()[0])["options"]
    assert (options["seed"], options["system_prompt"]) == (42, "Be brief.")
    assert options["policy"]["start"]["slots"] == 3


def test_a_blocked_microphone_says_what_to_do(server: Served, open_page: OpenPage) -> None:
    with open_page(server.url) as page:
        page.evaluate("""() => { navigator.mediaDevices.getUserMedia =
          () => Promise.reject(new DOMException("denied", "NotAllowedError")); }""")
        page.click("#connect")
        expect(page.locator("#notice")).to_contain_text("allow the microphone for this page")
        expect(page.locator("#retry")).to_be_visible()


def test_a_machine_without_microphone_says_what_to_do(server: Served, open_page: OpenPage) -> None:
    with open_page(server.url, permissions=["microphone"]) as page:
        page.click("#connect")
        expect(page.locator("#notice")).to_contain_text("No microphone was found. Plug one in", use_inner_text=True)
        expect(page.locator("body")).to_have_attribute("data-state", "error")


@pytest.mark.parametrize(
    ("break_it", "text"),
    [
        ("Object.defineProperty(window, 'isSecureContext', {value: false})", "http://localhost"),
        ("delete window.RTCPeerConnection", "no WebRTC"),
        ("Object.defineProperty(navigator, 'mediaDevices', {value: undefined})", "cannot record sound"),
    ],
)
def test_a_browser_that_cannot_says_what_to_do(break_it: str, text: str, server: Served, open_page: OpenPage) -> None:
    with open_page(server.url) as page:
        page.add_init_script(break_it)
        page.reload()
        expect(page.locator("#notice")).to_contain_text(text)
        expect(page.locator("#retry")).to_be_hidden()


def test_a_full_server_a_lost_one_and_another_try(make_server: MakeServer, open_page: OpenPage, tmp_path: Path) -> None:
    wav, _ = microphone(tmp_path / "microphone.wav", FAKE)
    server = make_server(rows=1)
    with open_page(server.url, wav) as page:
        connect(page)
        second = page.context.new_page()
        second.goto(server.url)
        second.click("#connect")
        expect(second.locator("#notice")).to_contain_text("All places are taken")
        page.click("#end")
        expect(page.locator("body")).to_have_attribute("data-state", "ended")
        second.click("#retry")
        expect(second.locator("body")).to_have_attribute("data-state", "live")
        server.stop()
        expect(second.locator("#notice")).to_be_visible()
        expect(second.locator("body")).to_have_attribute("data-state", "ended")
        second.click("#retry")
        expect(second.locator("#notice")).to_contain_text("The server does not answer")


def test_a_server_with_a_token_asks_for_it(make_server: MakeServer, open_page: OpenPage, tmp_path: Path) -> None:
    wav, _ = microphone(tmp_path / "microphone.wav", FAKE)
    server = make_server(token="open-sesame")
    with open_page(server.url.split("#")[0], wav) as page:
        expect(page.locator("#notice")).to_contain_text("needs its token")
        page.fill("#token", "open-sesame")
        page.click("#token-form button")
        expect(page.locator("body")).to_have_attribute("data-state", "live")
        page.click("#end")
        log = download(page, "#download-slots", tmp_path / "slots.jsonl")
    assert log.stat().st_size > 100
