"""The timeline of a dialogue: two lanes of sound with p(speak) and latencies between them, in pixels.

This module reads report values (`duplex.eval.reports.schema`); it does not depend on the page around it.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate, groupby
from math import inf
from typing import Final

from configs.audio import AUDIO
from duplex.eval.reports.latencies import RESPONSE, STOP, Latency, latencies
from duplex.eval.suite import ENVELOPE_S, Facts

PIXELS_PER_S: Final = 80
LETTER: Final = 5.6
"""Width of a letter in a label, pixels."""
LABEL: Final = 14
LANE: Final = 42
PLOT: Final = 36
AXIS: Final = 16
GAP: Final = 6
LOUDEST: Final = 99
_LONG_S: Final = 30
_LONG_STEP_S: Final = 5
_SLOT: Final = AUDIO.slot_seconds * PIXELS_PER_S


@dataclass(frozen=True)
class Band:
    """A horizontal part of the picture."""

    name: str
    top: float
    height: float

    @property
    def middle(self) -> float:
        """Vertical centre."""
        return self.top + self.height / 2

    @property
    def bottom(self) -> float:
        """Lower end."""
        return self.top + self.height


@dataclass(frozen=True)
class Box:
    """A rectangle with a tool tip and a label."""

    css: str
    x: float
    width: float
    title: str
    label: str = ""


@dataclass(frozen=True)
class LatencyLine:
    """A latency: a line from `begin` to `end`, with its value next to it."""

    css: str
    begin: float
    end: float
    y: float
    label: str

    @property
    def label_x(self) -> float:
        """Where the label starts."""
        return max(self.begin, self.end) + GAP


@dataclass(frozen=True)
class Timeline:
    """Everything that is drawn.

    Attributes:
        bands: those of "user", "latencies", "p(speak)" and "assistant" that have content.
        ticks: (x, label) of seconds; not all have a label. user, assistant: waves. spans: latencies.
        events, speech: boxes of the user and the assistant. speaks: areas of SPEAK slots. p_speak: points of a line.
        decisions: (x, label).
    """

    width: int
    height: float
    bands: dict[str, Band]
    ticks: list[tuple[float, str]]
    user: str
    assistant: str
    events: list[Box]
    speech: list[Box]
    spans: list[LatencyLine]
    speaks: str
    p_speak: str
    decisions: list[tuple[float, str]]


def timeline(row: Facts) -> Timeline:
    """Lay out the timeline of one dialogue."""
    trace, found = row["trace"], latencies(row)
    kinds = sorted({one.kind for one in found}, key=lambda kind: (kind != RESPONSE, kind != STOP, kind))
    bands = _bands(len(kinds), bool(trace["p_speak"]))
    user, speech = ([event for event in row["events"] if event["side"] == side] for side in ("user", "assistant"))
    assistant, plot = bands["assistant"], bands.get("p(speak)")
    return Timeline(
        width=round(trace["seconds"] * PIXELS_PER_S) + 1,
        height=assistant.bottom + LABEL + AXIS,
        bands=bands,
        ticks=list(_ticks(trace["seconds"])),
        user=_wave(trace["user"], bands["user"]),
        assistant=_wave(trace["assistant"], assistant),
        events=_boxes(user, [_name(event) for event in user]),
        speech=_boxes(speech, _collect_words(speech, trace["answers"])),
        spans=[_span(one, bands["latencies"].top + (kinds.index(one.kind) + 0.5) * LABEL) for one in found],
        speaks=_speaks(trace["state"], plot) if plot else "",
        p_speak=_line(trace["p_speak"], plot) if plot else "",
        decisions=[(time * PIXELS_PER_S, event) for time, event in trace["decisions"]],
    )


def _bands(kinds: int, slots: bool) -> dict[str, Band]:
    heights = {"user": LANE, "latencies": kinds * LABEL, "p(speak)": PLOT if slots else 0, "assistant": LANE}
    above = {"user": LABEL, "p(speak)": LABEL}
    bands, end = {}, 0.0
    for name, height in heights.items():
        if height:
            top = end + above.get(name, GAP)
            bands[name] = Band(name, top, height)
            end = top + height
    return bands


def _span(latency: Latency, y: float) -> LatencyLine:
    css = latency.kind if latency.kind in (RESPONSE, STOP) else "other"
    begin, end = latency.begin * PIXELS_PER_S, latency.end * PIXELS_PER_S
    return LatencyLine(css, begin, end, y, f"{latency.kind} {latency.seconds:.2f} s")


def _ticks(seconds: float) -> Iterator[tuple[float, str]]:
    step = 1 if seconds <= _LONG_S else _LONG_STEP_S
    yield from ((at * PIXELS_PER_S, "" if at % step else f"{at} s") for at in range(int(seconds) + 1))


def _wave(envelope: Sequence[int], band: Band) -> str:
    """A stroke per piece of sound; its height is the square root of the peak, so that quiet sound is visible."""
    step = ENVELOPE_S * PIXELS_PER_S
    halves = ((i, round(band.height * (peak / LOUDEST) ** 0.5 / 2)) for i, peak in enumerate(envelope) if peak)
    return "".join(f"M{(i + 0.5) * step:g} {band.middle - half:g}v{2 * half}" for i, half in halves)


def _line(p_speak: Sequence[float], band: Band) -> str:
    """p(speak) of slot t is drawn at the end of slot t, when it was decided."""
    points = ((slot + 1, band.top + (1 - value) * band.height) for slot, value in enumerate(p_speak))
    return " ".join(f"{slot * _SLOT:g},{y:.1f}" for slot, y in points)


def _speaks(states: str, band: Band) -> str:
    """A rectangle per run of slots in SPEAK; the decision after slot t is the state of slot t + 1."""
    runs = [(state, len(list(run))) for state, run in groupby(states)]
    ends = accumulate((length for _, length in runs), initial=1)
    rectangles = (
        (first * _SLOT, length * _SLOT) for first, (state, length) in zip(ends, runs, strict=False) if state == "S"
    )
    return "".join(f"M{x:g} {band.top:g}h{width:g}v{band.height:g}h-{width:g}z" for x, width in rectangles)


def _boxes(events: Sequence[Facts], words: Sequence[str]) -> list[Box]:
    """Boxes of one side; a label may use all room before the next one."""
    nexts = [*(event["start"] for event in events[1:]), inf]
    return [_box(event, label, until) for event, label, until in zip(events, words, nexts, strict=False)]


def _box(event: Facts, words: str, until: float) -> Box:
    start, end = event["start"], event["end"]
    title = f"{event['side']} {event['kind']}, {start:.3f} - {end:.3f} s: {words}".removesuffix(": ")
    room = (until - start) * PIXELS_PER_S / LETTER
    label = words if len(words) <= room else words[: max(0, int(room) - 1)] + "…"
    return Box(f"{event['side']} {event['kind']}", start * PIXELS_PER_S, (end - start) * PIXELS_PER_S, title, label)


def _name(event: Facts) -> str:
    kind, name = event["kind"], event.get("name", "")
    return kind if name in ("", kind) else f"{kind}: {name}"


def _collect_words(speech: Sequence[Facts], answers: Sequence[Facts]) -> list[str]:
    """Put the words of each answer at the first segment that sounds after it began."""
    words: list[list[str]] = [[] for _ in speech]
    for answer in answers:
        place = next((i for i, event in enumerate(speech) if event["end"] > answer["start"]), None)
        if place is not None:
            words[place].append(answer["text"])
    return [" / ".join(texts) for texts in words]
