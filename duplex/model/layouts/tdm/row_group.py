"""Conversations that one step runs together: their states in every stage, and the order of work in a slot.

hear    encoder features, words that became known            -> U_t
think   plan, shared LLM, state head                         -> decision for slot t + 1
say     text token, speech tokens, samples of slot t + 1     -> A_(t + 1)
"""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor
from contextlib import contextmanager
from dataclasses import dataclass
from time import perf_counter
from typing import Any

import torch
from torch import Tensor

from duplex.model.interface import ConversationOptions, Recognition, SlotResult, UserWords
from duplex.model.language_models.answers import AnswerSource
from duplex.model.layouts.tdm.core import CoreInput, CoreOutput
from duplex.model.layouts.tdm.delegated import DelegatedAnswers
from duplex.model.layouts.tdm.tdm_conversation import TdmConversation
from duplex.model.layouts.tdm.tdm_model import TdmModel
from duplex.model.sampling.seeds import choose, slot_seed
from duplex.model.stages.detokenizer import DetokenizerInput, SeededVoiceState
from duplex.model.stages.fusion import ABSENT
from duplex.model.stages.llm import LlmState
from duplex.model.stages.srh import SrhInput, SrhOutput
from duplex.model.stages.word_source import WordsInput
from duplex.model.stages.words_beside import WordsBeside
from tdm.slots import State


@dataclass
class GroupState:
    """States of the group's conversations, a field for each stage."""

    encoder: Any
    words: WordsBeside
    core: LlmState
    srh: Any
    detokenizer: SeededVoiceState

    def reset(self, rows: Tensor) -> None:
        """Forget the conversations of `rows` [size]."""
        for state in (self.encoder, self.words, self.core, self.srh, self.detokenizer):
            state.reset(rows)


class RowGroup:
    """`size` conversations in every stage of `model`."""

    def __init__(
        self,
        model: TdmModel,
        size: int,
        worker: Executor | None,
        answers: AnswerSource | None = None,
        first: int = 0,
        now: Callable[[], float] = perf_counter,
    ) -> None:
        """`answers`: of a language model; there the group's rows are `first` and those behind it. `now`: seconds."""
        self.size = size
        self._mind, self._lean_to_refusal = model.mind, model.lean_to_refusal
        self._refusal_id = model.refusal_id
        self._answers, self._first = answers, first
        self._encoder, self._core = model.ears.encoder, model.mind.core
        self._srh, self._detokenizer = model.voice.head, model.voice.detokenizer
        self._tokens = self._srh.silent.repeat(size, 1, 1)
        self._conversations = [self._conversation(ConversationOptions(), row) for row in range(size)]
        self._state = GroupState(
            self._encoder.init_state(size),
            WordsBeside(model.ears.words, size, worker, now),
            self._core.init_state(size, self._conversations[0].scheduler.layout),
            self._srh.init_state(size),
            self._detokenizer.init_state(size),
        )
        self._stage_ms: dict[str, float] = {}

    @torch.inference_mode()
    def open(self, row: int, options: ConversationOptions) -> None:
        """Begin a new conversation in `row`."""
        conversation = self._conversation(options, row)
        rows = torch.zeros(self.size, dtype=torch.bool)
        rows[row] = True
        self._state.reset(rows)
        self._state.detokenizer.seed(row, options.seed)
        self._tokens[row] = self._srh.silent
        self._conversations[row] = conversation
        prefix = torch.tensor([conversation.prefix]).expand(self.size, -1)
        self._core.prefill(prefix, conversation.scheduler.layout, self._state.core, rows)

    @torch.inference_mode()
    def step(self, pcm: Tensor, active: Tensor, deadline: float | None = None) -> list[SlotResult | None]:
        """Run one slot of the active rows: pcm [size, 3200], active [size]; `deadline`: see `WordsBeside.collect`."""
        self._stage_ms = {}
        heard, features = self._hear(pcm, active, deadline)
        out = self._think(features, active)
        p_speak = out.state.sigmoid().tolist()
        words = self._write(p_speak, out, active)
        spoken, audio = self._speak(words, out, active)
        return [
            self._result(row, heard[row], p_speak[row], spoken, audio) if is_active else None
            for row, is_active in enumerate(active.tolist())
        ]

    def tell(self, row: int, text: str) -> None:
        """The user writes, to the language model."""
        self._conversations[row].read(text)

    def mark_unheard(self, row: int, milliseconds: float) -> None:
        """So much of the answer that was cut with the last step was taken back before it sounded."""
        self._conversations[row].unheard_ms = milliseconds

    @property
    def waited_s(self) -> float:
        """How long the last step waited for words."""
        return self._state.words.waited_s

    def hold_words(self, row: int) -> None:
        """A replay: the row's words were late at its next slot."""
        self._state.words.hold(row)

    def recall(self, row: int, turns: Sequence[tuple[str, str]], known: Sequence[Recognition]) -> None:
        """What was said before the conversation's first slot, as (role, text), and recognised in its next ones."""
        self._state.words.recall(row, known)
        llm = self._conversations[row].llm
        if llm is not None:
            llm.dialogue.recall(turns)

    def mark_absent(self, row: int) -> None:
        """Nobody hears the assistant in the row's next slot."""
        self._conversations[row].absent = True

    def _conversation(self, options: ConversationOptions, row: int) -> TdmConversation:
        mind, answers, prompt = self._mind, self._answers, options.system_prompt
        llm = None
        if answers is not None:
            llm = DelegatedAnswers(answers, self._first + row, prompt, options.tools)
        if prompt is None or llm is not None:
            prompt = mind.config.system_prompt
        return TdmConversation(options, mind.config.schedule, mind.tokenizer, mind.writing, mind.prompt(prompt), llm)

    def _hear(self, pcm: Tensor, active: Tensor, deadline: float | None) -> tuple[list[UserWords | None], Tensor]:
        """Words that became known with this slot, and its features; gives the slot to the source of words."""
        with self._time("encoder"):
            features = self._encoder.step(pcm, self._state.encoder, active)
        with self._time("words"):
            heard = self._collect(active, deadline)
            speaking = torch.tensor([row.assistant.state is State.SPEAK for row in self._conversations])
            self._state.words.submit(WordsInput(pcm, features, speaking), active)
        return heard, features

    def _collect(self, active: Tensor, deadline: float | None) -> list[UserWords | None]:
        """Words from the previous slot; waits for them until the deadline."""
        heard = self._state.words.collect(active, deadline)
        for row in active.nonzero().flatten().tolist():
            self._conversations[row].words_late = row in self._state.words.late
            expected = self._state.words.expected(row) if heard[row] is not None else ""
            heard[row] = self._conversations[row].begin_slot(heard[row], expected)
        return heard

    def _think(self, features: Tensor, active: Tensor) -> CoreOutput:
        """Outputs of slot t for all rows."""
        rows = self._conversations
        slots = CoreInput(
            features=features,
            words=self._user_words(active),
            text=torch.tensor([row.assistant.text_id for row in rows]),
            tokens=self._tokens,
            state=torch.tensor([int(row.assistant.state) for row in rows]),
            since=torch.tensor([row.assistant.since for row in rows]),
        )
        with self._time("core"):
            plans = [row.scheduler.plan() for row in rows]
            return self._core.step(slots, plans, rows[0].scheduler.layout, self._state.core, active)

    def _user_words(self, active: Tensor) -> Tensor:
        """[size, K] ids of this slot's user words; an inactive row's words keep waiting."""
        words = torch.full((self.size, self._mind.config.schedule.user_words_per_slot), ABSENT)
        for row in active.nonzero().flatten().tolist():
            words[row] = torch.tensor(self._conversations[row].take_user_words())
        return words

    def _write(self, p_speak: list[float], out: CoreOutput, active: Tensor) -> list[list[str]]:
        """Decide state and text of slot t + 1 and set each row's next A; returns the words that became complete."""
        with self._time("text"):
            logits = self._core.text_logits(out.hidden)[:, : self._mind.tokenizer.size]
            return [
                self._write_row(self._conversations[row], p_speak[row], logits[row]) if is_active else []
                for row, is_active in enumerate(active.tolist())
            ]

    def _write_row(self, row: TdmConversation, p_speak: float, logits: Tensor) -> list[str]:
        tokenizer = self._mind.tokenizer
        decision = row.decide(p_speak)
        if decision.state is State.MUTE:
            return []
        if not decision.wants_text:
            row.hold()
            return []
        if row.llm is not None and self._delegates(row, decision.onset, logits):
            return _write_delegated(row, row.llm, decision.onset)
        seed, never = _seed(row), self._mind.never
        chosen = choose(logits, never, row.options.temperature, seed)
        if chosen not in (tokenizer.eos, tokenizer.sil):
            if decision.onset:
                chosen = choose(self._lean_to_refusal(logits), never, row.options.temperature, seed)
            return row.say(chosen)
        if decision.onset:
            row.veto()
            return []
        return row.end_text()

    def _delegates(self, row: TdmConversation, onset: bool, logits: Tensor) -> bool:
        """Whether the language model writes the answer, not the embedded mind."""
        assert row.llm is not None
        if not onset:
            return row.llm.speaking
        first = choose(self._lean_to_refusal(logits), self._mind.never, row.options.temperature, _seed(row))
        return row.llm.takes(refuses=first == self._refusal_id)

    def _speak(self, words: list[list[str]], out: CoreOutput, active: Tensor) -> tuple[SrhOutput, Tensor]:
        """Speech tokens and samples of slot t + 1."""
        rows = self._conversations
        speaking = torch.tensor([row.assistant.state is State.SPEAK for row in rows])
        finished = torch.tensor([row.answer.written for row in rows])
        ended = torch.tensor([row.event == "end" for row in rows])
        with self._time("srh"):
            said = SrhInput(words, finished, speaking, out.hidden, seeds=[_seed(row) for row in rows])
            spoken = self._srh.step(said, self._state.srh, active)
        with self._time("detokenizer"):
            sound = DetokenizerInput(spoken.tokens, speaking, ended)
            audio = self._detokenizer.step(sound, self._state.detokenizer, active)
        self._tokens[active] = spoken.tokens[active]
        for index in active.nonzero().flatten().tolist():
            rows[index].update_speech(int(spoken.queued[index]), bool(spoken.exhausted[index]))
        return spoken, audio

    def _result(
        self, row: int, heard: UserWords | None, p_speak: float, spoken: SrhOutput, audio: Tensor
    ) -> SlotResult:
        conversation = self._conversations[row]
        return SlotResult(
            slot=conversation.scheduler.slot - 1,
            p_speak=p_speak,
            state=conversation.assistant.state,
            event=conversation.event,
            text_id=conversation.assistant.text_id,
            answer_words=conversation.take_captions(),
            tokens=spoken.tokens[row].numpy(),
            pcm=audio[row].numpy(),
            user=heard,
            spoken=conversation.list_spoken(spoken.spoken[row]),
            stage_ms=dict(self._stage_ms),
            kept=conversation.kept,
            came=conversation.llm.came if conversation.llm is not None else None,
            thinking=conversation.thinking,
            words_late=conversation.words_late,
            recognition=self._state.words.recognitions.get(row),
        )

    @contextmanager
    def _time(self, stage: str) -> Iterator[None]:
        start = perf_counter()
        yield
        self._stage_ms[stage] = (perf_counter() - start) * 1000


def _seed(row: TdmConversation) -> int:
    return slot_seed(row.options.seed, row.scheduler.slot)


def _write_delegated(row: TdmConversation, llm: DelegatedAnswers, onset: bool) -> list[str]:
    """The language model's words of slot t + 1."""
    if onset and not llm.want():
        row.veto()
        row.event = "" if llm.thinking else row.event
        return []
    if onset:
        llm.begin()
    if items := llm.take_items():
        return row.say_items(items)
    if llm.over:
        row.end_text()
    else:
        row.starve()
    return []
