"""Reports a scored recording: plain values for a JSON file, figures, and the row of a timeline.

This module handles scores; it does not depend on how they were made or on the command line.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from configs.eval.scoring import ScoringConfig
from duplex.eval.exchange.labels import Label, Side
from duplex.eval.measures.activity import AudibleSegment, join
from duplex.eval.measures.figures import DIGITS, Figure, rate, ratio, spread, sum_up
from duplex.eval.measures.reactions import KINDS, Reaction, ReactionKind
from duplex.eval.measures.speech_activity import SpeechActivity
from duplex.eval.measures.turns import Analysis, ScoredTurn
from duplex.eval.reports.latencies import RESPONSE, STOP
from duplex.eval.reports.report import plain, report
from duplex.eval.score import Score
from duplex.eval.suite import DialogueRow, Facts, envelope

SCHEMA: Final = 1
SUITE: Final = "recording"
_BACKCHANNEL: Final = "backchannel"
_NAMES: Final[dict[ReactionKind, tuple[str, str]]] = {
    "backchannel": ("talks through backchannels (S_BC)", "backchannels while it spoke"),
    "vocal_tic": ("ignores vocal tics (S_VT)", "vocal tics"),
    "non_directed": ("ignores speech to somebody else (S_ND)", "remarks to somebody else"),
    "noise": ("ignores noise", "noises"),
    "pause": ("waits in pauses", "pauses"),
}


def figures(score: Score, config: ScoringConfig) -> list[Figure]:
    """Figures over the turns of one recording; intervals are computed over its turns."""
    turns = [turn for turn in score.analysis.turns if turn.kind != _BACKCHANNEL]
    answers = [(_id(turn), turn.response) for turn in turns]
    held = [(_id(turn), turn.yielded) for turn in turns if turn.yielded is not None]
    found = [
        spread("response", "answered turns", answers),
        rate("answers", "turns", ((who, response is not None) for who, response in answers)),
        rate("answers before the user's end", "answered turns", ((w, r < 0) for w, r in answers if r is not None)),
        spread("stop", "stops", ((_id(turn), turn.stop) for turn in turns)),
        rate("yields", "interruptions, none void", held),
        ratio("starts within the user's turn, per turn", "turns", _barge_ins(turns, score.analysis)),
        *_reaction_figures(score),
        *(_silero_figures(score.silero) if score.silero else ()),
    ]
    return sum_up(found, config.statistics)


def to_report(score: Score, found: list[Figure], config: ScoringConfig) -> Facts:
    """The values of a report page (`duplex.eval.reports.schema`)."""
    settings = {
        "recording": score.sound.files["user"]["path"],
        "files": score.sound.files,
        "sources": score.sources,
        "definitions": config.model_dump(mode="json"),
    }
    return report(SUITE, settings, {}, found, [row(score, config)])


def to_json(
    score: Score, found: list[Figure], config: ScoringConfig, labels: Path | None, label_notes: Sequence[str] = ()
) -> Facts:
    """Everything about a scored recording; times are seconds, latencies signed and in order of time."""
    values = {
        "schema": SCHEMA,
        "response_s": score.analysis.response_s,
        "stop_s": score.analysis.stop_s,
        "files": {**score.sound.files, "labels": None if labels is None else str(labels)},
        "seconds": score.sound.seconds,
        "rate": score.sound.rate,
        "sources": score.sources,
        "channels": {"user": _channel(score.user), "assistant": _channel(score.assistant)},
        "events": events(score, config),
        "turns": [_turn(turn, score) for turn in score.analysis.turns],
        "reactions": [_reaction(one) for one in score.reactions],
        "speech": {side: _pairs(parts) for side, parts in score.speech.items()},
        "silero": _silero(score),
        "notes": [*score.sound.notes, *label_notes, *score.notes],
        "figures": to_report(score, found, config)["figures"],
        "definitions": config.model_dump(mode="json"),
    }
    return {key: value if key == "definitions" else plain(value, DIGITS) for key, value in values.items()}


def events(score: Score, config: ScoringConfig) -> list[Facts]:
    """Everything that was found or labelled, in order: {side, kind, start, end, name}."""
    analysis = score.analysis
    found = [
        *(_event("user", "speech", one) for one in join(score.speech["user"], config.turns.user_gap_s)),
        *(_event("assistant", "speech", one) for one in analysis.said),
        *(_event("user", turn.kind, turn) for turn in analysis.turns if score.sources["turns"] == "activity"),
        *(_event("assistant", _BACKCHANNEL, one) for one in analysis.backchannels),
        *(_event("assistant", "interrupt", one) for one in analysis.barge_ins),
        *(_event(one.side, one.kind, one, one.text) for one in score.labels if one.kind != "speech"),
    ]
    return sorted(found, key=lambda one: (one["start"], one["end"], one["side"], one["kind"]))


def row(score: Score, config: ScoringConfig) -> DialogueRow:
    """The dialogue of a timeline."""
    analysis, files = score.analysis, score.sound.files
    measures = {
        "response_s": analysis.response_s,
        "stop_s": analysis.stop_s,
        "turns": [_turn(turn, score) for turn in analysis.turns],
        "reactions": [_reaction(one) for one in score.reactions],
    }
    trace = {
        "seconds": score.sound.seconds,
        "user": envelope(score.sound.user, score.sound.rate),
        "assistant": envelope(score.sound.assistant, score.sound.rate),
        "p_speak": [],
        "state": "",
        "decisions": [],
        "answers": [],
        "heard": [],
        "latencies": list(_latencies(analysis)),
    }
    drawn = tuple(one for one in events(score, config) if (one["side"], one["kind"]) != ("user", "speech"))
    return DialogueRow(Path(files["user"]["path"]).stem, SUITE, measures, 0.0, drawn, trace)


def _event(side: Side, kind: str, span: AudibleSegment | ScoredTurn | Label, name: str = "") -> Facts:
    return {"side": side, "kind": kind, "name": name, "start": span.start, "end": span.end}


def _latencies(analysis: Analysis) -> Iterator[Facts]:
    for turn in analysis.turns:
        if turn.answer is not None:
            yield {"kind": RESPONSE, "from": turn.end, "to": turn.answer}
        if turn.stop is not None:
            yield {"kind": STOP, "from": turn.start, "to": turn.start + turn.stop}


def _turn(turn: ScoredTurn, score: Score) -> Facts:
    other = score.silero_turn(turn)
    return {
        "start": turn.start,
        "end": turn.end,
        "kind": turn.kind,
        "answer": turn.answer,
        "response_s": turn.response,
        "stop_s": turn.stop,
        "yielded": turn.yielded,
        "void": turn.void,
        "silero": None if other is None else {"response_s": other.response, "stop_s": other.stop},
    }


def _reaction(one: Reaction) -> Facts:
    return {"kind": one.kind, "start": one.start, "end": one.end, "speaking": one.speaking, "right": one.right}


def _channel(activity: SpeechActivity) -> Facts:
    return {
        "speech_db": activity.level,
        "noise_db": activity.noise,
        "crosstalk_db": activity.leak,
        "reverberant": activity.reverberant,
    }


def _silero(score: Score) -> Facts | None:
    if score.silero is None:
        return None
    speech = {side: _pairs(parts) for side, parts in score.silero_speech.items()}
    return {"response_s": score.silero.response_s, "stop_s": score.silero.stop_s, "speech": speech}


def _pairs(parts: tuple[AudibleSegment, ...]) -> list[list[float]]:
    return [[one.start, one.end] for one in parts]


def _barge_ins(turns: list[ScoredTurn], analysis: Analysis) -> Iterator[tuple[str, float, float]]:
    for turn in turns:
        yield _id(turn), sum(turn.start < one.start < turn.end for one in analysis.barge_ins), 1.0


def _reaction_figures(score: Score) -> Iterator[Figure]:
    for kind in KINDS:
        judged = [one for one in score.reactions if one.kind == kind]
        if judged:
            name, of = _NAMES[kind]
            yield rate(name, of, ((f"{one.start:.3f}", one.right) for one in judged if one.right is not None))


def _silero_figures(analysis: Analysis) -> Iterator[Figure]:
    yield spread("response, Silero VAD", "answered turns", ((_id(turn), turn.response) for turn in analysis.turns))
    yield spread("stop, Silero VAD", "stops", ((_id(turn), turn.stop) for turn in analysis.turns))


def _id(turn: ScoredTurn) -> str:
    """An id of a turn by its place, so that intervals are computed over turns."""
    return f"{turn.start:.3f}"
