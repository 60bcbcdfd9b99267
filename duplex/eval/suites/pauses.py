"""Suite `pauses`: the assistant should wait in a pause, answer soon after the end, and be silent when nobody speaks."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from configs.eval.evaluation import EvaluationConfig, PausesConfig
from duplex.eval.measures import timing
from duplex.eval.measures.figures import Figure, rate, ratio, spread
from duplex.eval.measures.timing import UserTurn
from duplex.eval.suite import DialogueRow, Example, Facts, FinishedDialogue
from duplex.eval.suites import benchmarks
from duplex.eval.users.clip import Clip
from duplex.eval.users.data_folder import DataFolder, Trial, TrialFolder
from duplex.eval.users.phrases import TurnPhrase, turn_phrases
from duplex.eval.users.sounds import Sound, WithPause
from duplex.eval.users.user import After, AfterStart, At, Event, Script

PAUSE, PHRASE, WHOLE_PHRASE, CLIP, QUIET = "pause", "phrase", "whole phrase", "clip", ("silence", "room")
_TURN = "turn"
_FAILED = 100.0
_MINUTE = 60.0


@dataclass(frozen=True)
class Pauses:
    """Synthetic turns with a pause, phrases with an inserted pause, human clips, and streams without a user."""

    config: EvaluationConfig
    data: Path
    trials: Path
    name: str = "pauses"

    def examples(self) -> Sequence[Example]:
        """Pause trials, phrases, human clips, silence and room noise; without a folder of trials, only real audio."""
        trials, data, limits = TrialFolder.of_any(self.trials), DataFolder(self.data), self.config.pauses
        made = trials.of(PAUSE) if trials else []
        turns = [_example(t.id, f"{PAUSE} {_length(t):.1f} s", t.clip, t.pause, limits) for t in made]
        phrases = [_phrase(phrase, pause, limits) for pause in limits.phrase_pauses for phrase in turn_phrases(data)]
        clips = [_example(f.path.stem, CLIP, Clip(f.path), None, limits) for f in data.files("librispeech_test_other")]
        streams = [_stream(trial) for kind in QUIET for trial in (trials.of(kind) if trials else ())]
        return [*turns, *phrases, *clips, *streams]

    def score(self, dialogue: FinishedDialogue) -> tuple[Facts, float]:
        """Times at which the assistant started to speak."""
        played = dialogue.clip(_TURN)
        assert played is not None, "a clip at a fixed time is always played"
        speech = dialogue.recording.speech(self.config.gate)
        if dialogue.example.group in QUIET:
            return {"starts": [round(segment.start, 4) for segment in speech]}, _FAILED * len(speech)
        turn = UserTurn(played.start_s, played.end_s)
        inside = timing.starts_within(speech, turn.start, turn.end - self.config.timing.tail_s)
        latency = timing.response(speech, turn, self.config.timing)
        found: Facts = {
            "inside": [round(start, 4) for start in inside],
            "speaks_at_end": timing.speaking_at(speech, turn.end - self.config.timing.early_s) is not None,
            "response_s": None if latency is None else round(latency, 4),
        }
        pause, limits = dialogue.pause(_TURN), self.config.pauses
        if pause is not None:
            begin, end = pause[0] - limits.before_s, pause[1] + limits.after_s
            found["takeover"] = bool(timing.starts_within(speech, begin, end))
        return found, _FAILED * len(inside) + (latency or 0.0)

    def figures(self, rows: Sequence[DialogueRow]) -> list[Figure]:
        """Takeovers, answers and false starts."""
        limits = self.config.pauses
        paused = [row for row in rows if row.group.startswith(f"{PAUSE} ")]
        phrases = [row for row in rows if row.group.startswith(f"{PHRASE} ")]
        whole = [row for row in rows if row.group == WHOLE_PHRASE]
        clips = [row for row in rows if row.group == CLIP]
        return [
            rate("takeover in a pause", "pauses", _takeovers(paused), limits.pause_bars),
            *_by_length(paused),
            *self._answers("turn", paused),
            rate("takeover in a phrase's pause", "pauses", _takeovers(phrases)),
            *_by_length(phrases),
            rate("takeover inside a whole phrase", "phrases", _inside(whole)),
            *self._answers("phrase", [*phrases, *whole]),
            rate("takeover inside a human clip", "clips", _inside(clips), limits.clip_bars),
            *self._answers("clip", clips),
            *(self._false_starts(kind, rows) for kind in QUIET),
            *benchmarks.pauses([*paused, *phrases], _TURN, self.config.protocols),
            *benchmarks.smooth_turns([*paused, *phrases, *whole, *clips], _TURN, self.config.protocols),
        ]

    def _answers(self, what: str, rows: Sequence[DialogueRow]) -> Iterator[Figure]:
        """Answers to turns at whose end it was silent."""
        limits = self.config.pauses
        waited = [(row.id, row.measures["response_s"]) for row in rows if not row.measures["speaks_at_end"]]
        within = ((who, latency is not None and latency <= limits.answer_s) for who, latency in waited)
        of = f"{what}s at whose end it was silent"
        yield rate(f"{what} answered within {limits.answer_s:g} s", of, within, limits.answer_bars)
        yield spread(f"response after a {what}", "answers", waited)

    def _false_starts(self, kind: str, rows: Sequence[DialogueRow]) -> Figure:
        streams = [row for row in rows if row.group == kind]
        parts = ((row.id, len(row.measures["starts"]), row.trace["seconds"] / _MINUTE) for row in streams)
        return ratio(f"false starts in {kind}, a minute", "minutes", parts, self.config.pauses.quiet_bars)


def _by_length(paused: Sequence[DialogueRow]) -> Iterator[Figure]:
    for group in sorted({row.group for row in paused}):
        yield rate(f"takeover in a {group}", "pauses", _takeovers(row for row in paused if row.group == group))


def _inside(rows: Iterable[DialogueRow]) -> Iterator[tuple[str, bool]]:
    return ((row.id, bool(row.measures["inside"])) for row in rows)


def _takeovers(rows: Iterable[DialogueRow]) -> Iterator[tuple[str, bool]]:
    return ((row.id, row.measures["takeover"]) for row in rows)


def _example(name: str, group: str, clip: Sound, pause: tuple[float, float] | None, limits: PausesConfig) -> Example:
    events = (Event(_TURN, clip, After(limits.lead_s), pause=pause),)
    return Example(name, group, Script(events, limits.silence_s, AfterStart(limits.enough_s)))


def _phrase(phrase: TurnPhrase, pause: float, limits: PausesConfig) -> Example:
    """A phrase with a pause where it could have ended; a pause of 0 leaves it as it was spoken."""
    name, sound = f"{phrase.name}-{pause:g}", WithPause(Clip(phrase.path), phrase.complete_s, pause)
    span = (phrase.complete_s, phrase.complete_s + pause)
    group = f"{PHRASE} {pause:.1f} s" if pause else WHOLE_PHRASE
    return _example(name, group, sound if pause else Clip(phrase.path), span if pause else None, limits)


def _stream(trial: Trial) -> Example:
    return Example(trial.id, trial.test, Script((Event(_TURN, trial.clip, At(0.0), "noise"),), 0.0))


def _length(trial: Trial) -> float:
    start, end = trial.pause or (0.0, 0.0)
    return end - start
