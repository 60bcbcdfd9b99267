"""Saved runs made of events and words: a report and the sound that belongs to it."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from configs.audio import AUDIO
from duplex.eval.conversation_record import Recording
from duplex.eval.reports.report import report, write_json
from duplex.eval.store import save_audio
from duplex.eval.suite import DialogueRow, Facts
from tests.duplex.eval.fakes import LEVEL

SETTINGS: Facts = {"model": "mini", "policy": "balanced", "seed": 7}


def event(side: str, kind: str, start: float, end: float, name: str = "") -> Facts:
    """An event as a row holds it."""
    return {"side": side, "kind": kind, "name": name or kind, "start": start, "end": end}


def make_spoken_answer(text: str, start: float, word_s: float = 0.25) -> Facts:
    """An answer whose words follow each other without a gap."""
    texts = text.split()
    words = [
        {"text": word, "start": round(start + i * word_s, 3), "end": round(start + (i + 1) * word_s, 3)}
        for i, word in enumerate(texts)
    ]
    end = start + len(texts) * word_s
    return {"text": text, "unheard": "", "start": start, "end": end, "how": "end", "words": words}


def row(
    name: str,
    group: str,
    user: Sequence[Facts],
    answers: Sequence[Facts] = (),
    seconds: float = 10.0,
    measures: Facts | None = None,
) -> Facts:
    """A conversation; the assistant sounds while its answers last."""
    speech = [event("assistant", "speech", answer["start"], answer["end"], " ") for answer in answers]
    trace = {"seconds": seconds, "user": [], "assistant": [], "p_speak": [], "state": "", "decisions": [], "heard": []}
    return {
        "id": name,
        "group": group,
        "measures": measures or {},
        "worst": 0.0,
        "events": sorted([*user, *speech], key=lambda one: one["start"]),
        "trace": {**trace, "answers": list(answers)},
    }


def write_run(folder: Path, suite: str, rows: Sequence[Facts], audio: bool = True) -> Path:
    """Write a run; the channels are loud where their events are."""
    write_json(report(suite, SETTINGS, {}, [], [DialogueRow.from_json(one) for one in rows]), folder / "report.json")
    for one in rows if audio else ():
        save_audio(folder / "audio", one["id"], _sound(one))
    return folder


def _sound(one: Facts) -> Recording:
    seconds = one["trace"]["seconds"]
    user = np.zeros(round(seconds * AUDIO.input_rate), np.float32)
    assistant = np.zeros(round(seconds * AUDIO.output_rate), np.float32)
    for found in one["events"]:
        if found["kind"] != "pause":
            mine = found["side"] == "user"
            rate, channel = (AUDIO.input_rate, user) if mine else (AUDIO.output_rate, assistant)
            channel[round(found["start"] * rate) : round(found["end"] * rate)] = LEVEL
    for found in one["events"]:
        if found["kind"] == "pause":
            user[round(found["start"] * AUDIO.input_rate) : round(found["end"] * AUDIO.input_rate)] = 0
    return Recording(user, assistant)


def pause_row(name: str, takeover: bool) -> Facts:
    """A turn of 4 s with a pause of 1 s in it, and its answer; perhaps words in the pause."""
    user = [event("user", "turn", 0.5, 4.5), event("user", "pause", 2.0, 3.0)]
    early = [make_spoken_answer("I think that you", 2.2, 0.3)] if takeover else []
    return row(name, "pause 1.0 s", user, [*early, make_spoken_answer("it is the sun of course", 5.1)])


def turn_row(name: str, latency: float, text: str = "the capital is Paris my friend") -> Facts:
    """A question of 2 s, answered late, and another question."""
    user = [event("user", "turn", 0.5, 2.5, "first"), event("user", "turn", 7.0, 8.0, "second")]
    texts = {"first": "What is the capital of France?", "second": "And of Spain?"}
    return row(name, "pair", user, [make_spoken_answer(text, 2.5 + latency)] if text else [], measures=texts)


def barge_in_row(name: str) -> Facts:
    """A long answer that is interrupted, cut, and followed by the answer to the interruption."""
    user = [event("user", "turn", 0.5, 2.0, "first"), event("user", "interrupt", 4.5, 6.0, "second")]
    answers = [
        make_spoken_answer("well once upon a time there was a", 3.0),
        make_spoken_answer("it is four of course", 6.6),
    ]
    answers[0] |= {"unheard": "king", "how": "cut"}
    texts = {"first": "Tell me a story.", "second": "What is two and two?"}
    return row(name, "pair", user, answers, measures=texts)


def sound_row(name: str, kind: str, yields: bool, group: str = "") -> Facts:
    """A long answer, and a sound of the user 1.5 s into it."""
    user = [event("user", "turn", 0.5, 2.0, "request"), event("user", kind, 4.0, 4.5)]
    said = "well once upon a" if yields else "well once upon a time there was a king who had no ears"
    return row(
        name, group or kind, user, [make_spoken_answer(said, 2.5, 0.5)], seconds=12.0, measures={"text": "mm-hm"}
    )


def question_row(name: str, key: str, answer: str, recognised: str | None = None, written: str | None = None) -> Facts:
    """A spoken question and its answer."""
    facts = {"question": "Which one?", "key": key, "answer": answer, "recognised": recognised, "text_answer": written}
    return row(
        name,
        "question",
        [event("user", "turn", 0.5, 2.0, "question")],
        [make_spoken_answer(answer, 2.6)],
        measures=facts,
    )
