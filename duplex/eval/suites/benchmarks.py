"""Figures of other projects' benchmarks over the rows of our suites: applies `duplex.eval.protocols` to report data."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from configs.eval.protocols import FullDuplexBenchConfig, ProtocolsConfig
from duplex.eval.conversation_record import TimedWord
from duplex.eval.measures.activity import AudibleSegment
from duplex.eval.measures.figures import Figure, rate, spread
from duplex.eval.protocols import full_duplex_bench as fdb
from duplex.eval.protocols.tau_ticks import panel_figures
from duplex.eval.suite import DialogueRow, Facts

BENCH = "Full-Duplex-Bench"


def tau_panel(rows: Sequence[DialogueRow], config: ProtocolsConfig) -> list[Figure]:
    """tau-voice's interaction panel (tau2-bench, version 1.0)."""
    return [replace(figure, name=f"tau-voice {figure.name}") for figure in panel_figures(rows, config.tau_voice)]


def overlap_timing(rows: Sequence[DialogueRow], config: ProtocolsConfig) -> Iterator[Figure]:
    """Full-Duplex-Bench v1.5's stop and response latencies over interruptions."""
    limits = config.full_duplex_bench
    sides = [(row.id, _segments(row, "user"), _segments(row, "assistant")) for row in rows]
    stops = [(who, span.end - span.start) for who, user, ours in sides for span in fdb.stops(user, ours, limits)]
    gaps = [(who, gap.end - gap.start) for who, user, ours in sides for gap in fdb.responses(user, ours, limits)]
    yield spread(f"{BENCH} v1.5 stop (overlap)", "overlaps", stops)
    yield spread(f"{BENCH} v1.5 response", "gaps", gaps)


def interruptions(rows: Sequence[DialogueRow], name: str, config: ProtocolsConfig) -> Iterator[Figure]:
    """Full-Duplex-Bench v1's user interruption, on words after the end of the user's event `name`."""
    yield from _turns(rows, name, "interruption", config.full_duplex_bench, whole=False)


def smooth_turns(rows: Sequence[DialogueRow], name: str, config: ProtocolsConfig) -> Iterator[Figure]:
    """Full-Duplex-Bench v1's smooth turn-taking for the user's event `name`, on all words of the dialogue."""
    yield from _turns(rows, name, "smooth turn", config.full_duplex_bench, whole=True)


def pauses(rows: Sequence[DialogueRow], name: str, config: ProtocolsConfig) -> Iterator[Figure]:
    """Full-Duplex-Bench v1's takeover rule on the words that begin before the end of the user's event `name`.

    In the benchmark the recording ends with the turn.
    """
    limits, told = config.full_duplex_bench, [row for row in rows if _tells(row)]
    taken = [(row.id, fdb.takeover(_words(row, 0.0, _end(row, name)), limits)) for row in told]
    if taken:
        yield rate(f"{BENCH} v1 takeover, pauses", "pauses", taken)


def _turns(
    rows: Sequence[DialogueRow], name: str, what: str, limits: FullDuplexBenchConfig, whole: bool
) -> Iterator[Figure]:
    ends = [(row, _end(row, name)) for row in rows if _tells(row) and _event(row, name)]
    samples = [(row.id, fdb.turn_taking(_words(row, 0.0 if whole else end), end, limits)) for row, end in ends]
    if not samples:
        return
    latencies = [(who, sample.latency) for who, sample in samples]
    clamped = [(who, None if latency is None else max(0.0, latency)) for who, latency in latencies]
    yield rate(f"{BENCH} v1 takeover, {what}", f"{what}s", ((who, sample.takeover) for who, sample in samples))
    yield spread(f"{BENCH} v1 latency, {what}, as published", "takeovers", clamped)


def _tells(row: DialogueRow) -> bool:
    """Whether the system reports its words, or had none to report."""
    speaks = any(event["side"] == "assistant" for event in row.events)
    return not speaks or any(answer["words"] for answer in row.trace["answers"])


def _words(row: DialogueRow, begin: float, end: float = float("inf")) -> list[TimedWord]:
    """Heard words that begin within [begin, end)."""
    words = [TimedWord(**word) for answer in row.trace["answers"] for word in answer["words"]]
    return [word for word in words if begin <= word.start < end]


def _event(row: DialogueRow, name: str) -> Facts | None:
    return next((event for event in row.events if event["side"] == "user" and event["name"] == name), None)


def _end(row: DialogueRow, name: str) -> float:
    event = _event(row, name)
    return float(event["end"]) if event else 0.0


def _segments(row: DialogueRow, side: str) -> list[AudibleSegment]:
    return [AudibleSegment(event["start"], event["end"]) for event in row.events if event["side"] == side]
