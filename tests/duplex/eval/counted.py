"""Rates of a few conversations, which a report would hide."""

from duplex.eval.measures.figures import Figure


def share_of(figure: Figure) -> float | None:
    """Hits by trials of a rate, however few; None of none, and for what is no rate."""
    hits, n = figure.numbers.get("hits"), figure.numbers["n"]
    return hits / n if hits is not None and n else None
