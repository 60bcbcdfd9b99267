"""Suite `overlap`: sounds while the assistant gives a long answer. It should speak on, but stop for a command."""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from configs.audio import AUDIO
from configs.evaluation import Bar, EvaluationConfig, OverlapConfig
from duplex.eval.measures import timing
from duplex.eval.measures.figures import Figure, rate, spread
from duplex.eval.suite import Dialogue, Example, Facts, Row
from duplex.eval.users.clip import Clip, read_sound
from duplex.eval.users.data import DataFile, DataFolder, TrialFolder
from duplex.eval.users.user import After, Event, Script, WhileSpeaking
from duplex.interface import Samples

BACKCHANNEL, NOISE, COMMAND = "backchannel", "noise", "command"
_REQUEST = "request"
_FAILED = 100.0


@dataclass(frozen=True)
class Overlap:
    """One sound in every long answer: backchannels and commands of held-out voices, bursts of real noise."""

    config: EvaluationConfig
    data: Path
    trials: Path
    seed: int = 0
    name: str = "overlap"

    def examples(self) -> Sequence[Example]:
        """All backchannel and command trials, then `noises` bursts."""
        trials, rng = TrialFolder(self.trials), random.Random(self.seed)
        requests = trials.requests(self.config.request_words)
        sounds = [(kind, t.id, t.text, t.clip) for kind in (BACKCHANNEL, COMMAND) for t in trials.any_of(kind)]
        bursts = list(_bursts(DataFolder(self.data).files("noise"), self.config.overlap))
        chosen = rng.sample(bursts, min(self.config.overlap.noises, len(bursts)))
        sounds += [(NOISE, name, "", clip) for name, clip in chosen]
        return [
            _example(kind, name, text, clip, requests[i % len(requests)].clip, self.config.overlap)
            for i, (kind, name, text, clip) in enumerate(sounds)
        ]

    def score(self, dialogue: Dialogue) -> tuple[Facts, float]:
        """Whether the sound stopped the assistant, and how soon."""
        found = _measures(dialogue, self.config)
        wanted = found.get("stopped", False) is (dialogue.example.group == COMMAND)
        return {**dialogue.example.facts, **found}, 0.0 if wanted else _FAILED

    def figures(self, rows: Sequence[Row]) -> list[Figure]:
        """Share of sounds that stopped it, of those that met a speaking assistant."""
        limits = self.config.overlap
        bars = {BACKCHANNEL: limits.backchannel_bars, NOISE: limits.noise_bars, COMMAND: ()}
        return [figure for kind in bars for figure in _figures(kind, rows, bars[kind])]


def _figures(kind: str, rows: Sequence[Row], bars: tuple[Bar, ...]) -> Iterator[Figure]:
    found = [(row.id, row.measures) for row in rows if row.group == kind]
    valid = [(who, f) for who, f in found if f["valid"]]
    stopped = ((who, f["stopped"]) for who, f in valid)
    yield rate(f"{kind}: stops the assistant", f"{kind}s while it spoke", stopped, bars)
    yield spread(f"{kind}: stop", "stops", ((who, f["stop_s"]) for who, f in valid if f["stopped"]))
    yield rate(f"{kind}: void", "dialogues", ((who, not f["valid"]) for who, f in found))


def _example(kind: str, name: str, text: str, clip: Clip, request: Clip, limits: OverlapConfig) -> Example:
    events = (
        Event(_REQUEST, request, After(limits.lead_s)),
        Event(kind, clip, WhileSpeaking(limits.into_answer_s)),
    )
    return Example(f"{kind}/{name}", kind, Script(events, limits.silence_s), {"text": text})


def _measures(dialogue: Dialogue, config: EvaluationConfig) -> Facts:
    """`valid`: the assistant spoke when the sound began, and did not end by itself before the sound's window did."""
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
