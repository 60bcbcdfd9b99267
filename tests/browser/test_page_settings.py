"""Settings have bounds: the page shows them, refuses values outside them in one line, and never sends such values."""

import json
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from runtime.webrtc.edge import SessionOptions
from tests.browser.calls import connect, end, expect_state
from tests.browser.conftest import OpenPage, Served

pytestmark = pytest.mark.browser

STORED = "() => JSON.parse(localStorage.getItem('duplex.settings'))"


def read_offered_options(page: Page, begin: str = "#connect") -> dict[str, Any]:
    """Options that the page sends when a conversation begins."""
    with page.expect_request("**/api/offer") as request:
        connect(page, begin)
    end(page)
    options: dict[str, Any] = request.value.post_data_json["options"]
    return options


def test_the_bounds_are_the_servers(tidy_server: Served, open_beeping: OpenPage) -> None:
    schema = SessionOptions.model_json_schema()["properties"]
    with open_beeping(tidy_server.url) as page:
        page.click("#open-settings")
        temperature, seed = page.locator("#temperature"), page.locator("#seed")
        whole = next(one for one in schema["seed"]["anyOf"] if one["type"] == "integer")
        assert float(temperature.get_attribute("min") or "") == schema["temperature"]["minimum"]
        assert float(temperature.get_attribute("max") or "") == schema["temperature"]["maximum"]
        assert int(seed.get_attribute("min") or "") == whole["minimum"]
        assert int(seed.get_attribute("max") or "") == whole["exclusiveMaximum"] - 1
        expect(temperature).to_have_accessible_description("0 to 2; 0 takes the likeliest words")
        expect(seed).to_have_accessible_description("a whole number, 0 to 2147483647")
        prompt = next(one for one in schema["system_prompt"]["anyOf"] if one["type"] == "string")
        assert page.get_attribute("#system-prompt", "maxlength") == str(prompt["maxLength"])
        patterns = page.locator("#pattern option").evaluate_all("all => all.map((one) => one.value).filter(Boolean)")
        assert sorted(patterns) == sorted(SessionOptions.model_json_schema()["$defs"]["Pattern"]["enum"])


@pytest.mark.parametrize("leave", ["Escape", "beside"])
def test_what_is_left_without_done_is_not_sent(leave: str, tidy_server: Served, open_beeping: OpenPage) -> None:
    with open_beeping(tidy_server.url) as page:
        page.click("#open-settings")
        page.fill("#temperature", "5")
        page.fill("#system-prompt", "Shout.")
        page.check("input[value=patient]")
        if leave == "Escape":
            page.keyboard.press("Escape")
        else:
            page.mouse.click(5, 5)
        expect(page.locator("#settings")).to_be_hidden()
        page.click("#open-settings")
        expect(page.locator("#temperature")).to_have_value("0")
        page.keyboard.press("Escape")
        options = read_offered_options(page)
    assert (options["temperature"], options["system_prompt"], options["policy"]) == (0, None, "balanced")


@pytest.mark.parametrize(
    ("field", "value", "line"),
    [
        ("#temperature", "5", "Temperature must be a number from 0 to 2."),
        ("#temperature", "-0.1", "Temperature must be a number from 0 to 2."),
        ("#temperature", "1e", "Temperature must be a number from 0 to 2."),
        ("#seed", "1.5", "Seed must be a whole number from 0 to 2147483647."),
        ("#seed", "2147483648", "Seed must be a whole number from 0 to 2147483647."),
    ],
)
def test_done_refuses_what_is_out_of_bounds_in_one_line(
    field: str, value: str, line: str, tidy_server: Served, open_beeping: OpenPage
) -> None:
    with open_beeping(tidy_server.url) as page:
        page.click("#open-settings")
        page.fill(field, "")
        page.type(field, value)
        page.click("#settings button[type=submit]")
        expect(page.locator("#settings-problem")).to_have_text(line)
        expect(page.locator(field)).to_be_focused()
        expect(page.locator(field)).to_have_attribute("aria-invalid", "true")
        page.fill(field, "1")
        expect(page.locator("#settings-problem")).to_be_hidden()
        page.click("#settings button[type=submit]")
        expect(page.locator("#settings")).to_be_hidden()
        assert page.evaluate(STORED)[field.removeprefix("#")] == "1"


def test_any_step_within_the_bounds_is_right(tidy_server: Served, open_beeping: OpenPage) -> None:
    with open_beeping(tidy_server.url) as page:
        page.click("#open-settings")
        page.fill("#temperature", "0.75")
        page.fill("#seed", "7")
        page.keyboard.press("Enter")
        options = read_offered_options(page)
    assert (options["temperature"], options["seed"]) == (0.75, 7)


def test_what_an_older_page_kept_is_taken_as_far_as_it_is_right(tidy_server: Served, open_beeping: OpenPage) -> None:
    kept = {
        "policy": "rude",
        "pattern": "XYZ",
        "system_prompt": "x" * 4001,
        "temperature": "5",
        "seed": "12",
        "volume": "3",
        "tools_off": "all",
    }
    script = f"localStorage.setItem('duplex.settings', {json.dumps(json.dumps(kept))});"
    with open_beeping(tidy_server.url, script) as page:
        options = read_offered_options(page)
    del options["utc_offset_min"]
    assert options == {
        "policy": "balanced",
        "pattern": None,
        "system_prompt": None,
        "temperature": 0,
        "seed": 12,
        "tools": None,
    }


def test_a_pattern_that_this_servers_model_does_not_have_is_not_sent(
    tidy_server: Served, open_beeping: OpenPage
) -> None:
    script = """localStorage.setItem("duplex.settings", JSON.stringify({ pattern: "T2M" }));"""
    with open_beeping(tidy_server.url, script) as page:
        assert read_offered_options(page)["pattern"] is None


def test_what_the_server_refuses_leads_to_the_settings(tidy_server: Served, open_beeping: OpenPage) -> None:
    """A page from another version, whose bounds are wider than the server's."""
    script = """const real = window.fetch;
      window.fetch = (address, what) => real(address,
        what?.body ? { ...what, body: what.body.replace('"temperature":0', '"temperature":5') } : what);"""
    with open_beeping(tidy_server.url, script) as page:
        page.click("#connect")
        expect_state(page, "error")
        expect(page.locator("#notice-title")).to_have_text("The server refuses the settings.")
        expect(page.locator("#notice-text")).to_contain_text("less than or equal to 2")
        assert "openapi" not in page.inner_text("#notice")
        page.click("#notice-action")
        expect(page.locator("#settings")).to_be_visible()


def test_where_there_are_no_functions_none_are_shown(tidy_server: Served, open_beeping: OpenPage) -> None:
    with open_beeping(tidy_server.url) as page:
        page.click("#open-settings")
        expect(page.locator("#settings")).to_be_visible()
        expect(page.locator("#tools")).to_be_hidden()
