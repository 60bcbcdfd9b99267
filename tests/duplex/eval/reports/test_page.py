"""The contents of the page before a browser sees it."""

import re
from dataclasses import replace

from duplex.eval.measures.figures import number, rate
from duplex.eval.reports.page import OPEN, page
from tests.duplex.eval.reports.made import figures, row, rows, values


def test_the_page_is_one_file_that_asks_for_nothing() -> None:
    text = page(values(rows(12)), figures(rows(12)))
    assert not re.search(r"https?:|src=|href=|url\(|@import", text)
    assert "default-src 'none'" in text


def test_the_worst_dialogues_come_first_and_some_are_open() -> None:
    found = [row(f"d{i}", worst=float(i % 5)) for i in range(10)]
    text = page(values(found), figures(found))
    assert re.findall(r'data-id="(d\d)"', text) == ["d4", "d9", "d3", "d8", "d2", "d7", "d1", "d6", "d0", "d5"]
    assert len(re.findall(r'<details class="dialogue"[^>]* open>', text)) == OPEN
    assert text.count('role="img"') == len(found)


def test_what_was_said_is_escaped() -> None:
    found = [row("a<b", trace={"heard": ["<script>x</script>"]}, group='"g')]
    text = page(values(found), figures(found))
    assert text.count("<script>") == 1
    assert "&lt;script&gt;x" in text
    assert 'data-id="a&lt;b" data-group="&#34;g"' in text


def test_figures_have_intervals_and_small_rates_have_none() -> None:
    found = rows(12)
    few, detail = rate("few", "pairs", [("d0", True)]), replace(number("a sweep", "joints", 7, 2.0), detail=True)
    text = page(values(found), [*figures(found), few, detail])
    assert "[46.8, 91.1] %" in text
    assert "≥ 50.0 % met" in text
    assert '<td class="number result">n &lt; 10</td>' in text
    assert text.count('class="gauge"') == 1
    assert "1 more figures" in text
    assert text.index("a sweep") > text.index("1 more figures")


def test_latencies_and_words_are_told() -> None:
    text = page(values(rows(1)), [])
    assert '<span class="lags">response 0.50 s, stop 0.30 s</span>' in text
    assert "said at 2.40 s (cut): Yes it is. [so]" in text
    assert 'data-response="0.5" data-stop="0.3"' in text
