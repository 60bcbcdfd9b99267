"""A language model behind mini, in a real browser: it is slow, it is interrupted, it fails; the page says so."""

import json
import threading
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.calls import connect
from tests.browser.conftest import MakeServer, OpenPage
from tests.browser.conversation import SPEAKER, download, say
from tests.duplex.model.language_models.servers import LIMIT_S, Exchange, serve

pytestmark = pytest.mark.browser

FACTS = "The capital is Oslo. It lies at the head of a long fjord, has about 700,000 people, and was founded in 1040."


def write(page: Page, text: str) -> None:
    """Write to the assistant."""
    page.fill("#written", text)
    page.click("#write button")


def contents(exchange_body: object) -> list[str]:
    """What a server was asked, without the system prompt."""
    assert isinstance(exchange_body, dict)
    return [message["content"] for message in exchange_body["messages"][1:]]


def test_a_language_model_thinks_answers_is_interrupted_and_fails(
    make_server: MakeServer, open_beeping: OpenPage, tmp_path: Path
) -> None:
    """Questions are written: when they come does not depend on the machine's speed."""
    seen_thinking = threading.Event()

    def answer_late(exchange: Exchange) -> None:
        exchange.begin()
        assert seen_thinking.wait(LIMIT_S)
        exchange.delta(FACTS)
        exchange.end()

    def answer(exchange: Exchange) -> None:
        exchange.answer("In the year 1040.")

    def refuse(exchange: Exchange) -> None:
        exchange.report(429, {"error": {"message": "slow down"}}, retry_after="20")

    with serve(answer_late, refuse, answer) as llm:
        server = make_server(model="mini", changes={"llm.source": llm.address, "llm.model": "some-model"})
        with open_beeping(server.url) as page:
            connect(page)
            page.click("#mute")
            write(page, "What is the capital of Norway?")
            expect(page.locator("#status-text")).to_have_text("Thinking…")
            seen_thinking.set()
            expect(page.locator(".says.assistant .word.heard").nth(3)).to_be_attached()
            write(page, "Go on.")
            expect(page.locator(".says.assistant .tag")).to_be_visible()
            expect(page.locator(".says.assistant").last).to_contain_text("founded in 1040")
            expect(page.locator(".says.assistant .now")).to_have_count(0)
            assert len(llm.chats) == 1, "the rest was there"
            write(page, "And its population?")
            expect(page.locator("#notice")).to_contain_text("The language model cannot answer.")
            expect(page.locator("#notice")).to_contain_text("429")
            write(page, "When was it founded?")
            expect(page.locator(".says.assistant")).to_have_count(3)
            page.click("#end")
            log = download(page, "#download-slots", tmp_path / "slots.jsonl").read_text().splitlines()
    asked = [contents(chat.body) for chat in llm.chats]
    assert asked[0] == ["What is the capital of Norway?"]
    assert asked[1][0] == asked[0][0]
    assert asked[1][1].endswith(" —")
    assert f"{asked[1][1].removesuffix(' —')} {asked[1][3]}" == FACTS
    assert asked[1][2] == "Go on."
    assert asked[2][-1] == "And its population? When was it founded?", "a question that failed is asked with the next"
    assert json.loads(log[0])["llm"]["source"] == llm.address


def test_a_spoken_question_reaches_the_language_model(make_server: MakeServer, open_page: OpenPage) -> None:
    with serve(lambda exchange: exchange.answer(FACTS)) as llm:
        server = make_server(model="mini", changes={"llm.source": llm.address, "llm.model": "some-model"})
        with open_page(server.url, bypass_csp=True) as page:
            page.evaluate(SPEAKER)
            connect(page)
            say(page, "capital_of_norway")
            expect(page.locator(".says.assistant .word.heard").nth(3)).to_be_attached()
            page.click("#end")
    assert "Norway" in contents(llm.chats[0].body)[-1]


TOOLS = {"llm.tools": ["examples"]}


def test_a_function_that_the_language_model_calls_is_shown_and_its_result_spoken(
    make_server: MakeServer, open_beeping: OpenPage, tmp_path: Path
) -> None:
    def call(exchange: Exchange) -> None:
        exchange.call("calculate", "One moment.", expression="6 * 7")

    with serve(call, lambda exchange: exchange.answer("It is 42.")) as llm:
        server = make_server(model="mini", changes={"llm.source": llm.address, "llm.model": "some-model"} | TOOLS)
        with open_beeping(server.url) as page:
            connect(page)
            page.click("#mute")
            write(page, "What is six times seven?")
            expect(page.locator(".says.tool .text")).to_have_text("calculate 6 * 7 → 42")
            expect(page.locator(".says.assistant").first).to_contain_text("One moment.")
            expect(page.locator(".says.assistant").last).to_contain_text("It is 42.")
            page.click("#end")
            log = download(page, "#download-slots", tmp_path / "slots.jsonl").read_text().splitlines()
    assert json.loads(log[0])["tools"] == ["time_in", "calculate", "roll_dice"]
    assert llm.chats[1].body["messages"][-1] == {"role": "tool", "content": "42", "tool_call_id": "call_1"}


def test_a_call_that_fails_is_shown_as_an_error_and_told_in_words(
    make_server: MakeServer, open_beeping: OpenPage
) -> None:
    def call(exchange: Exchange) -> None:
        exchange.call("time_in", place="Atlantis")

    with serve(call, lambda exchange: exchange.answer("I do not know it.")) as llm:
        server = make_server(model="mini", changes={"llm.source": llm.address, "llm.model": "some-model"} | TOOLS)
        with open_beeping(server.url) as page:
            connect(page)
            page.click("#mute")
            write(page, "What time is it in Atlantis?")
            line = "time_in Atlantis → error: no time zone is known for 'Atlantis'; name a large city near it"
            expect(page.locator(".says.tool.failed .text")).to_have_text(line)
            expect(page.locator(".says.assistant")).to_contain_text("I do not know it.")
            page.click("#end")


def test_functions_are_listed_in_the_settings_and_can_be_switched_off(
    make_server: MakeServer, open_beeping: OpenPage
) -> None:
    with serve(lambda exchange: exchange.answer("I cannot.")) as llm:
        server = make_server(model="mini", changes={"llm.source": llm.address, "llm.model": "some-model"} | TOOLS)
        with open_beeping(server.url) as page:
            page.click("#open-settings")
            expect(page.locator("#tools .choice")).to_have_count(3)
            expect(page.locator("#tools .choice b")).to_have_text(["time_in", "calculate", "roll_dice"])
            expect(page.locator("#tools .choice").nth(1)).to_contain_text("Work out an arithmetic expression.")
            page.uncheck("#tools input[value=calculate]")
            page.keyboard.press("Escape")
            page.click("#open-settings")
            expect(page.locator("#tools input[value=calculate]")).to_be_checked()
            page.uncheck("#tools input[value=calculate]")
            page.click("#settings button[type=submit]")
            page.reload()
            page.click("#open-settings")
            expect(page.locator("#tools input[value=calculate]")).not_to_be_checked()
            page.keyboard.press("Escape")
            connect(page)
            page.click("#mute")
            write(page, "What is six times seven?")
            expect(page.locator(".says.assistant")).to_contain_text("I cannot.")
            page.click("#end")
    (chat,) = llm.chats
    assert [tool["function"]["name"] for tool in chat.body["tools"]] == ["time_in", "roll_dice"]
