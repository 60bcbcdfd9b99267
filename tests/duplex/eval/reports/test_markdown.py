"""The summary that goes into a README."""

from dataclasses import replace

from configs.eval.evaluation import Bar
from duplex.eval.measures.figures import number, rate
from duplex.eval.reports.markdown import WORST, markdown
from tests.duplex.eval.reports.made import figures, row, rows, values


def lines(found: list, more: tuple = ()) -> list[str]:
    return markdown(values(found), [*figures(found), *more]).splitlines()


def test_the_summary_has_settings_figures_and_bars() -> None:
    text = lines(rows(12))
    assert text[0] == "# made"
    assert text[2] == "model mini, fingerprint 000000000000, policy balanced, seed 0"
    assert "| success | 75.0 % | [46.8, 91.1] % |  | 9 of 12 pairs | ≥ 50.0 % met |" in text
    assert any(line.startswith("| response | p50 0.5 | [0.5, 0.5] | mean 0.5 [0.5, 0.5], p90 0.5") for line in text)
    assert "2 of 2 bars are met." in text


def test_missed_bars_stand_out_and_small_rates_are_hidden() -> None:
    strict = number("clicks", "joints", 7, 2.0, (Bar(of="value", sense="<=", limit=0.0),))
    text = lines(rows(12), (strict, rate("few", "pairs", [("d0", True)])))
    assert "| clicks | 2 |  |  | 7 joints | ≤ 0 **missed** |" in text
    assert "| few | n < 10 |  |  | 1 of 1 pairs |  |" in text
    assert "2 of 3 bars are met." in text


def test_details_are_counted_only() -> None:
    text = lines(rows(12), (replace(number("a sweep", "joints", 7, 2.0), detail=True),))
    assert not any("a sweep" in line for line in text)
    assert "1 more figures are in report.json." in text


def test_the_worst_dialogues_come_first() -> None:
    found = [row(f"d{i:02d}", worst=float(i), response=0.1 * i) for i in range(WORST + 5)]
    listed = [line for line in lines(found) if line.startswith("| d")][1:]
    assert listed[0] == "| d14 | pair | 14 | 1.40 s | 0.30 s |"
    assert len(listed) == WORST


def test_what_would_break_a_table_is_escaped() -> None:
    text = lines([row("a|b<script>\nc", worst=1.0)])
    assert "| a\\|b&lt;script> c | pair | 1 | 0.50 s | 0.30 s |" in text
