"""An assistant with known latencies, clips with known edges, and folders of data and trials made of them."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import soundfile

from configs.audio import AUDIO
from configs.eval.evaluation import EvaluationConfig
from duplex.eval.conversation_record import AnswerText, Recording, SlotTrace, System
from duplex.eval.runner import Experiment
from duplex.eval.suite import DialogueRow, Example, Suite
from duplex.eval.users.user import PlayedClip, SimulatedUser
from duplex.model.interface import Samples

IN, OUT = AUDIO.input_rate, AUDIO.output_rate
SLOT_OUT, SLOT_S = AUDIO.slot_output_samples, AUDIO.slot_seconds
LEVEL = 0.3


def loud(seconds: float, rate: int = IN) -> Samples:
    """Sound that is loud in its first, its last and every other sample, [seconds * rate]."""
    count = round(seconds * rate)
    return np.where(np.arange(count) % 2, -LEVEL, LEVEL).astype(np.float32)


@dataclass
class KnownAssistant:
    """Answers every clip `response_s` after its end for `answer_s`; stops `stop_s` after a clip begins (None: never).

    An answer that has not begun when the next clip does is dropped.

    Attributes:
        barges_in_s: it starts to speak this long after a clip began.
        says: its words. tells: whether it gives slots. ignores: names of clips that it does not answer.
    """

    response_s: float = 0.4
    stop_s: float | None = 0.3
    answer_s: float = 1.0
    barges_in_s: float | None = None
    says: str = ""
    tells: bool = False
    ignores: tuple[str, ...] = ()
    spans: list[tuple[float, float]] = field(default_factory=list)
    cuts: list[float] = field(default_factory=list)

    def converse(self, user: SimulatedUser, seed: int) -> Recording:
        """Talk until the user ends; the seed changes nothing."""
        self.spans, self.cuts = [], []
        heard: list[Samples] = []
        said: list[Samples] = []
        seen = 0
        while True:
            piece = self._slot(len(said))
            slot = user.next_slot(piece)
            if slot is None:
                break
            heard.append(slot)
            said.append(piece)
            for played in user.played[seen:]:
                self._hear(played)
            seen = len(user.played)
        empty = [np.zeros(0, np.float32)]
        return Recording(
            np.concatenate(heard or empty), np.concatenate(said or empty), self._slots(len(said)), self._answers()
        )

    def _hear(self, played: PlayedClip) -> None:
        self.spans = [span for span in self.spans if span[0] < played.start_s]
        if self.stop_s is not None:
            stop = played.start_s + self.stop_s
            self.cuts += [stop for _, end in self.spans if end > stop]
            self.spans = [(start, min(end, stop)) for start, end in self.spans]
        if self.barges_in_s is not None:
            self.spans.append((played.start_s + self.barges_in_s, played.start_s + self.barges_in_s + 0.5))
        if played.name not in self.ignores:
            start = played.end_s + self.response_s
            self.spans.append((start, start + self.answer_s))

    def _slot(self, number: int) -> Samples:
        out = np.zeros(SLOT_OUT, np.float32)
        begin = number * SLOT_OUT
        for start, end in self.spans:
            first, last = round(start * OUT) - begin, round(end * OUT) - begin
            first, last = max(first, 0), min(last, SLOT_OUT)
            if first < last:
                out[first:last] = LEVEL
        return out

    def _slots(self, count: int) -> tuple[SlotTrace, ...]:
        """Decisions are placed in the slot nearest to their sound."""
        if not self.tells:
            return ()
        events = {round(start / SLOT_S) - 1: "start" for start, _ in self.spans}
        events |= {round(end / SLOT_S) - 1: "cut" if end in self.cuts else "end" for _, end in self.spans}
        return tuple(SlotTrace(slot, 0.5, False, events.get(slot, "")) for slot in range(count))

    def _answers(self) -> tuple[AnswerText, ...]:
        return tuple(AnswerText(self.says, "", start, end, "end") for start, end in self.spans if self.says)


def hold_conversation(
    suite: Suite, example: Example, assistant: KnownAssistant, write: Callable[[str], str] | None = None
) -> DialogueRow:
    """The row of one conversation with this assistant, which may answer in writing too."""
    system = System(assistant.converse, write)
    return Experiment(suite, lambda: system, EvaluationConfig()).row(example, system)


def write_clip(path: Path, seconds: float, lead_s: float = 0.0) -> Path:
    """A wav of loud samples after a silence."""
    path.parent.mkdir(parents=True, exist_ok=True)
    samples = np.concatenate([np.zeros(round(lead_s * IN), np.float32), loud(seconds)])
    soundfile.write(path, samples, IN, subtype="PCM_16")
    return path


def write_data(folder: Path, questions: dict[str, str], clips: int = 0, noises: int = 0) -> Path:
    """A data folder with questions (text: answer) of 1 s, and clips and noises of 2 s."""
    rows = []
    for number, (text, answer) in enumerate(questions.items()):
        rows.append({"file": f"llama_questions/{number}.wav", "text": f"{text} || {answer}"})
    rows += [{"file": f"librispeech_test_other/{number}.wav"} for number in range(clips)]
    rows += [{"file": f"noise/{number}.wav"} for number in range(noises)]
    for row in rows:
        write_clip(folder / row["file"], 1.0 if "text" in row else 2.0)
    (folder / "manifest.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return folder


def trial(name: str, test: str, seconds: float, **more: object) -> dict[str, object]:
    """A line of a trials file; its speech begins after 0.1 s."""
    return {"name": name, "test": test, "start": 0.1, "end": 0.1 + seconds, **more}


def write_trials(folder: Path, trials: list[dict[str, object]]) -> Path:
    """A trials folder."""
    for row in trials:
        start, end = row["start"], row["end"]
        assert isinstance(start, float)
        assert isinstance(end, float)
        write_clip(folder / f"{row['name']}.wav", end - start, start)
    (folder / "trials.jsonl").write_text("".join(json.dumps(row) + "\n" for row in trials))
    return folder
