"""Fun-Audio-Chat and its detokenizer as model and voice of the turn layout.

A conversation that outgrows its caches forgets its oldest turns; the part of a single turn that exceeds the caches is
not taken in, and an answer ends there. When a turn ends is decided elsewhere.
"""

from collections.abc import Sequence

import torch
from torch import Tensor

from configs.model.funaudiochat import AnswerConfig, TurnsConfig
from configs.model.live_turns import LiveTurnsConfig
from configs.model.patterns import Pattern, system_prompt, wording_of
from duplex.model.funaudiochat.chat_row import AnswerStep, Group
from duplex.model.funaudiochat.chat_rows import ChatRows
from duplex.model.funaudiochat.model import FunAudioChat
from duplex.model.interface import ConversationOptions
from duplex.model.layouts.turns.turn_interface import AnswerSlot, VoiceInput
from duplex.model.stages.cosyvoice.stage import CosyVoice, CosyVoiceInput, CosyVoiceState

_RESERVE = 8
"""Share of the places that a turn leaves for its answer."""
_UNREADABLE = "\ufffd"
"""Stands for a character of which only the first bytes are known."""


class FunAudioChatTurns:
    """`TurnModel` over `ChatRows`. Text that a pattern lets the model write before it speaks is not shown to the
    user."""

    def __init__(
        self,
        chat: FunAudioChat,
        rows: int,
        persona: str,
        answering: AnswerConfig,
        turns: TurnsConfig,
        live: LiveTurnsConfig,
    ) -> None:
        self.fingerprint = chat.fingerprint
        codes, group = chat.config.codes, chat.config.group
        self.silence = torch.full((group, 1), codes.bos)
        self._chat, self._live, self._turns = chat, live, turns
        self._persona, self._answering = persona, answering
        self._wording = wording_of(chat.config.name)
        self._usual = Pattern.S2T if chat.config.refined is None else Pattern.S2M
        self._rows = ChatRows(chat, rows, turns)
        self._given = [0] * rows
        self._silent = [0] * rows
        self._made = [0] * rows
        self._opened = [True] * rows
        self._patterns = [self._usual] * rows
        for row in range(rows):
            self.open(row, ConversationOptions())

    def open(self, row: int, options: ConversationOptions) -> None:
        """See `TurnModel.open`. A conversation's own system prompt follows the pattern's, without which the checkpoint
        would not know what kind of answer to give."""
        pattern = Pattern.by_name(options.pattern or self._usual)
        if pattern.speaks and self._chat.config.refined is None:
            raise ValueError(f"this checkpoint cannot speak, and {pattern} speaks; choose S2T or T2T")
        prompt = system_prompt(self._wording, pattern, options.system_prompt or self._persona)
        size = len(self._chat.tokenizer.message("system", prompt))
        if size > self._turns.places // 2:
            raise ValueError(f"the system prompt has {size} tokens, {self._turns.places // 2} fit; shorten it")
        self._patterns[row] = pattern
        self._rows.open(row, prompt, self._answer_config(pattern, options.temperature), options.seed)

    def begin_user(self, row: int) -> None:
        """See `TurnModel.begin_user`."""
        self._make_room(row)
        self._rows.begin_user(row)

    def _make_room(self, row: int) -> None:
        """Forget turns that are too old or do not fit."""
        self._rows.keep_turns(row, self._live.keep_turns - 1)
        turns = self._live.keep_turns - 1
        while turns and self._rows.room(row) < self._turns.places // 2:
            turns -= 1
            self._rows.keep_turns(row, turns)

    def hear(self, pcm: Tensor, active: Sequence[bool]) -> None:
        """See `TurnModel.hear`."""
        tokenizer = self._chat.tokenizer
        template = len(tokenizer.user_audio_end()) + len(tokenizer.assistant())
        reserve = template + self._turns.places // _RESERVE
        fits = [is_active and self._rows.room(row) > reserve for row, is_active in enumerate(active)]
        if any(fits):
            self._rows.hear(pcm, fits)

    def end_user(self, row: int, text: str = "") -> None:
        """See `TurnModel.end_user`."""
        self._rows.end_user(row, text)
        self._begin_answer(row)

    def user_text(self, row: int, text: str) -> None:
        """See `TurnModel.user_text`."""
        self._make_room(row)
        self._rows.user_text(row, text)
        self._begin_answer(row)

    def resume_user(self, row: int) -> None:
        """See `TurnModel.resume_user`."""
        self._rows.resume_user(row)

    def drop_user(self, row: int) -> None:
        """See `TurnModel.drop_user`."""
        self._rows.drop_user(row)

    def answer(self, active: Sequence[bool]) -> list[AnswerSlot | None]:
        """See `TurnModel.answer`."""
        steps = self._rows.step(active)
        return [None if step is None else self._slot(row, step) for row, step in enumerate(steps)]

    def keep(self, row: int, text: str, slots: int) -> None:
        """See `TurnModel.keep`."""
        if self._live.history == "speech" and self._answering.speech:
            self._rows.keep_speech(row, self._silent[row] + slots)
        else:
            self._rows.keep_text(row, self._fitting(row, text))

    def pattern(self, row: int) -> Pattern:
        """See `TurnModel.pattern`."""
        return self._patterns[row]

    def history(self, row: int) -> list[tuple[str, str]]:
        """See `TurnModel.history`; read from what is in the caches."""
        tokenizer = self._chat.tokenizer
        turns: list[list[int]] = []
        for element in self._rows.elements(row):
            if element.id == tokenizer.im_start:
                turns.append([])
            elif turns:
                turns[-1].append(element.id)
        roles = (tokenizer.decode(turn).partition("\n") for turn in turns)
        return [(role, text.strip()) for role, _, text in roles]

    def _begin_answer(self, row: int) -> None:
        self._given[row] = self._silent[row] = self._made[row] = 0
        self._opened[row] = not self._patterns[row].writes_first

    def _answer_config(self, pattern: Pattern, temperature: float) -> AnswerConfig:
        """The description's answer settings, overridden by the pattern and the conversation."""
        answering = self._answering
        opened = answering.opened and not pattern.writes_first
        changes: dict[str, object] = {"speech": pattern.speaks, "opened": opened}
        if temperature > 0:
            changes["text"] = answering.text.model_copy(update={"temperature": temperature})
        return answering.model_copy(update=changes)

    def _slot(self, row: int, step: AnswerStep) -> AnswerSlot:
        self._made[row] += 1
        tokens = self._audible(step.tokens)
        if step.tokens is not None and tokens is None:
            self._silent[row] += 1
        full = self._rows.room(row) <= 2 * self._chat.config.group
        closed = step.text_id == self._chat.config.ids.audio_eos
        slot = AnswerSlot(step.text_id, self._news(row), tokens, step.finished or closed or full)
        self._opened[row] |= step.text_id == self._chat.config.ids.audio_bos
        return slot

    def _fitting(self, row: int, text: str) -> str:
        """As many of the first words as the caches can hold in the answer's place."""
        places = self._rows.room(row) + self._made[row] - 2 * self._chat.config.group
        words = text.split(" ")
        while words and len(self._chat.tokenizer.encode(" ".join(words))) > places:
            words.pop()
        return " ".join(words)

    def _audible(self, group: Group | None) -> Tensor | None:
        """Tokens [5, 1]; ids without sound are left to the voice, and a group of only such ids is silence."""
        if group is None or all(token >= self._chat.config.codes.audible for token in group):
            return None
        return torch.tensor(group)[:, None]

    def _news(self, row: int) -> str:
        """The part of the answer's text that became readable and is shown to the user."""
        readable = self._rows.answer_text(row).rstrip(_UNREADABLE)
        new = readable[self._given[row] :]
        self._given[row] = len(readable)
        return new if self._opened[row] else ""


class CosyVoiceTurns:
    """`TurnVoice` over the CosyVoice detokenizer."""

    def __init__(self, stage: CosyVoice, speaker: str | None = None) -> None:
        """
        Raises:
            ConfigError: there is no such speaker.
        """
        self._stage = stage
        self._speaker = stage.voice(speaker)

    @property
    def delay_ms(self) -> float:
        """See `TurnVoice.delay_ms`."""
        return self._stage.delay_ms

    def init_state(self, batch: int) -> CosyVoiceState:
        """See `TurnVoice.init_state`."""
        state = self._stage.init_state(batch)
        for row in range(batch):
            state.set_voice(row, self._speaker)
        return state

    def open(self, row: int, options: ConversationOptions, state: CosyVoiceState) -> None:
        """See `TurnVoice.open`."""
        state.reset(torch.arange(len(state.rows)) == row)

    def step(self, x: VoiceInput, state: CosyVoiceState, active: Tensor) -> Tensor:
        """See `TurnVoice.step`."""
        given = CosyVoiceInput(x.tokens[..., 0], x.speaking, x.ended)
        return self._stage.step(given, state, active).float().cpu()
