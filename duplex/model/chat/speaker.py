"""One conversation of `ChatRows` that answers in streamed text and sound, and makes room when its cache fills up.

This module handles places and steps; it does not depend on patterns or the meaning of the text.
"""

from collections.abc import Iterator

from torch import Tensor

from configs.audio import AUDIO
from configs.base import ConfigError, exact_div
from configs.model.chat import ChatConfig
from duplex.model.chat.chat_events import AnswerEnded, AudioChunk, How, TextPiece
from duplex.model.chat.chat_voice import ChatVoice
from duplex.model.funaudiochat.chat_row import AnswerStep, Phase
from duplex.model.funaudiochat.chat_rows import ChatRows
from duplex.model.funaudiochat.model import FunAudioChat

_ROW = 0
_UNFINISHED = "\ufffd"
"""How the bytes of an incomplete character are decoded."""


class RowSpeaker:
    """A `Speaker` (duplex.model.chat.tool_loop) over the only row of `rows`. `history`: (role, text) of each turn."""

    def __init__(self, chat: FunAudioChat, rows: ChatRows, config: ChatConfig, voice: ChatVoice | None) -> None:
        self.history: list[tuple[str, str]] = []
        self._chat, self._rows, self._config, self._voice = chat, rows, config, voice
        self._turns = 0
        self._groups = 0

    def write(self, text: str) -> None:
        """Take a written turn of the user.

        Raises:
            ConfigError: the conversation has no room for it.
        """
        self._make_room(self._message_places(text), fewest=0)
        self._rows.user_text(_ROW, text)
        self._begin("user", text)

    def hear(self, pcm: Tensor, text: str) -> None:
        """Take a spoken turn [n] at 16 kHz with a written instruction.

        Raises:
            ConfigError: the turn is too short to be heard, or the conversation has no room for it.
        """
        tokenizer, instruction = self._chat.tokenizer, f"\n{text}" if text else ""
        token = exact_div(AUDIO.input_rate * AUDIO.token_ms, 1000)
        groups = -(-(len(pcm) // token) // self._chat.config.group)
        if not groups:
            raise ConfigError(f"the recording is shorter than {AUDIO.token_ms} ms; give a longer one")
        around = (tokenizer.user_audio(), tokenizer.user_audio_end(instruction), tokenizer.assistant())
        self._make_room(groups + sum(map(len, around)), fewest=0)
        self._rows.user_recording(_ROW, pcm, instruction)
        self._begin("user", f"(speech) {text}".strip())

    def tell(self, text: str) -> None:
        """Take the results of function calls.

        Raises:
            ConfigError: the conversation has no room for it.
        """
        self._make_room(self._message_places(text), fewest=1)
        self._rows.tool_text(_ROW, text)
        self.history.append(("tool", text))

    def answer(self) -> Iterator[TextPiece | AudioChunk | AnswerEnded]:
        """Answer what is waiting."""
        opens, spoken, given = self._chat.config.ids.audio_bos, False, ""
        self._groups = 0
        if self._voice is not None:
            self._voice.begin()
        how: How | None = None
        while how is None:
            if self._rows.room(_ROW) < 1:
                how = "full"
                break
            (step,) = self._rows.step([True])
            assert step is not None, "the row has nothing to answer"
            how = self._how(step)
            spoken = spoken or step.text_id == opens
            piece = self._rows.answer_text(_ROW).rstrip(_UNFINISHED)[len(given) :]
            given += piece
            yield from self._events(piece, spoken, step)
        text = self._rows.answer_text(_ROW)
        if rest := text[len(given) :]:
            yield TextPiece(rest, spoken)
        if self._voice is not None and len(samples := self._voice.end()):
            yield AudioChunk(samples)
        self.settle()
        yield AnswerEnded(how, text)

    def settle(self) -> None:
        """Put the answer into history, as far as it was made."""
        if self._rows.phase(_ROW) is not Phase.ANSWER:
            return
        text = self._rows.answer_text(_ROW)
        if self._config.history == "speech" and self._groups:
            self._rows.keep_speech(_ROW, self._groups)
        else:
            self._rows.keep_text(_ROW, text)
        self.history.append(("assistant", text))

    def _begin(self, role: str, text: str) -> None:
        self._turns += 1
        self.history.append((role, text))

    def _how(self, step: AnswerStep) -> How | None:
        if not step.finished:
            return None
        ends = (self._chat.tokenizer.im_end, self._chat.config.ids.audio_eos)
        return "end" if step.text_id in ends else "longest"

    def _events(self, piece: str, spoken: bool, step: AnswerStep) -> Iterator[TextPiece | AudioChunk]:
        if piece:
            yield TextPiece(piece, spoken)
        if step.tokens is None:
            return
        self._groups += 1
        if self._voice is not None:
            samples = self._voice.say(step.tokens, self._chat.config.codes.audible)
            if len(samples):
                yield AudioChunk(samples)

    def _message_places(self, text: str) -> int:
        tokenizer = self._chat.tokenizer
        return len(tokenizer.message("user", text)) + len(tokenizer.assistant())

    def _make_room(self, needed: int, fewest: int) -> None:
        """Forget earlier turns, keeping at least `fewest`, until a turn of `needed` places and its answer fit."""
        rows, wanted = self._rows, needed + self._config.answer_room
        self._turns = min(self._turns, max(self._config.keep_turns, fewest))
        rows.keep_turns(_ROW, self._turns)
        while rows.room(_ROW) < wanted and self._turns > fewest:
            self._turns -= 1
            rows.keep_turns(_ROW, self._turns)
        if rows.room(_ROW) <= needed:
            raise ConfigError(
                f"the turn takes {needed} places and the conversation has {rows.room(_ROW)} left; make it shorter"
            )
