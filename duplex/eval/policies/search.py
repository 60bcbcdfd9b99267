"""Searches for the best policy: yield rate against selectivity, taking the turn too early against too late.

It uses rows of the suites `overlap` and `pauses`, and their measures; the criteria are ours (`PolicySearchConfig`).
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from statistics import fmean

from configs.eval.policy_search import PolicySearchConfig
from configs.policy import PolicyConfig
from duplex.eval.measures.figures import Figure, Numbers, rate, spread
from duplex.eval.suite import DialogueRow, Facts
from duplex.eval.suites import overlap, pauses

Figures = dict[str, Figure]
YIELDS, LATENCY = "yields", "latency"
IGNORES = "ignores "
TAKEOVERS, CLIP_TAKEOVERS, ANSWERED, RESPONSE = "takeovers", "clip takeovers", "answered", "response"
_SELECTIVE = {
    "backchannels": (overlap.BACKCHANNEL,),
    "vocal tics": (overlap.TIC,),
    "other people's speech": (overlap.OTHER, overlap.BACKGROUND),
    "noise": (overlap.NOISE,),
}


@dataclass(frozen=True)
class Point:
    """A policy and its results. `best`: it was chosen. `front`: no other is better in both of the plot's axes (Pareto
    front)."""

    policy: PolicyConfig
    figures: Figures
    x: float
    y: float
    best: bool = False
    front: bool = False

    def to_json(self) -> Facts:
        """Plain values."""
        numbers: dict[str, Numbers] = {name: figure.numbers for name, figure in self.figures.items()}
        return {
            "policy": self.policy.model_dump(mode="json"),
            "x": round(self.x, 4),
            "y": round(self.y, 4),
            "best": self.best,
            "front": self.front,
            "figures": numbers,
        }


@dataclass(frozen=True)
class Search:
    """One plot: the policies compared, and its axes.

    Attributes:
        name, suite: names of the search and of the suite whose conversations it needs. without: groups that it skips.
        x, y: what the axes show. more_x, more_y: whether more of it is better.
        policies: the policies that are compared.
        place: returns the figures of a policy's conversations and its place in the plot.
        choose: returns the best point.
    """

    name: str
    suite: str
    without: tuple[str, ...]
    x: str
    y: str
    more_x: bool
    more_y: bool
    policies: tuple[PolicyConfig, ...]
    place: Callable[[Sequence[DialogueRow]], tuple[Figures, float, float]]
    choose: Callable[[Sequence[Point]], Point]

    def points(self, rows: Callable[[PolicyConfig], Sequence[DialogueRow]]) -> list[Point]:
        """A point for every policy, with the best one and the front marked."""
        plain = [Point(policy, *self.place(rows(policy))) for policy in self.policies]
        best = self.choose(plain)
        return [replace(point, best=point is best, front=self._on_front(point, plain)) for point in plain]

    def _on_front(self, point: Point, points: Iterable[Point]) -> bool:
        return not any(self._beats(other, point) for other in points)

    def _beats(self, other: Point, point: Point) -> bool:
        gains = [(1 if self.more_x else -1) * (other.x - point.x), (1 if self.more_y else -1) * (other.y - point.y)]
        return min(gains) >= 0 and max(gains) > 0


def searches(config: PolicySearchConfig) -> tuple[Search, Search]:
    """The search for the best stop and for the best start."""
    return (
        Search(
            "stop", "overlap", (), "selectivity", "yield rate", True, True, config.stops, _stopping,
            lambda points: _best_stop(points, config),
        ),
        Search(
            "start", "pauses", pauses.QUIET, "turns taken in a pause", "response, median (s)", False, False,
            config.starts,
            lambda rows: _starting(rows, config.answer_s),
            lambda points: _best_start(points, config),
        ),
    )  # fmt: skip


def _stopping(rows: Sequence[DialogueRow]) -> tuple[Figures, float, float]:
    valid = [row for row in rows if row.measures["valid"]]
    meant = [row for row in valid if row.group in overlap.WANTED]
    figures = {
        YIELDS: rate(YIELDS, "interruptions and commands", _stops(meant)),
        LATENCY: spread(LATENCY, "stops", ((row.id, row.measures["stop_s"]) for row in meant)),
    }
    for name, groups in _SELECTIVE.items():
        ignored = [(who, not stopped) for who, stopped in _stops(row for row in valid if row.group in groups)]
        if ignored:
            figures[f"{IGNORES}{name}"] = rate(f"{IGNORES}{name}", name, ignored)
    selective = [share(figure) for name, figure in figures.items() if name.startswith(IGNORES)]
    return figures, fmean(selective) if selective else 0.0, share(figures[YIELDS])


def _starting(rows: Sequence[DialogueRow], limit: float) -> tuple[Figures, float, float]:
    paused = [row for row in rows if row.group.startswith(pauses.PAUSE)]
    clips = [row for row in rows if row.group == pauses.CLIP]
    waited = [row for row in [*paused, *clips] if not row.measures["speaks_at_end"]]
    latencies = [(row.id, row.measures["response_s"]) for row in waited]
    figures = {
        TAKEOVERS: rate(TAKEOVERS, "pauses", ((row.id, row.measures["takeover"]) for row in paused)),
        CLIP_TAKEOVERS: rate(CLIP_TAKEOVERS, "clips", ((row.id, bool(row.measures["inside"])) for row in clips)),
        ANSWERED: rate(ANSWERED, "turns", ((who, late is not None and late <= limit) for who, late in latencies)),
        RESPONSE: spread(RESPONSE, "answers", latencies),
    }
    return figures, share(figures[TAKEOVERS]), median(figures[RESPONSE])


def _stops(rows: Iterable[DialogueRow]) -> list[tuple[str, bool]]:
    return [(row.id, row.measures["stopped"]) for row in rows]


def _best_stop(points: Sequence[Point], config: PolicySearchConfig) -> Point:
    allowed = [point for point in points if _selective(point, config)] or list(points)
    highest = max(point.x + point.y for point in allowed)
    near = [point for point in allowed if point.x + point.y >= highest - config.tie]
    return min(near, key=lambda point: (median(point.figures[LATENCY]), -point.x - point.y))


def _selective(point: Point, config: PolicySearchConfig) -> bool:
    wanted = {f"{IGNORES}backchannels": config.backchannels, f"{IGNORES}noise": config.noises}
    return all(share(point.figures[name]) >= least for name, least in wanted.items() if name in point.figures)


def _best_start(points: Sequence[Point], config: PolicySearchConfig) -> Point:
    allowed = [point for point in points if _patient(point, config)]
    return min(allowed, key=lambda point: (point.y, point.x)) if allowed else min(points, key=lambda point: point.x)


def _patient(point: Point, config: PolicySearchConfig) -> bool:
    clips, answered = share(point.figures[CLIP_TAKEOVERS]), share(point.figures[ANSWERED])
    return point.x <= config.takeovers and clips <= config.clip_takeovers and answered >= config.answered


def share(figure: Figure) -> float:
    """Share of a rate, however few trials it has; 0 without trials."""
    return fmean(value for _, value in figure.values) if figure.values else 0.0


def median(figure: Figure) -> float:
    """Median of a spread; infinite if it has no values, so that it is never the best."""
    p50 = figure.numbers["p50"]
    return float("inf") if p50 is None else p50
