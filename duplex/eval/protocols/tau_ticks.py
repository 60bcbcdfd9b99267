"""Converts conversations whose events are known in seconds to tau-voice's ticks and panel.

A tick contains speech if any part of it does, however short, as in tau2, which flags a tick with any audio in it.
Latencies are therefore whole ticks, and on average up to a tick shorter than the exact ones: the user's end is rounded
up, the assistant's start down. tau2's assistants deliver the pauses within an answer as audio, so these are not
silence: if a system reports its state, it delivers audio in SPEAK; otherwise in its speech, with gaps up to
`answer_gap_s`.

How events of a report become ticks:
- turn, interrupt: the user speaks. backchannel: the user speaks, and begins a backchannel. pause: nothing.
- vocal_tic (tau2: a cough, a sneeze, a sniffle), non_directed: over the assistant's speech, the user speaks with that
  sound in it (see `TauVoiceConfig.overlapping_as_speech`); in silence it is a sound separate from the user's speech,
  and not a turn that needs an answer. - noise: a burst. tau2 distinguishes bursts of noise (doors, dogs, horns) from
  vocal tics, and no figure counts them. - speech of the assistant: the assistant speaks.

This module handles events and ticks; it does not depend on files.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from math import ceil, floor

from configs.audio import AUDIO
from configs.eval.protocols import TauVoiceConfig
from duplex.eval.measures.activity import AudibleSegment, join
from duplex.eval.measures.figures import Figure, number, rate, spread
from duplex.eval.protocols.tau_voice import Insert, Interaction, Panel, Tick, interaction, panel
from duplex.eval.suite import DialogueRow, Facts

_DIGITS = 6
_USER_SPEECH = ("turn", "interrupt", "backchannel")


@dataclass(frozen=True)
class _Sound:
    """A user's event in ticks `start` .. `end` - 1."""

    kind: str
    name: str
    start: int
    end: int


def flags(segments: Iterable[AudibleSegment], count: int, config: TauVoiceConfig) -> list[bool]:
    """Whether each of `count` ticks contains part of a segment."""
    out = [False] * count
    for segment in segments:
        first, last = _span(segment.start, segment.end, count, config)
        out[first:last] = [True] * (last - first)
    return out


def ticks_of(row: DialogueRow, config: TauVoiceConfig) -> tuple[Tick, ...]:
    """The ticks of one conversation, from its events and the states of its trace."""
    count = ceil(_ticks(row.trace["seconds"], config))
    ticks = [Tick(assistant=speaks) for speaks in flags(_find_delivered(row, config), count, config)]
    for sound in _sounds(row.events, count, config):
        _put(sound, ticks, config)
    return tuple(ticks)


def interactions(rows: Iterable[DialogueRow], config: TauVoiceConfig) -> dict[str, Interaction]:
    """The events of every conversation by its id."""
    return {row.id: interaction(ticks_of(row, config), config) for row in rows}


def panel_of(rows: Iterable[DialogueRow], config: TauVoiceConfig) -> Panel:
    """The panel of a whole report."""
    return panel(interactions(rows, config).values())


def panel_figures(rows: Iterable[DialogueRow], config: TauVoiceConfig) -> list[Figure]:
    """The panel as figures with their intervals. tau-voice publishes the means of L_R and L_Y."""
    found = interactions(rows, config)
    responses = [(who, latency) for who, one in found.items() for latency in one.responses]
    yields = [(who, latency) for who, one in found.items() for latency in one.yields]
    interrupted = panel(found.values()).i_a
    return [
        spread("L_R, response latency", "answered turns", responses),
        spread("L_Y, yield latency", "yields", yields),
        rate("R_R, response rate", "turns", ((who, latency is not None) for who, latency in responses)),
        rate("R_Y, yield rate", "interruptions", ((who, latency is not None) for who, latency in yields)),
        number("I_A, interruptions by the assistant per turn", "turns", len(responses), interrupted),
        rate("S_BC, backchannels ignored", "backchannels", _each(found, "backchannels")),
        rate("S_VT, vocal tics ignored", "vocal tics", _each(found, "vocal_tics")),
        rate("S_ND, speech to others ignored", "remarks to others", _each(found, "non_directed")),
    ]


def _find_delivered(row: DialogueRow, config: TauVoiceConfig) -> Iterable[AudibleSegment]:
    """The spans in which the assistant delivers audio. The state of slot t is about slot t + 1."""
    state, slot = row.trace.get("state", ""), AUDIO.slot_seconds
    if state:
        return [AudibleSegment((at + 1) * slot, (at + 2) * slot) for at, letter in enumerate(state) if letter == "S"]
    speech = (AudibleSegment(event["start"], event["end"]) for event in row.events if event["side"] == "assistant")
    return join(speech, config.answer_gap_s)


def _each(found: dict[str, Interaction], name: str) -> Iterator[tuple[str, bool]]:
    return ((who, right) for who, one in found.items() for right in getattr(one, name))


def _sounds(events: Sequence[Facts], count: int, config: TauVoiceConfig) -> Iterator[_Sound]:
    for event in events:
        if event["side"] == "user" and event["kind"] != "pause":
            start, end = _span(event["start"], event["end"], count, config)
            if start < end:
                yield _Sound(event["kind"], event["name"] or event["kind"], start, end)


def _put(sound: _Sound, ticks: list[Tick], config: TauVoiceConfig) -> None:
    over = ticks[sound.start].assistant
    for place in range(sound.start, sound.end):
        ticks[place] = _with(ticks[place], sound, over and config.overlapping_as_speech)
    if sound.kind == "backchannel":
        ticks[sound.start] = replace(ticks[sound.start], backchannel=True)


def _with(tick: Tick, sound: _Sound, as_speech: bool) -> Tick:
    if sound.kind in _USER_SPEECH:
        return replace(tick, user=True)
    if sound.kind == "noise":
        return replace(tick, burst=sound.name)
    insert: Insert = ("vocal_tic" if sound.kind == "vocal_tic" else "non_directed", sound.name)
    inserts = tuple(sorted({*tick.inserts, insert}))
    return replace(tick, inserts=inserts, user=tick.user or as_speech)


def _span(start: float, end: float, count: int, config: TauVoiceConfig) -> tuple[int, int]:
    """First tick of a span and the one after its last."""
    return max(0, floor(_ticks(start, config))), min(count, ceil(_ticks(end, config)))


def _ticks(seconds: float, config: TauVoiceConfig) -> float:
    """A time in ticks; rounding errors do not move a tick boundary."""
    return round(seconds / config.tick_s, _DIGITS)
