"""Suite `speech`: the assistant's own voice. Does it say its text, does it sound clean, does it click?"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import cycle
from pathlib import Path

import numpy as np

from configs.audio import AUDIO
from configs.eval.evaluation import EvaluationConfig
from duplex.eval.conversation_record import AnswerText, Recording
from duplex.eval.measures import judge
from duplex.eval.measures.figures import Figure, ratio, spread
from duplex.eval.measures.text_match import plain_words
from duplex.eval.suite import DialogueRow, Example, Facts, FinishedDialogue
from duplex.eval.users.clip import Clip
from duplex.eval.users.data_folder import QUESTIONS, TrialFolder
from duplex.eval.users.user import After, Event, Script, WhenSilent, WhileSpeaking

RATE = AUDIO.output_rate
ANSWER, CUT = "answer", "cut"
_SOURCE = QUESTIONS[0]
_QUESTION, _BARGE_IN = "question", "barge-in"
_FAILED = 100.0


@dataclass(frozen=True)
class Speech:
    """Answers that are heard to the end, and long ones that a question cuts off (for the edges of cuts)."""

    config: EvaluationConfig
    trials: Path
    name: str = "speech"

    def examples(self) -> Sequence[Example]:
        """`answers` questions, and all requests, each interrupted."""
        trials = TrialFolder(self.trials)
        questions = trials.of(_SOURCE)[: self.config.speech.answers]
        requests = trials.requests(self.config.request_words)
        limits = self.config.understanding
        whole = [
            Example(
                t.id,
                ANSWER,
                Script((self._ask(t.clip),), limits.wait_s, WhenSilent(limits.quiet_s)),
                {"question": t.text},
            )
            for t in questions
        ]
        barge_in = self.config.turn_taking.barge_in_s
        cut = [
            Example(
                f"cut-{r.id}",
                CUT,
                Script((self._ask(r.clip), Event(_BARGE_IN, q.clip, WhileSpeaking(barge_in))), 2.0),
                {"question": r.text},
            )
            for r, q in zip(requests[: self.config.speech.cuts], cycle(questions), strict=False)
        ]
        return [*whole, *cut]

    def score(self, dialogue: FinishedDialogue) -> tuple[Facts, float]:
        """Word errors and quality of whole answers, clicks of all answers."""
        recording, limits = dialogue.recording, self.config.speech
        answers = [self._judge(recording, answer) for answer in recording.answers if _whole(answer)]
        steps = judge.steps_at(recording.assistant, list(_joints(recording, self.config)), limits)
        found: Facts = {
            "answers": answers,
            "joints": len(steps),
            "clicks": judge.clicks(steps, limits),
            "largest_step": round(max((at for at, _ in steps), default=0.0), 4),
            "clipped": int(np.sum(np.abs(recording.assistant) >= limits.clip_level)),
        }
        errors = sum(answer["errors"] / max(answer["words"], 1) for answer in answers)
        return {**dialogue.example.facts, **found}, errors + _FAILED * found["clicks"]

    def figures(self, rows: Sequence[DialogueRow]) -> list[Figure]:
        """Figures over all whole answers, clicks over all joints."""
        limits = self.config.speech
        answers = [(row.id, answer) for row in rows for answer in row.measures["answers"]]
        errors = ((who, a["errors"], a["words"]) for who, a in answers)
        steps = ((row.id, row.measures["largest_step"]) for row in rows)
        clicks = ((row.id, row.measures["clicks"], row.measures["joints"]) for row in rows)
        clipped = ((row.id, row.measures["clipped"], 1) for row in rows)
        silent = ((who, a["silence"]) for who, a in answers)
        return [
            ratio("word error rate of its own speech", f"words of {len(answers)} answers", errors, limits.error_bars),
            spread("DNSMOS", "answers", ((who, a["dnsmos"]) for who, a in answers), limits.quality_bars),
            spread("speaking rate, words a second", "answers", ((who, a["words_per_s"]) for who, a in answers)),
            spread("silence ratio", "answers", silent),
            ratio("clicks a joint", "starts, ends, cuts and slot borders", clicks, limits.click_bars),
            spread("largest step at a joint, full scale 1", "dialogues", steps),
            ratio("clipped samples a dialogue", "dialogues", clipped),
        ]

    def _ask(self, clip: Clip) -> Event:
        return Event(_QUESTION, clip, After(self.config.understanding.lead_s))

    def _judge(self, recording: Recording, answer: AnswerText) -> Facts:
        margin = self.config.speech.margin_s
        first, last = round((answer.start - margin) * RATE), round((answer.end + margin) * RATE)
        samples = recording.assistant[max(0, first) : last]
        recognised = judge.recognise(samples, self.config.speech.asr)
        errors = judge.word_errors(answer.text, recognised)
        return {
            "text": answer.text,
            "recognised": recognised,
            "errors": errors.errors,
            "words": errors.words,
            "dnsmos": round(judge.quality(samples), 3),
            "silence": round(self._silence(recording, answer), 4),
            "words_per_s": round(len(plain_words(answer.text)) / (answer.end - answer.start), 3),
        }

    def _silence(self, recording: Recording, answer: AnswerText) -> float:
        """Share of the answer's frames whose samples are all below the gate's floor."""
        frame = round(self.config.clips.frame_s * RATE)
        samples = recording.assistant[round(answer.start * RATE) : round(answer.end * RATE)]
        peaks = np.abs(samples[: len(samples) // frame * frame]).reshape(-1, frame).max(axis=1)
        return float(np.mean(peaks <= 10 ** (self.config.gate.floor_db / 20))) if len(peaks) else 0.0


def _whole(answer: AnswerText) -> bool:
    return answer.how == "end" and bool(answer.text) and answer.end > answer.start


def _joints(recording: Recording, config: EvaluationConfig) -> Iterator[int]:
    """Sample positions where pieces of sound meet: edges of its segments, and slot boundaries inside them."""
    slot = AUDIO.slot_output_samples
    for segment in recording.speech(config.gate):
        first, last = round(segment.start * RATE), round(segment.end * RATE)
        yield first
        yield from range((first // slot + 1) * slot, last, slot)
        yield last
