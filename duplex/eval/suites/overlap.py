"""Suite `overlap`: sounds while the assistant speaks. It should stop only for interruptions and commands.

The groups are Full-Duplex-Bench v1.5's (interruption, backchannel, talking to somebody else, background speech),
tau-voice's vocal tics, and also commands and bursts of noise.
"""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from configs.audio import AUDIO
from configs.eval.evaluation import Bar, EvaluationConfig, OverlapConfig
from duplex.eval.measures import timing
from duplex.eval.measures.figures import Figure, rate, spread
from duplex.eval.suite import DialogueRow, Example, Facts, FinishedDialogue
from duplex.eval.suites import benchmarks
from duplex.eval.suites.requests import long_requests
from duplex.eval.users.clip import Clip, read_sound
from duplex.eval.users.data_folder import DataFile, DataFolder, TrialFolder
from duplex.eval.users.sounds import FarTalker, Sound
from duplex.eval.users.user import After, AfterStart, Event, EventKind, Script, WhileSpeaking
from duplex.model.interface import Samples

INTERRUPTION, COMMAND, BACKCHANNEL = "interruption", "command", "backchannel"
OTHER, BACKGROUND, TIC, NOISE = "speech to somebody else", "background speech", "vocal tic", "noise"
_KINDS: dict[str, EventKind] = {
    INTERRUPTION: "interrupt",
    COMMAND: "interrupt",
    BACKCHANNEL: "backchannel",
    OTHER: "non_directed",
    BACKGROUND: "non_directed",
    TIC: "vocal_tic",
    NOISE: "noise",
}
WANTED = (INTERRUPTION, COMMAND)
"""Groups that should stop the assistant."""
_TRIALS = {BACKCHANNEL: "backchannel", COMMAND: "command", TIC: "vocal_tic"}
_REQUEST = "request"
_FAILED = 100.0


@dataclass(frozen=True)
class Overlap:
    """One sound in every answer: interruptions, backchannels, other people, coughs, bursts of noise."""

    config: EvaluationConfig
    data: Path
    trials: Path
    seed: int = 0
    name: str = "overlap"

    def examples(self) -> Sequence[Example]:
        """All sounds, each in the middle of an answer to one of the requests, which take turns."""
        requests = long_requests(self.config, self.data, self.trials)
        return [
            _example(sound, *requests[i % len(requests)], self.config.overlap) for i, sound in enumerate(self._sounds())
        ]

    def _sounds(self) -> Iterator["_Placed"]:
        """Synthesized sounds (those of listeners `repeats` times), noise, interruptions, other talkers."""
        limits, data, rng = self.config.overlap, DataFolder(self.data), random.Random(self.seed)
        trials = TrialFolder.of_any(self.trials)
        yield from _trials(trials, (BACKCHANNEL, COMMAND))
        bursts = list(_bursts(data.files("noise"), limits))
        for name, clip in rng.sample(bursts, min(limits.noises, len(bursts))):
            yield _Placed(NOISE, name, "", clip)
        for again in range(1, limits.repeats):
            yield from _trials(trials, (BACKCHANNEL, COMMAND), f"-{again + 1}")
        yield from _trials(trials, (TIC,))
        questions = data.llama_questions()
        for question in rng.sample(questions, min(limits.interruptions, len(questions))):
            yield _Placed(INTERRUPTION, question.id, question.text, question.clip)
        talkers = [Clip(file.path, *limits.other_s) for file in data.files("librispeech_test_other")][: limits.others]
        for group, scene in ((OTHER, limits.to_other), (BACKGROUND, limits.background)):
            for talker in talkers:
                yield _Placed(group, talker.path.stem, "", FarTalker(talker, scene))

    def score(self, dialogue: FinishedDialogue) -> tuple[Facts, float]:
        """Whether the sound stopped the assistant, and how soon."""
        found = _measures(dialogue, self.config)
        wanted = found.get("stopped", False) is (dialogue.example.group in WANTED)
        return {**dialogue.example.facts, **found}, 0.0 if wanted else _FAILED

    def figures(self, rows: Sequence[DialogueRow]) -> list[Figure]:
        """Share of sounds that stopped it, among those that met a speaking assistant; panels of other benchmarks."""
        limits = self.config.overlap
        bars = {BACKCHANNEL: limits.backchannel_bars, NOISE: limits.noise_bars}
        groups = [group for group in _KINDS if any(row.group == group for row in rows)]
        asked = [row for row in rows if row.group == INTERRUPTION]
        return [
            *(figure for group in groups for figure in _figures(group, rows, bars.get(group, ()))),
            *benchmarks.tau_panel(rows, self.config.protocols),
            *benchmarks.interruptions(asked, INTERRUPTION, self.config.protocols),
            *benchmarks.overlap_timing(asked, self.config.protocols),
        ]


def _figures(kind: str, rows: Sequence[DialogueRow], bars: tuple[Bar, ...]) -> Iterator[Figure]:
    found = [(row.id, row.measures) for row in rows if row.group == kind]
    valid = [(who, f) for who, f in found if f["valid"]]
    stopped = ((who, f["stopped"]) for who, f in valid)
    yield rate(f"{kind}: stops the assistant", "sounds while it spoke", stopped, bars)
    yield spread(f"{kind}: stop", "stops", ((who, f["stop_s"]) for who, f in valid if f["stopped"]))
    yield rate(f"{kind}: void", "dialogues", ((who, not f["valid"]) for who, f in found))


@dataclass(frozen=True)
class _Placed:
    """A sound of one group."""

    group: str
    name: str
    text: str
    sound: Sound


def _trials(folder: TrialFolder | None, groups: Sequence[str], suffix: str = "") -> Iterator[_Placed]:
    for group in groups:
        for trial in folder.any_of(_TRIALS[group]) if folder else ():
            yield _Placed(group, f"{trial.id}{suffix}", trial.text, trial.clip)


def _example(placed: _Placed, request: Clip, asked: str, limits: OverlapConfig) -> Example:
    events = (
        Event(_REQUEST, request, After(limits.lead_s)),
        Event(placed.group, placed.sound, WhileSpeaking(limits.into_answer_s), _KINDS[placed.group]),
    )
    answered = placed.group == INTERRUPTION
    script = Script(
        events,
        limits.answer_s if answered else limits.silence_s,
        AfterStart(limits.enough_s) if answered else None,
    )
    facts = {"request": asked, "text": placed.text}
    return Example(f"{placed.group}/{placed.name}", placed.group, script, facts)


def _measures(dialogue: FinishedDialogue, config: EvaluationConfig) -> Facts:
    """`valid`: the assistant spoke when the sound began, and did not end by itself before the end of the sound's
    window."""
    sound = dialogue.clip(dialogue.example.group)
    if sound is None:
        return {"valid": False}
    speech = dialogue.recording.speech(config.gate)
    held = timing.speaking_at(speech, sound.start_s)
    if held is None:
        return {"valid": False}
    in_window = held.end <= sound.end_s + config.overlap.window_s
    why = timing.why_silent(dialogue.recording.slots, held.end, config.gate.join_s)
    stopped = in_window and why in ("cut", "")
    return {
        "valid": not (in_window and why == "end"),
        "stopped": stopped,
        "stop_s": round(held.end - sound.start_s, 4) if stopped else None,
    }


def _bursts(files: Sequence[DataFile], limits: OverlapConfig) -> Iterator[tuple[str, Clip]]:
    """Parts of the noise files that are long and loud enough."""
    for file in files:
        whole = read_sound(file.path)
        for start, end in limits.bursts:
            part = whole[round(start * AUDIO.input_rate) : round(end * AUDIO.input_rate)]
            loud = _level(part) > _level(whole) - limits.silent_db
            if len(part) >= limits.least_burst_s * AUDIO.input_rate and loud:
                yield f"{file.path.stem}-{start:g}", Clip(file.path, start, end, limits.burst_rms)


def _level(samples: Samples) -> float:
    return 20 * float(np.log10(np.sqrt(np.mean(np.square(samples))) + 1e-9)) if len(samples) else -180.0
