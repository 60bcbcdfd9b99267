"""Suite `understanding`: right answers to spoken questions, and honest refusals of what is not known."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from configs.eval.evaluation import Bar, EvaluationConfig
from duplex.eval.measures import timing
from duplex.eval.measures.figures import Figure, rate, spread
from duplex.eval.measures.text_match import exist_match, exist_match_norm, holds_phrase
from duplex.eval.measures.timing import UserTurn
from duplex.eval.suite import DialogueRow, Example, Facts, FinishedDialogue
from duplex.eval.suites.domain import corpus_domain
from duplex.eval.users.clip import Clip
from duplex.eval.users.data_folder import QUESTIONS, DataFolder, TrialFolder
from duplex.eval.users.user import After, Event, Script, WhenSilent

VOICE, FRAME, BOTH, ROBOT = QUESTIONS
INSIDE, DISPUTED, OUTSIDE = "llama_in", "llama_disputed", "llama_outside"
_QUESTION = "question"
_FAILED = 100.0


@dataclass(frozen=True)
class Understanding:
    """Held-out voices and phrasings, and Llama Questions inside and outside the corpus' domain."""

    config: EvaluationConfig
    data: Path
    trials: Path
    name: str = "understanding"

    def examples(self) -> Sequence[Example]:
        """One question each; without a folder of trials, only Llama Questions."""
        trials, domain = TrialFolder.of_any(self.trials), corpus_domain()
        asked = [(test, trial) for test in QUESTIONS for trial in (trials.any_of(test) if trials else ())]
        made = [self._example(trial.id, test, trial.clip, trial.text, trial.key) for test, trial in asked]
        for question in DataFolder(self.data).llama_questions():
            group = f"llama_{domain.place(question.text, question.answer)}"
            made.append(self._example(f"llama-{question.id}", group, question.clip, question.text, question.answer))
        return made

    def score(self, dialogue: FinishedDialogue) -> tuple[Facts, float]:
        """Whether the assistant's words contain the key, or refuse."""
        facts, played = dialogue.example.facts, dialogue.clip(_QUESTION)
        assert played is not None, "a clip at a fixed time is always played"
        answer = dialogue.recording.join_said_words()
        speech = dialogue.recording.speech(self.config.gate)
        latency = timing.response(speech, UserTurn(played.start_s, played.end_s), self.config.timing)
        right = exist_match_norm(answer, facts["key"])
        refused = holds_phrase(answer, self.config.understanding.refusals)
        found = {
            "answer": answer,
            "heard": " / ".join(dialogue.recording.heard),
            "right": right,
            "exist_match": exist_match(answer, facts["key"]),
            "refused": refused,
            "response_s": None if latency is None else round(latency, 4),
        }
        wanted = refused if dialogue.example.group == OUTSIDE else right
        return {**facts, **found}, 0.0 if wanted else _FAILED

    def figures(self, rows: Sequence[DialogueRow]) -> list[Figure]:
        """Right answers by condition, and refusals of questions outside the domain."""
        limits = self.config.understanding
        return [
            *_right("right, voice never trained on", VOICE, rows, limits.voice_bars),
            *_right("right, way of asking never trained on", FRAME, rows, limits.frame_bars),
            *_right("right, neither ever trained on", BOTH, rows),
            *_right("right, robotic voice never trained on", ROBOT, rows),
            *_right("right, Llama Questions in domain", INSIDE, rows, limits.domain_bars),
            *_count_refusals("Llama Questions outside", OUTSIDE, rows, limits.refusal_bars),
            *_count_refusals("Llama Questions with another answer in the corpus", DISPUTED, rows),
            spread("response", "questions", ((row.id, row.measures["response_s"]) for row in rows)),
        ]

    def _example(self, name: str, group: str, clip: Clip, text: str, key: str) -> Example:
        limits = self.config.understanding
        script = Script((Event(_QUESTION, clip, After(limits.lead_s)),), limits.wait_s, WhenSilent(limits.quiet_s))
        return Example(name, group, script, {"question": text, "key": key})


def _right(name: str, group: str, rows: Sequence[DialogueRow], bars: tuple[Bar, ...] = ()) -> Iterator[Figure]:
    found = [row for row in rows if row.group == group]
    yield rate(name, "questions", _that("right", found), bars)
    published = rate(f"{name}: exist-match as published", "questions", _that("exist_match", found))
    yield replace(published, detail=True)
    yield rate(f"{name}: refused", "questions", _that("refused", found))


def _count_refusals(name: str, group: str, rows: Sequence[DialogueRow], bars: tuple[Bar, ...] = ()) -> Iterator[Figure]:
    found = [row for row in rows if row.group == group]
    yield rate(f"{name}: refused", "questions", _that("refused", found), bars)
    yield rate(f"{name}: right all the same", "questions", _that("right", found))


def _that(measure: str, rows: Sequence[DialogueRow]) -> Iterator[tuple[str, bool]]:
    return ((row.id, row.measures[measure]) for row in rows)
