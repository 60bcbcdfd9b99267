"""Fun-Audio-Chat's network and detokenizer (tiny, random weights) live in a real browser: barge-in, writing."""

import json
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.browser.calls import connect
from tests.browser.conftest import MakeServer, OpenPage
from tests.browser.conversation import FAKE, SPEAKER, Loudness, check_recording, download, microphone, say

pytestmark = pytest.mark.browser

SOUNDS = Loudness(before_cut=20, around_cut=(-60, 10), of_user=5, second_answer=20)


def test_barge_in_and_history_keeps_what_was_played(
    make_server: MakeServer, open_page: OpenPage, tmp_path: Path
) -> None:
    server = make_server(model="funaudiochat-tiny")
    with open_page(server.url, bypass_csp=True) as page:
        page.evaluate(SPEAKER)
        page.click("#open-settings")
        expect(page.locator("#pattern")).to_be_visible()
        page.fill("#seed", "1")
        page.click("#settings button[type=submit]")
        connect(page)
        say(page, "tell_me_a_story")
        expect(page.locator(".says.assistant .word.heard").nth(1)).to_be_attached()
        say(page, "capital_of_norway")
        expect(page.locator(".says.assistant .tag").first).to_be_visible()
        expect(page.locator(".says.assistant")).to_have_count(2)
        expect(page.locator(".says.assistant").last.locator(".word.heard").nth(1)).to_be_attached()
        page.click("#end")
        recording = download(page, "#download-recording", tmp_path / "recording.wav")
        transcript = json.loads(download(page, "#download-transcript", tmp_path / "transcript.json").read_text())
        log = download(page, "#download-slots", tmp_path / "slots.jsonl").read_text().splitlines()
    lines = [json.loads(line) for line in log]
    check_recording(recording, lines, SOUNDS)
    cut = 1 + next(index for index, line in enumerate(lines) if line.get("event") == "cut")
    answer = transcript["assistant"]["answers"][0]
    assert answer["how"] == "cut"
    assert answer["text"]
    assert lines[cut]["kept"] == answer["text"], "the model remembers what was heard, word for word"


def test_a_written_turn_is_answered_aloud(make_server: MakeServer, open_page: OpenPage, tmp_path: Path) -> None:
    """The microphone is on, and what it hears is not a turn."""
    wav, _ = microphone(tmp_path / "microphone.wav", FAKE)
    server = make_server(model="funaudiochat-tiny")
    with open_page(server.url, wav) as page:
        page.click("#open-settings")
        page.select_option("#pattern", "T2M")
        page.fill("#seed", "1")
        page.click("#settings button[type=submit]")
        connect(page)
        page.fill("#written", "Is anybody there?")
        page.click("#write button")
        expect(page.locator(".says.user")).to_contain_text("Is anybody there?")
        expect(page.locator(".says.assistant .word.heard").first).to_be_attached()
        page.click("#end")
        log = download(page, "#download-slots", tmp_path / "slots.jsonl").read_text().splitlines()
    lines = [json.loads(line) for line in log]
    assert lines[0]["options"]["pattern"] == "T2M"
    assert [line["typed"] for line in lines[1:] if line.get("typed")] == ["Is anybody there?"]
    assert next(line["event"] for line in lines[1:] if line.get("event")) == "start"
    assert [line["user"]["text"] for line in lines[1:] if line.get("user")] == ["Is anybody there?"]
    assert max(line["assistant_db"] for line in lines[1:] if line["kind"] == "slot") > -30
