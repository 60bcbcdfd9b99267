"""`export mtr`: writes a run in the layout of MTR-DuplexBench, one round per conversation.

    OUT/audio/ID.wav            stereo, user left, model right
    OUT/asr_results.json        as its `asr_incremental_save.py` writes it, with the words of each segment, which its
                                scorers read and that script leaves out
    OUT/scenario_encoding.json  [{"dialogue_id", "round_num", "scenario", "timestamp": {...}}]: when who should speak

Each entry's `right_segments` and `timestamp` are arguments of its `eval_N_scenarios(segments, scenario, timestamps)`.

This module handles rows and files; the benchmark's rules are in `duplex.eval.protocols.mtr_duplex_bench`.
"""

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean

from configs.eval.protocols import MtrDuplexBenchConfig, ProtocolsConfig
from duplex.eval.errors import EvaluationError
from duplex.eval.exchange.foreign_files import Exported, OnRow, empty_folder, sample_name, write_json
from duplex.eval.exchange.saved import SavedRun, events_of, text_of
from duplex.eval.measures.activity import AudibleSegment
from duplex.eval.protocols.mtr_duplex_bench import (
    SpokenSegment,
    backchannel_frequency,
    background,
    latency,
    make_segment,
    pause,
    smooth_turn,
)
from duplex.eval.suite import DialogueRow, Facts

SMOOTH, INTERRUPTION, PAUSE, BACKGROUND = "smooth-turntaking", "interruption", "pause-handling", "background"
_AUDIO = "audio"
_TURNS = ("turn", "interrupt")
_SOUNDS = ("noise", "non_directed", "vocal_tic", "backchannel")

ScoredRound = tuple[tuple[SpokenSegment, ...], "Round"]
"""The model's segments in a conversation, and one of its rounds."""


@dataclass(frozen=True)
class Round:
    """One turn of the user and what follows.

    Attributes:
        dialogue: name of the conversation. number: 1, 2, ... within it.
        scenario: the events by the benchmark's names, joined by "_".
        times: user_start, user_end, model_start, model_end, and those of the events; seconds.
    """

    dialogue: str
    number: int
    scenario: str
    times: dict[str, float]

    def span(self, name: str) -> AudibleSegment:
        """Start and end of `name` (user, model, interruption, pause, background)."""
        return AudibleSegment(self.times[f"{name}_start"], self.times[f"{name}_end"])

    def entry(self) -> Facts:
        """The entry of the scenario encoding."""
        return {
            "dialogue_id": self.dialogue,
            "round_num": self.number,
            "scenario": self.scenario,
            "timestamp": self.times,
        }


def export_mtr(run: SavedRun, out: Path, on_row: OnRow, config: ProtocolsConfig) -> Exported:
    """Write all conversations with a turn of the user.

    Raises:
        EvaluationError: no conversation has a turn, the sound is missing, or the folder is not empty.
    """
    chosen = [(row, rounds) for row in run.rows if (rounds := rounds_of(row))]
    if not chosen:
        raise EvaluationError(f"{run.folder}: no conversation has a turn of the user; export a run of another suite")
    empty_folder(out)
    heard: list[Facts] = []
    scored: list[ScoredRound] = []
    for row, rounds in chosen:
        segments = tuple(make_segment(part) for part in run.parts(row))
        heard.append(_export_heard(run, row, segments, out))
        scored += [(segments, one) for one in rounds]
        on_row(row)
    write_json(heard, out / "asr_results.json")
    write_json([one.entry() for _, one in scored], out / "scenario_encoding.json")
    notes = (
        f"{len(chosen)} of {len(run.rows)} conversations, {len(scored)} rounds; left out: dialogue quality, instruction"
        " following and safety, which are judged by a model",
        "score it with: eval_N_scenarios(right_segments, scenario, timestamp) of its Eval folder",
    )
    return Exported(len(chosen), figures_of(scored, config.mtr_duplex_bench), notes)


def rounds_of(row: DialogueRow) -> list[Round]:
    """A round for every turn of the user; it ends with the next turn, or with the conversation."""
    turns = events_of(row, "user", *_TURNS)
    ends = [*(turn["start"] for turn in turns[1:]), row.trace["seconds"]]
    return [_round(row, number, turn, end) for number, (turn, end) in enumerate(zip(turns, ends, strict=False), 1)]


def figures_of(scored: Sequence[ScoredRound], config: MtrDuplexBenchConfig) -> Facts:
    """Share of successes by event, mean latency and backchannel frequency of all rounds."""
    success: dict[str, list[bool]] = {name: [] for name in (SMOOTH, INTERRUPTION, PAUSE, BACKGROUND)}
    for segments, one in scored:
        turn, name = ("interruption", INTERRUPTION) if INTERRUPTION in one.scenario else ("user", SMOOTH)
        success[name].append(smooth_turn(segments, one.span(turn), one.span("model"), config))
        if PAUSE in one.scenario:
            success[PAUSE].append(pause(segments, one.span("pause"), config))
        if BACKGROUND in one.scenario:
            success[BACKGROUND].append(background(segments, one.span("background"), config))
    rates = {f"{name} success": fmean(hits) for name, hits in success.items() if hits}
    latencies = [latency(segments, one.times["user_end"]) for segments, one in scored]
    frequencies = [backchannel_frequency(segments, config) for segments, _ in scored]
    return {"rounds": len(scored), **rates, "latency, s": fmean(latencies), "frequency": fmean(frequencies)}


def _round(row: DialogueRow, number: int, turn: Facts, end: float) -> Round:
    times = {"user_start": turn["start"], "user_end": turn["end"], "model_start": turn["end"], "model_end": end}
    scenario = [INTERRUPTION if turn["kind"] == "interrupt" else SMOOTH]
    if turn["kind"] == "interrupt":
        times |= {"interruption_start": turn["start"], "interruption_end": turn["end"]}
    for name, label, kinds, until in (
        ("background", BACKGROUND, _SOUNDS, end),
        ("pause", PAUSE, ("pause",), turn["end"]),
    ):
        found = [event for event in events_of(row, "user", *kinds) if turn["start"] <= event["start"] < until]
        if found:
            times |= {f"{name}_start": found[0]["start"], f"{name}_end": found[0]["end"]}
            scenario.append(label)
    return Round(sample_name(row), number, "_".join(scenario), times)


def _export_heard(run: SavedRun, row: DialogueRow, segments: Sequence[SpokenSegment], out: Path) -> Facts:
    """Copy the sound; returns its entry in the recogniser's results."""
    run.sound(row)
    file = Path(_AUDIO) / f"{sample_name(row)}.wav"
    (out / file).parent.mkdir(exist_ok=True)
    shutil.copyfile(run.audio_file(row), out / file)
    left = [_segment(event["start"], event["end"], text_of(row, event)) for event in events_of(row, "user", *_TURNS)]
    right = [_model_segment(segment) for segment in segments]
    return {
        "audio_file": file.as_posix(),
        "user_channel": "left",
        "user_text": " ".join(one["text"] for one in left).strip(),
        "model_text": " ".join(one["text"] for one in right),
        "left_segments": left,
        "right_segments": right,
        "processing_timestamp": None,
    }


def _segment(start: float, end: float, text: str) -> Facts:
    return {"timestamp": [start, end], "text": text}


def _model_segment(segment: SpokenSegment) -> Facts:
    words = [{"text": word.text, "start": word.start, "end": word.end} for word in segment.words]
    return {**_segment(segment.start, segment.end, " ".join(word.text for word in segment.words)), "words": words}
