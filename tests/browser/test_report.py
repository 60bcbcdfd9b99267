"""A report's page as a browser shows it: self-contained, in order, every bar in its place."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, Playwright, expect

from duplex.eval.reports.page import page as html
from duplex.eval.reports.timeline import PIXELS_PER_S
from duplex.eval.suite import DialogueRow
from tests.browser.conftest import chromium
from tests.duplex.eval.reports.made import figures, row, rows, values

pytestmark = pytest.mark.browser

FEW = [
    row("d2", response=0.9, stop=0.1, worst=1.0, group="pair"),
    row("d10", response=0.3, stop=0.5, worst=5.0, group="noise", trace={"heard": ["Where is the Nile?"]}),
    row("d1", response=0.5, stop=0.2, worst=0.0, group="pair"),
]
Show = Callable[..., AbstractContextManager[Page]]
DRAWN = """async (dialogue) => {
    for (let frame = 0; frame < 3; frame++) await new Promise(requestAnimationFrame);
    return dialogue.querySelector("svg").checkVisibility({ contentVisibilityAuto: true });
}"""
DESKTOP, PHONE = {"width": 1280, "height": 900}, {"width": 390, "height": 844}


@pytest.fixture
def show(tmp_path: Path, playwright: Playwright) -> Show:
    """`with show(rows, **context options) as page`: console errors and foreign requests fail the test."""

    @contextmanager
    def show_report(found: list[DialogueRow], **options: object) -> Iterator[Page]:
        path = tmp_path / "report.html"
        path.write_text(html(values(found), figures(found)), encoding="utf-8")
        with chromium(playwright) as browser:
            page = browser.new_context(**options).new_page()
            lines: list[str] = []
            asked: list[str] = []
            page.on("console", lambda line: lines.append(line.text))
            page.on("pageerror", lambda error: lines.append(str(error)))
            page.on("request", lambda request: asked.append(request.url))
            page.goto(path.as_uri())
            yield page
            assert lines == []
            assert asked == [path.as_uri()]

    return show_report


def ids(page: Page) -> list[str]:
    return page.locator(".dialogue:visible").evaluate_all("all => all.map((one) => one.dataset.id)")


def test_dialogues_are_sorted_as_asked(show: Show) -> None:
    with show(FEW) as page:
        assert ids(page) == ["d10", "d2", "d1"]
        for order, wanted in {
            "id": ["d1", "d2", "d10"],
            "group": ["d10", "d1", "d2"],
            "slowest response": ["d2", "d1", "d10"],
            "slowest stop": ["d10", "d1", "d2"],
            "worst first": ["d10", "d2", "d1"],
        }.items():
            page.get_by_role("combobox", name="sort by", exact=True).select_option(label=order)
            assert ids(page) == wanted, order


def test_dialogues_are_found_by_group_and_by_words(show: Show) -> None:
    with show(FEW) as page:
        count = page.locator("#count")
        expect(count).to_have_text("3 of 3")
        page.get_by_role("combobox", name="group", exact=True).select_option("pair")
        assert ids(page) == ["d2", "d1"]
        expect(count).to_have_text("2 of 3")
        page.get_by_role("combobox", name="group", exact=True).select_option("")
        page.get_by_role("searchbox", name="find", exact=True).fill("the nile")
        assert ids(page) == ["d10"]
        page.get_by_role("searchbox", name="find", exact=True).fill("nobody said this")
        assert ids(page) == []
        expect(page.locator("#none")).to_be_visible()


def test_everything_is_reached_by_keys(show: Show) -> None:
    with show(FEW, viewport=DESKTOP) as page:
        page.get_by_role("button", name="close all").click()
        first = page.locator(".dialogue").first
        expect(first).not_to_have_attribute("open", "")
        first.locator("summary").first.focus()
        page.keyboard.press("Enter")
        expect(first).to_have_attribute("open", "")
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.getAttribute('aria-label')") == "timeline of d10, scrolls sideways"


@pytest.mark.parametrize("viewport", [DESKTOP, PHONE])
def test_bars_stand_where_the_sound_was(show: Show, viewport: dict[str, int]) -> None:
    """The user speaks in [1, 2] and [4, 5], the assistant from 2.9 to 4.1."""
    with show(FEW[:1], viewport=viewport) as page:
        svg = page.locator(".dialogue svg").first
        left = box(svg)["x"]
        found = [box(one) for one in svg.locator("g.user rect, g.assistant rect").all()]
        seconds = [((one["x"] - left) / PIXELS_PER_S, one["width"] / PIXELS_PER_S) for one in found]
        assert seconds == [
            (pytest.approx(1.0, abs=0.02), pytest.approx(1.0, abs=0.03)),
            (pytest.approx(4.0, abs=0.02), pytest.approx(1.0, abs=0.03)),
            (pytest.approx(2.9, abs=0.02), pytest.approx(1.2, abs=0.03)),
        ]
        lines = [box(one) for one in svg.locator(".latency line").all()]
        assert [(one["x"] - left) / PIXELS_PER_S for one in lines] == pytest.approx([2.0, 4.0], abs=0.03)
        assert [one["width"] / PIXELS_PER_S for one in lines] == pytest.approx([0.9, 0.1], abs=0.06)
        expect(svg.locator(".latency text").first).to_have_text("response 0.90 s")


def test_a_phone_needs_no_sideways_scrolling(show: Show) -> None:
    with show(FEW, viewport=PHONE) as page:
        assert page.evaluate("document.documentElement.scrollWidth") == PHONE["width"]


def test_a_long_report_draws_only_what_is_seen(show: Show) -> None:
    with show(rows(500), viewport=DESKTOP) as page:
        page.get_by_role("button", name="open all").click()
        assert len(ids(page)) == 500
        last = page.locator(".dialogue").last
        assert not last.evaluate(DRAWN)
        last.scroll_into_view_if_needed()
        assert last.evaluate(DRAWN)


def box(locator: Locator) -> dict[str, float]:
    found = locator.bounding_box()
    assert found is not None
    return found
