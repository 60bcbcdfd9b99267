"""Scores one recording of any system: turns, responses, stops, and what was rightly ignored.

This module combines sound, labels and measures; it does not depend on files, reports or the command line.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final, Literal

from configs.eval.scoring import ScoringConfig
from duplex.eval.exchange.labels import Label, LabelKind, Side
from duplex.eval.exchange.sound import DialogueSound
from duplex.eval.measures.activity import AudibleSegment
from duplex.eval.measures.reactions import KINDS, Reaction, reaction
from duplex.eval.measures.silero import silero_segments
from duplex.eval.measures.speech_activity import SpeechActivity, speech_of_both
from duplex.eval.measures.turns import Analysis, ScoredTurn, UserSpeech, analyse, analyse_known

Source = Literal["activity", "labels"]

_SPOKEN: Final[tuple[LabelKind, ...]] = ("speech", "turn", "interrupt", "backchannel")
_NOT_MEANT: Final[tuple[LabelKind, ...]] = ("backchannel", "vocal_tic", "non_directed", "noise")
_CROSSTALK = "the {}'s channel holds the other side at {:.0f} dB; that is not counted as speech"
_ROOM = "the {}'s channel is reverberant; ends of speech are estimated, and less exact"


@dataclass(frozen=True)
class Score:
    """A scored recording.

    Attributes:
        user, assistant: speech activity of the channels.
        speech: segments from which turns were made, by side: the activity or labels.
        sources: origin of these segments and of the user's turns ("turns").
        analysis: turns, responses and stops.
        reactions: to labelled sounds and pauses of the user.
        silero: the same from Silero VAD's segments, `silero_speech`; None if it was not requested.
        notes: what a reader should know about the channels.
    """

    sound: DialogueSound
    labels: tuple[Label, ...]
    user: SpeechActivity
    assistant: SpeechActivity
    speech: dict[Side, tuple[AudibleSegment, ...]]
    sources: dict[str, Source]
    analysis: Analysis
    reactions: tuple[Reaction, ...]
    silero: Analysis | None
    silero_speech: dict[Side, tuple[AudibleSegment, ...]]
    notes: tuple[str, ...]

    def silero_turn(self, turn: ScoredTurn) -> ScoredTurn | None:
        """The turn in Silero's result that shares most time with `turn`."""
        if self.silero is None:
            return None
        shared = [(min(turn.end, one.end) - max(turn.start, one.start), one) for one in self.silero.turns]
        best, found = max(shared, key=lambda pair: pair[0], default=(0.0, None))
        return found if best > 0 else None


def score(sound: DialogueSound, labels: Sequence[Label], config: ScoringConfig, silero: bool) -> Score:
    """Score a recording.

    Args:
        labels: labels of the recording; if there are none, everything is found from its sound. silero: whether to add a
            second result from Silero VAD.

    Raises:
        EvaluationError: Silero VAD is requested but not installed.
    """
    user, assistant = speech_of_both(sound.user, sound.assistant, sound.rate, config.activity)
    speech: dict[Side, tuple[AudibleSegment, ...]] = {
        "user": _select_labels(labels, "user", ("speech",)) or user.segments,
        "assistant": _select_labels(labels, "assistant", _SPOKEN) or assistant.segments,
    }
    known = _use_labels(labels, user.segments, config)
    analysis = _analysis(known, speech["user"], speech["assistant"], labels, config)
    heard = _silero(sound, config) if silero else {}
    column = _analysis(known, heard["user"], heard["assistant"], labels, config) if heard else None
    return Score(
        sound=sound,
        labels=tuple(labels),
        user=user,
        assistant=assistant,
        speech=speech,
        sources=_sources(labels, known),
        analysis=analysis,
        reactions=_reactions(labels, analysis, config),
        silero=column,
        silero_speech=heard,
        notes=tuple(_notes(user, "user") + _notes(assistant, "assistant")),
    )


def _select_labels(labels: Sequence[Label], side: Side, kinds: Sequence[LabelKind]) -> tuple[AudibleSegment, ...]:
    return tuple(AudibleSegment(one.start, one.end) for one in labels if one.side == side and one.kind in kinds)


def _use_labels(labels: Sequence[Label], activity: Sequence[AudibleSegment], config: ScoringConfig) -> list[UserSpeech]:
    """The user's turns and backchannels from labels; none if no label is a turn."""
    known = [
        _snap(UserSpeech(one.start, one.end, one.kind), activity, config.labels.snap_s)
        for one in labels
        if one.side == "user" and (one.kind == "turn" or one.kind == "interrupt" or one.kind == "backchannel")
    ]
    return known if any(one.kind != "backchannel" for one in known) else []


def _snap(known: UserSpeech, activity: Sequence[AudibleSegment], reach: float) -> UserSpeech:
    """Move edges to those of the activity that are at most `reach` seconds away."""
    start = min((one.start for one in activity), key=lambda time: abs(time - known.start), default=known.start)
    end = min((one.end for one in activity), key=lambda time: abs(time - known.end), default=known.end)
    return replace(
        known,
        start=start if abs(start - known.start) <= reach else known.start,
        end=end if abs(end - known.end) <= reach else known.end,
    )


def _analysis(
    known: Sequence[UserSpeech],
    user: Sequence[AudibleSegment],
    assistant: Sequence[AudibleSegment],
    labels: Sequence[Label],
    config: ScoringConfig,
) -> Analysis:
    """Analyse known turns, or else speech: without sounds labelled as something other than a turn, with labelled pauses
    bridged."""
    if known:
        return analyse_known(known, assistant, config.turns)
    aside, pauses = _select_labels(labels, "user", _NOT_MEANT), _select_labels(labels, "user", ("pause",))
    meant = [one for one in user if not any(_mostly_within(one, other) for other in aside)]
    return analyse([*meant, *pauses], assistant, config.turns)


def _mostly_within(segment: AudibleSegment, other: AudibleSegment) -> bool:
    shared = min(segment.end, other.end) - max(segment.start, other.start)
    return 2 * shared > segment.end - segment.start


def _reactions(labels: Sequence[Label], analysis: Analysis, config: ScoringConfig) -> tuple[Reaction, ...]:
    mine = [one for one in labels if one.side == "user"]
    return tuple(
        reaction(kind, one.start, one.end, analysis.said, config.turns)
        for one in mine
        for kind in KINDS
        if kind == one.kind
    )


def _silero(sound: DialogueSound, config: ScoringConfig) -> dict[Side, tuple[AudibleSegment, ...]]:
    return {
        "user": silero_segments(sound.user, sound.rate, config.silero),
        "assistant": silero_segments(sound.assistant, sound.rate, config.silero),
    }


def _sources(labels: Sequence[Label], known: Sequence[UserSpeech]) -> dict[str, Source]:
    return {
        "turns": "labels" if known else "activity",
        "user": "labels" if _select_labels(labels, "user", ("speech",)) else "activity",
        "assistant": "labels" if _select_labels(labels, "assistant", _SPOKEN) else "activity",
    }


def _notes(activity: SpeechActivity, side: Side) -> list[str]:
    notes = [_CROSSTALK.format(side, activity.leak)] if activity.leak is not None else []
    return [*notes, *([_ROOM.format(side)] if activity.reverberant else [])]
