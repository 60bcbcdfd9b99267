"""Conversations in ChatML turns over one network: user audio is prefilled while it is spoken, answers are stepped.

    rows = ChatRows(chat, size=8)
    rows.open(0, system="You are ...", answering=AnswerConfig(), seed=1)
    rows.begin_user(0)
    rows.hear(pcm, active)                       # every slot: pcm [8, 3200], active [8]
    rows.end_user(0)                             # only the end of the template is left to prefill
    step = rows.step(active)[0]                  # every slot, until step.finished
    rows.keep_text(0, "what was heard of it")    # or keep_speech: ends or cuts the answer; history has what was heard

This module handles turns; it does not depend on sessions, sockets, playback or the decision that a turn has ended. Rows
do not depend on one another.
"""

from collections.abc import Sequence

import torch
from torch import Tensor

from configs.model.funaudiochat import TURNS, AnswerConfig, TurnsConfig
from duplex.model.funaudiochat.chat_row import (
    AnswerStep,
    ChatAnswer,
    ChatElement,
    ChatRow,
    Group,
    Phase,
    advance,
    list_spoken_elements,
)
from duplex.model.funaudiochat.drawing import Drawing
from duplex.model.funaudiochat.graphed import stepping
from duplex.model.funaudiochat.listener import Listener
from duplex.model.funaudiochat.model import FunAudioChat
from duplex.model.funaudiochat.multimodal_llm import NetworkState, StepInput

_PREFILL = 2048
"""Most elements in one forward pass over all rows; this bounds the memory of attention."""
_LEAST = 16
"""Most elements of one row in a pass that many rows share."""


class ChatRows:
    """`size` conversations. Calls in the wrong phase of a conversation raise ValueError."""

    def __init__(self, chat: FunAudioChat, size: int, config: TurnsConfig = TURNS) -> None:
        self.size = size
        self._chat = chat
        self._config = config
        network = chat.network
        self._listener = Listener(network, config.unfinished)
        self._listening = self._listener.init_state(size)
        self._state = network.init_state(size, config.places, config.refined_places)
        self._stepping = stepping(network, self._state, config.step)
        self._drawing = Drawing(chat.config, size, network.device)
        self._rows = [ChatRow() for _ in range(size)]

    def open(self, row: int, system: str, answering: AnswerConfig, seed: int = 0) -> None:
        """Open a new conversation that begins with a system prompt."""
        self._state.reset(torch.arange(self.size) == row)
        self._rows[row] = ChatRow(answering=answering, seed=seed)
        self._rows[row].add(self._chat.tokenizer.message("system", system))

    def phase(self, row: int) -> Phase:
        """What a conversation is doing."""
        return self._rows[row].phase

    def room(self, row: int) -> int:
        """Number of elements that a conversation still has room for."""
        return self._config.places - self._rows[row].size

    def elements(self, row: int) -> list[ChatElement]:
        """All elements of a conversation in order, including waiting ones."""
        return [*self._rows[row].log, *self._rows[row].waiting]

    @property
    def state(self) -> NetworkState:
        """Caches of all rows."""
        return self._state

    def begin_user(self, row: int) -> None:
        """Begin a spoken turn of the user."""
        one = self._rows[row]
        one.expect(Phase.IDLE)
        one.phase = Phase.USER
        one.turns.append(one.size)
        one.add(self._chat.tokenizer.user_audio())
        self._listening.reset(torch.arange(self.size) == row)

    def hear(self, pcm: Tensor, active: Sequence[bool]) -> None:
        """Take samples [size, n] at 16 kHz of the active rows; their new groups are prefilled at once."""
        for row, is_active in enumerate(active):
            if is_active:
                self._rows[row].expect(Phase.USER)
        for row, groups in enumerate(self._listener.step(pcm, self._listening, active)):
            self._add_groups(row, groups)
        self.flush()

    def end_user(self, row: int, text: str = "") -> None:
        """End the user's turn, with added written `text`: the answer can begin."""
        one = self._rows[row]
        one.expect(Phase.USER)
        one.unfinished = one.size
        (groups,) = self._listener.end(self._listening, [row])
        self._add_groups(row, groups)
        self._close_user(row, self._chat.tokenizer.user_audio_end(text))

    def resume_user(self, row: int) -> None:
        """Resume a spoken turn whose user had not finished; the answer to its first part is forgotten."""
        one, _ = self._answering(row)
        if one.unfinished is None:
            raise ValueError(
                "the conversation answers a turn that was given whole and cannot be resumed; begin another one"
            )
        self._truncate(row, one.unfinished)
        one.phase = Phase.USER

    def drop_user(self, row: int) -> None:
        """Forget a turn in which the user did not speak after all."""
        one = self._rows[row]
        one.expect(Phase.USER)
        self._truncate(row, one.turns[-1])

    def user_recording(self, row: int, pcm: Tensor, text: str = "") -> None:
        """Take a complete spoken turn [N] at 16 kHz, with the authors' spectrum."""
        self.user_groups(row, self._listener.whole(pcm), text)

    def user_groups(self, row: int, groups: Tensor, text: str = "") -> None:
        """Take a complete spoken turn as groups [g, D]."""
        self.begin_user(row)
        self._add_groups(row, groups)
        self._close_user(row, self._chat.tokenizer.user_audio_end(text))

    def user_text(self, row: int, text: str) -> None:
        """Take a complete written turn."""
        self._rows[row].expect(Phase.IDLE)
        self._rows[row].turns.append(self._rows[row].size)
        self._close_user(row, self._chat.tokenizer.message("user", text))

    def tool_text(self, row: int, text: str) -> None:
        """Take the results of function calls as a written turn, which belongs to the user's last turn and is forgotten
        with it."""
        self._rows[row].expect(Phase.IDLE)
        self._close_user(row, self._chat.tokenizer.message("user", text))

    @torch.inference_mode()
    def step(self, active: Sequence[bool]) -> list[AnswerStep | None]:
        """Make 200 ms of answer for the active rows; None for inactive rows and for finished answers."""
        answers = [self._find_unfinished(row) if is_active else None for row, is_active in enumerate(active)]
        if not any(answers):
            return [None] * self.size
        self.flush()
        uniform = self._drawing.uniforms([(row.seed, row.steps) for row in self._rows])
        out = self._stepping.step(self._inputs(answers), self._state, self._drawing.speech(uniform))
        opened = [one is not None and one.next.id == self._chat.config.ids.audio_bos for one in answers]
        text = self._drawing.text(out.text_logits, uniform, opened).tolist()
        tokens = [None] * self.size if out.tokens is None else out.tokens.tolist()
        steps = [
            None if answer is None else self._advance(row, answer, text[row], tokens[row])
            for row, answer in enumerate(answers)
        ]
        self._drawing.mark_seen([(row, one.text_id, one.tokens) for row, one in enumerate(steps) if one is not None])
        return steps

    def answer_text(self, row: int) -> str:
        """Text of the answer so far; its last tokens have not sounded yet (text leads speech)."""
        answer = self._rows[row].answer
        return "" if answer is None else self._chat.tokenizer.decode(answer.text)

    def keep_text(self, row: int, text: str) -> None:
        """End or cut an answer; history keeps only `text` of it and no speech, as in the authors' code."""
        one, answer = self._answering(row)
        last = answer.next if len(one.log) <= answer.start else one.log[answer.start]
        self._truncate(row, answer.start)
        one.waiting.append(ChatElement(last.id))
        one.add([*self._chat.tokenizer.encode(text.strip()), *self._chat.tokenizer.end()])

    def keep_speech(self, row: int, groups: int) -> None:
        """End or cut an answer; history keeps its first `groups` groups, as text and speech."""
        one, answer = self._answering(row)
        ids = self._chat.config.ids
        kept = list_spoken_elements(answer, one.log, groups, ids.audio_bos)
        done = max(len(one.log) - answer.start, 0)
        self._truncate(row, answer.start + min(len(kept), done))
        one.waiting += kept[done:]
        one.add([ids.audio_eos] if any(element.id == ids.audio_bos for element in kept) else [])
        one.add(self._chat.tokenizer.end())

    def keep_turns(self, row: int, turns: int) -> None:
        """Forget all but the last `turns` user turns and what followed them; the system prompt is kept."""
        one = self._rows[row]
        one.expect(Phase.IDLE)
        if len(one.turns) <= turns:
            return
        elements, starts = self.elements(row), [*one.turns, one.size]
        first, kept = starts[0], starts[len(one.turns) - turns :]
        self._truncate(row, first)
        one.waiting += elements[kept[0] :]
        one.turns = [first + start - kept[0] for start in kept[:-1]]

    @torch.inference_mode()
    def flush(self) -> None:
        """Prefill the waiting elements of all rows together; `hear` and `step` do this too, so calling it is
        optional."""
        while waiting := [index for index, row in enumerate(self._rows) if row.waiting]:
            for whole in (True, False):
                rows = [row for row in waiting if self._does_head_hear(row) is whole]
                if rows:
                    self._prefill(rows, refined=whole)

    def _prefill(self, rows: list[int], refined: bool) -> None:
        network = self._chat.network
        most = max(_LEAST, _PREFILL // len(rows))
        pieces = [self._rows[row].waiting[:most] for row in rows]
        ids = [torch.tensor([element.id for element in piece], device=network.device) for piece in pieces]
        vectors = [self._vectors(piece, numbers) for piece, numbers in zip(pieces, ids, strict=True)]
        network.prefill(rows, ids, vectors, self._state, refined)
        for row, piece in zip(rows, pieces, strict=True):
            self._rows[row].log += piece
            del self._rows[row].waiting[: len(piece)]

    def _vectors(self, piece: list[ChatElement], ids: Tensor) -> Tensor:
        """Vectors [n, D] of text tokens, user groups, and text fused with spoken groups."""
        network = self._chat.network
        vectors = network.table(ids)
        heard = {index: element.heard for index, element in enumerate(piece) if element.heard is not None}
        if heard:
            vectors[list(heard)] = torch.stack(list(heard.values()))
        spoken = {index: element.spoken for index, element in enumerate(piece) if element.spoken is not None}
        if spoken:
            tokens = torch.tensor(list(spoken.values()), device=network.device)
            vectors[list(spoken)] = (vectors[list(spoken)] + network.grouping.group_speech(tokens)) / 2
        return vectors

    def _does_head_hear(self, row: int) -> bool:
        return self._rows[row].answering.speech and self._config.refined_hears == "conversation"

    def _add_groups(self, row: int, groups: Tensor) -> None:
        audio = self._chat.config.ids.audio
        self._rows[row].waiting += [ChatElement(audio, heard=vector) for vector in groups]

    def _close_user(self, row: int, ids: list[int]) -> None:
        one = self._rows[row]
        one.add([*ids, *self._chat.tokenizer.assistant()])
        self._drawing.begin(row, one.answering, [element.id for element in self.elements(row)])
        one.begin_answer(self._chat.config.codes.bos)

    def _inputs(self, answers: list[ChatAnswer | None]) -> StepInput:
        config, device = self._chat.config, self._chat.network.device
        silent: Group = (config.codes.pad,) * config.group
        groups = [silent if answer is None else answer.next.spoken or silent for answer in answers]
        return StepInput(
            text=torch.tensor([0 if answer is None else answer.next.id for answer in answers], device=device),
            group=torch.tensor(groups, device=device),
            grouped=torch.tensor([a is not None and a.next.spoken is not None for a in answers], device=device),
            carried=torch.tensor([config.codes.bos if a is None else a.carried for a in answers], device=device),
            writes=[answer is not None for answer in answers],
            speaks=[a is not None and self._rows[row].answering.speech for row, a in enumerate(answers)],
        )

    def _advance(self, row: int, answer: ChatAnswer, text_id: int, tokens: list[int] | None) -> AnswerStep:
        one, config = self._rows[row], self._chat.config
        if not answer.text and one.answering.opened and one.answering.speech:
            text_id = config.ids.audio_bos
        one.log.append(answer.next)
        one.steps += 1
        spoken = tuple(tokens) if tokens is not None and one.answering.speech else None
        group = advance(answer, text_id, spoken, config, self._chat.tokenizer.im_end)
        answer.finished |= len(answer.text) >= one.answering.max_steps
        return AnswerStep(answer.text[-1], group, answer.finished)

    def _find_unfinished(self, row: int) -> ChatAnswer | None:
        answer = self._rows[row].answer
        return None if answer is None or answer.finished else answer

    def _answering(self, row: int) -> tuple[ChatRow, ChatAnswer]:
        one = self._rows[row]
        one.expect(Phase.ANSWER)
        assert one.answer is not None
        return one, one.answer

    def _truncate(self, row: int, length: int) -> None:
        """Forget all but the first `length` elements of a conversation, in both caches."""
        self._rows[row].truncate(length)
        left = len(self._rows[row].log)
        self._state.truncate(row, left, left * self._chat.config.group if self._does_head_hear(row) else 0)
