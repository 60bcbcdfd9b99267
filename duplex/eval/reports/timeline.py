"""Conversations as pictures: a single HTML file with a two-lane timeline each, the most remarkable first.

Reads report values (`duplex.eval.reports.report`); needs no network and no sound.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.resources import files
from typing import Final

from jinja2 import Environment

from configs.audio import AUDIO
from duplex.eval.suite import ENVELOPE_S, Facts

PIXELS_PER_S: Final = 60
LANE: Final = 46
GAP: Final = 8
_FULL: Final = 99
_USER_Y, _PLOT_Y, _ASSISTANT_Y = 0, LANE + GAP, 2 * (LANE + GAP)
_LANES: Final = ((_USER_Y, "user"), (_PLOT_Y, "p(speak), SPEAK"), (_ASSISTANT_Y, "assistant"))
HEIGHT: Final = 3 * LANE + 2 * GAP + 16

_PAGE: Final = "timeline.html.j2"


@dataclass(frozen=True)
class Box:
    """A rectangle with a tool tip, in pixels."""

    css: str
    x: float
    y: float
    width: float
    height: float
    title: str


def page(title: str, subtitle: str, figures: Sequence[Facts], dialogues: Sequence[Facts]) -> str:
    """The HTML of a report.

    Args:
        figures: {name, n, result, around, bars: [{css, text}]} each. dialogues: rows as in the JSON file.
    """
    source = files("duplex.eval.reports").joinpath(_PAGE).read_text(encoding="utf-8")
    template = Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True).from_string(source)
    worst_first = sorted(dialogues, key=lambda row: -row["worst"])
    drawn = [_drawn(row) for row in worst_first]
    return template.render(
        title=title, subtitle=subtitle, figures=figures, dialogues=drawn, height=HEIGHT, lanes=_LANES
    )


def _drawn(row: Facts) -> Facts:
    trace = row["trace"]
    return {
        "id": row["id"],
        "group": row["group"],
        "lines": list(_lines(trace)),
        "width": round(trace["seconds"] * PIXELS_PER_S) + 1,
        "ticks": [(second * PIXELS_PER_S, second) for second in range(0, int(trace["seconds"]) + 1, _tick(trace))],
        "boxes": [*_speaks(trace["state"]), *_spans(row["events"])],
        "user": _wave(trace["user"], _USER_Y),
        "assistant": _wave(trace["assistant"], _ASSISTANT_Y),
        "p_speak": " ".join(_points(trace["p_speak"])),
        "decisions": [(time * PIXELS_PER_S, f"{event} at {time:.2f} s") for time, event in trace["decisions"]],
        "measures": "\n".join(f"{key}: {value}" for key, value in row["measures"].items()),
    }


def _tick(trace: Facts) -> int:
    return 1 if trace["seconds"] <= PIXELS_PER_S else 10


def _lines(trace: Facts) -> Iterator[str]:
    if trace["heard"]:
        yield "heard: " + " / ".join(trace["heard"])
    for answer in trace["answers"]:
        cut = f" [{answer['unheard']}]" if answer["unheard"] else ""
        yield f"said at {answer['start']:.2f} s ({answer['how']}): {answer['text']}{cut}"


def _wave(envelope: Sequence[int], top: float) -> str:
    """A closed path around the middle of a lane."""
    middle, scale, step = top + LANE / 2, LANE / 2 / _FULL, ENVELOPE_S * PIXELS_PER_S
    upper = [f"{i * step:.1f} {middle - peak * scale:.1f}" for i, peak in enumerate(envelope)]
    lower = [f"{i * step:.1f} {middle + peak * scale:.1f}" for i, peak in enumerate(envelope)]
    return "M" + " L".join(upper + lower[::-1]) + "Z" if envelope else ""


def _points(p_speak: Sequence[float]) -> Iterator[str]:
    """p(speak) of slot t stands at the end of slot t, when it was decided."""
    for slot, value in enumerate(p_speak):
        x = (slot + 1) * AUDIO.slot_seconds * PIXELS_PER_S
        yield f"{x:.1f},{_PLOT_Y + (1 - value) * LANE:.1f}"


def _speaks(states: str) -> Iterator[Box]:
    """The slots in which the assistant was in SPEAK."""
    width = AUDIO.slot_seconds * PIXELS_PER_S
    for slot, state in enumerate(states):
        if state == "S":
            yield Box("speaks", (slot + 1) * width, _PLOT_Y, width, LANE, f"SPEAK in slot {slot + 1}")


def _spans(events: Sequence[Facts]) -> Iterator[Box]:
    for event in events:
        user = event["side"] == "user"
        x, width = event["start"] * PIXELS_PER_S, (event["end"] - event["start"]) * PIXELS_PER_S
        title = f"{event['side']}: {event['kind']}, {event['start']:.3f} - {event['end']:.3f} s"
        yield Box("span" if user else "speaks", x, _USER_Y if user else _ASSISTANT_Y, width, LANE, title)
