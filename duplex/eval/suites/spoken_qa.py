"""Suite `spoken-qa`: spoken questions with published answers, scored as UltraEval-Audio does.

S2T is the model's text, S2S what a recogniser hears in its speech, T2T the written answer to the same written question.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from configs.audio import AUDIO
from configs.eval.evaluation import EvaluationConfig
from duplex.eval.conversation_record import Recording
from duplex.eval.measures import judge, timing
from duplex.eval.measures.figures import Figure, rate, ratio, spread
from duplex.eval.measures.text_match import exist_match, exist_match_norm
from duplex.eval.measures.timing import UserTurn
from duplex.eval.suite import DialogueRow, Example, Facts, FinishedDialogue
from duplex.eval.users.data_folder import DataFolder, Question
from duplex.eval.users.user import After, Event, Script, WhenSilent

_QUESTION = "question"
_GROUP = "llama-questions"
_FAILED = 100.0
Match = Callable[[str, str], bool]
_WAYS = {"S2T": "answer", "S2S": "recognised", "T2T": "text_answer"}
"""Name of every way of asking, and the measure with its answer."""


@dataclass(frozen=True)
class SpokenQa:
    """Llama Questions, one per dialogue; T2T is left out for systems that do not read."""

    config: EvaluationConfig
    data: Path
    name: str = "spoken-qa"

    def examples(self) -> Sequence[Example]:
        """All questions of the data folder."""
        return [self._example(question) for question in DataFolder(self.data).llama_questions()]

    def score(self, dialogue: FinishedDialogue) -> tuple[Facts, float]:
        """The answers, whether they contain the published one, and how the speech differs from the text."""
        facts, recording, played = dialogue.example.facts, dialogue.recording, dialogue.clip(_QUESTION)
        assert played is not None, "a clip at a fixed time is always played"
        latency = timing.response(
            recording.speech(self.config.gate), UserTurn(played.start_s, played.end_s), self.config.timing
        )
        found: Facts = {
            "answer": recording.join_said_words(),
            "recognised": self._recognise(recording),
            "text_answer": dialogue.written,
            "heard": " / ".join(recording.heard),
            "response_s": None if latency is None else round(latency, 4),
        }
        errors = judge.word_errors(found["answer"], found["recognised"])
        found |= {"errors": errors.errors, "words": errors.words}
        right = exist_match_norm(found["answer"], facts["key"])
        return {**facts, **found}, (0.0 if right else _FAILED) + errors.errors

    def figures(self, rows: Sequence[DialogueRow]) -> list[Figure]:
        """Right answers by way of asking, with exist-match as published and on normalised words; speech against text;
        response."""
        official = [figure for way in _WAYS for figure in _right(way, rows, exist_match, "exist-match")]
        normal = [figure for way in _WAYS for figure in _right(way, rows, exist_match_norm, "exist-match, normalised")]
        written = [row for row in rows if row.measures["text_answer"] is not None]
        kept = [ratio("S2T of T2T, normalised", "questions right as T2T", [(row.id, *_pair(row)) for row in written])]
        parts = [(row.id, row.measures["errors"], row.measures["words"]) for row in rows]
        wer = ratio("word error rate of its speech against its text", "words of its text", parts)
        latencies = ((row.id, row.measures["response_s"]) for row in rows)
        compared = kept if written else []
        return [*official, *normal, *compared, wer, spread("response", "questions that it answered", latencies)]

    def _example(self, question: Question) -> Example:
        limits = self.config.understanding
        script = Script(
            (Event(_QUESTION, question.clip, After(limits.lead_s)),), limits.wait_s, WhenSilent(limits.quiet_s)
        )
        facts = {"question": question.text, "key": question.answer}
        return Example(question.id, _GROUP, script, facts, written=question.text)

    def _recognise(self, recording: Recording) -> str:
        """What is recognised in all of the assistant's speech; "" if it was silent."""
        speech, margin = recording.speech(self.config.gate), self.config.speech.margin_s
        if not speech:
            return ""
        first, last = ((speech[0].start - margin), (speech[-1].end + margin))
        samples = recording.assistant[max(0, round(first * AUDIO.output_rate)) : round(last * AUDIO.output_rate)]
        return judge.recognise(samples, self.config.speech.asr)


def _right(way: str, rows: Sequence[DialogueRow], match: Match, how: str) -> Iterator[Figure]:
    asked = [(row, row.measures[_WAYS[way]]) for row in rows]
    outcomes = [(row.id, match(said, row.measures["key"])) for row, said in asked if said is not None]
    if outcomes:
        yield rate(f"{way} right, {how}", "questions", outcomes)


def _pair(row: DialogueRow) -> tuple[float, float]:
    """Whether it is right as S2T, and as T2T."""
    answers = (row.measures[_WAYS[way]] for way in ("S2T", "T2T"))
    spoken, written = (float(exist_match_norm(said, row.measures["key"])) for said in answers)
    return spoken, written
