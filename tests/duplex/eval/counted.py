"""Rates of a few conversations, which a report would hide."""

from duplex.eval.measures.figures import Figure


def share_of(figure: Figure) -> float | None:
    """Hits and trials of a rate, however few; None without trials and for figures that are not rates."""
    hits, n = figure.numbers.get("hits"), figure.numbers["n"]
    return hits / n if hits is not None and n else None
