"""A language model in this process: conversations take turns, token by token. Synchronous; no clock, no threads.

Each conversation keeps its keys and values; a request is compared with what was read of it, and only the rest is read,
in chunks. Answers go before reading ahead. Knows ids and pieces; knows no pipes.
"""

import hashlib
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final, Literal

import torch
from torch import Tensor

from configs.model.funaudiochat import ChoiceConfig
from configs.model.language_models import LanguageModelConfig
from duplex.model.language_models.budget import fit_messages
from duplex.model.language_models.call_reader import CallReader
from duplex.model.language_models.interface import AnswerPiece, ChatMessage, Finish, LlmError
from duplex.model.language_models.kept_cache import KeptCache
from duplex.model.language_models.load_local import LoadedLlm
from duplex.model.language_models.text_pieces import MakeFilter, PlainText, TextFilter, TextPieces
from duplex.model.sampling.choose import Choices, choose, uniforms

_CHUNKS: Final = {"cpu": 4_400_000_000, "other": 500_000_000_000}
"""Parameters times tokens of a chunk of a prompt: about 0.1 s, because nothing can be cancelled within."""
_CHUNK_RANGE: Final = (8, 512)


@dataclass
class _Answer:
    """An answer under way.

    Attributes:
        request: its number.
        conversation: whose it is.
        ids: tokens to read before the next one is chosen.
        room: tokens that it may have.
        seed: of its draws.
        pieces: turn its tokens into text.
        filter: removes what is not to be heard.
        reader: takes calls of functions out; None where there are no functions.
        seen: [1, V] bool, its tokens so far.
        written: how many they are.
    """

    request: int
    conversation: int
    ids: list[int]
    room: int
    seed: int
    pieces: TextPieces
    filter: TextFilter
    reader: CallReader | None
    seen: Tensor | None = None
    written: int = 0


class LocalModel:
    """Answers of one language model. After `begin`, `prefill`, call `step` until it is `idle`.

    Attributes:
        prefilled: tokens of prompts that were read so far; those that were kept do not count.
    """

    def __init__(self, config: LanguageModelConfig, loaded: LoadedLlm, make_filter: MakeFilter = PlainText) -> None:
        """`loaded`: from `load_llm_parts(config)`."""
        self._config, self._loaded, self._make_filter = config, loaded, make_filter
        self._choices = Choices.of([_choice(config, loaded)], loaded.network.device)
        self._chunk = _chunk(loaded)
        self._kept: dict[int, KeptCache] = {}
        self._answers: deque[_Answer] = deque()
        self._ahead: dict[int, list[int]] = {}
        self._count = lru_cache(maxsize=4096)(loaded.template.count)
        self.prefilled = 0
        self.name = loaded.name

    @property
    def fingerprint(self) -> str:
        """Identifies the model's files, device and settings."""
        told = self._config.model_copy(update={"context": self._config.context_tokens})
        settings = told.model_dump_json(include=set(_SETTINGS))
        return hashlib.sha256(f"{self._loaded.fingerprint} {settings}".encode()).hexdigest()[:16]

    @property
    def idle(self) -> bool:
        """There is nothing to do."""
        return not self._answers and not self._ahead

    def begin(
        self, request: int, conversation: int, messages: Sequence[ChatMessage], tools: Sequence[dict[str, Any]] = ()
    ) -> None:
        """Begin to answer; `step` tells its pieces under the number `request`. An answer under way in the same
        conversation ends without a further piece.

        Raises:
            LlmError: the conversation does not fit, or the template refuses it.
        """
        self.drop(conversation)
        template = self._loaded.template
        prompt = template.write(self._fit(messages, tools), tools)
        ids = template.encode(prompt)
        room = min(self._config.longest, self._loaded.places - len(ids))
        if room < 1:
            raise LlmError(
                f"the system prompt and the last question take {len(ids)} of {self._loaded.places} tokens, so that an "
                "answer has no room; shorten them, or raise 'context'"
            )
        kept = self._cache(conversation).keep(ids)
        seed = int.from_bytes(hashlib.sha256(f"{self._config.seed} {ids}".encode()).digest()[:6])
        made = self._make_filter(template.begins_inside(prompt))
        reader, pieces = CallReader() if tools else None, TextPieces(self._loaded.tokenizer)
        self._answers.append(_Answer(request, conversation, ids[kept:], room, seed, pieces, made, reader))

    def prefill(self, conversation: int, messages: Sequence[ChatMessage], tools: Sequence[dict[str, Any]] = ()) -> None:
        """Read ahead, when no answer is under way. The last message may still grow.

        Raises:
            LlmError: the template refuses it.
        """
        template = self._loaded.template
        self._ahead[conversation] = template.encode(template.write_begun(self._fit(messages, tools), tools))

    def cancel(self, request: int) -> None:
        """End an answer without a further piece; what was read for it is kept."""
        self._answers = deque(answer for answer in self._answers if answer.request != request)

    def drop(self, conversation: int) -> None:
        """End what is under way in a conversation; what was read is kept."""
        self._ahead.pop(conversation, None)
        self._answers = deque(answer for answer in self._answers if answer.conversation != conversation)

    def forget(self, conversation: int) -> None:
        """The conversation is over."""
        self.drop(conversation)
        self._kept.pop(conversation, None)

    def step(self) -> list[tuple[int, AnswerPiece]]:
        """Do a little: one token, or one chunk of a prompt, of the answer whose turn it is. Without answers, one chunk
        of what is read ahead. Gives the pieces that came of it with the numbers of their requests.
        """
        if not self._answers:
            self._read_ahead()
            return []
        answer = self._answers.popleft()
        try:
            pieces = list(self._go_on(answer))
        except (RuntimeError, MemoryError) as error:
            self.forget(answer.conversation)
            pieces = [AnswerPiece(finish="error", error=_failure(self.name, error))]
        if not (pieces and pieces[-1].finish):
            self._answers.append(answer)
        return [(answer.request, piece) for piece in pieces]

    def _go_on(self, answer: _Answer) -> Iterator[AnswerPiece]:
        chunk, answer.ids = answer.ids[: self._chunk], answer.ids[self._chunk :]
        logits = self._kept[answer.conversation].read(chunk)
        self.prefilled += 0 if answer.written else len(chunk)
        if answer.ids:
            return
        token = self._choose(logits, answer)
        answer.written += 1
        if token in self._loaded.stops:
            yield _read(answer, "", "stop")
            return
        answer.ids = [token]
        piece = _read(answer, answer.pieces.feed(token), "length" if answer.written == answer.room else "")
        if piece.text or piece.finish:
            yield piece

    def _choose(self, logits: Tensor, answer: _Answer) -> int:
        uniform = uniforms([(answer.seed, answer.written)], 1, logits.device)[:, 0]
        seen = torch.zeros_like(logits[None], dtype=torch.bool) if answer.seen is None else answer.seen
        token = int(choose(logits[None], seen, uniform, self._choices))
        seen[0, token] = True
        answer.seen = seen
        return token

    def _read_ahead(self) -> None:
        """One chunk; a conversation that has more goes to the end of the queue."""
        if not self._ahead:
            return
        conversation = next(iter(self._ahead))
        ids = self._ahead.pop(conversation)
        cache = self._cache(conversation)
        if cache.has(ids):
            return
        rest = ids[cache.keep([*ids, _NO_TOKEN]) :]
        cache.read(rest[: self._chunk])
        self.prefilled += len(rest[: self._chunk])
        if len(rest) > self._chunk:
            self._ahead[conversation] = ids

    def _cache(self, conversation: int) -> KeptCache:
        return self._kept.setdefault(conversation, KeptCache(self._loaded.network))

    def _fit(self, messages: Sequence[ChatMessage], tools: Sequence[dict[str, Any]]) -> list[ChatMessage]:
        question = [ChatMessage("user", "")]
        write, encode = self._loaded.template.write, self._loaded.template.encode
        fixed = len(encode(write(question, tools)))  # with a system prompt that a template adds by itself
        return fit_messages(messages, self._loaded.places - self._config.longest - fixed, self._count)


_NO_TOKEN: Final = -1
_SETTINGS: Final = ("temperature", "top_p", "repetition_penalty", "seed", "longest", "context", "threads")
_CUT_CALL: Final = "the limit of tokens cut a function call off; raise 'longest'"


def _choice(config: LanguageModelConfig, loaded: LoadedLlm) -> ChoiceConfig:
    penalty = loaded.repetition_penalty if config.repetition_penalty is None else config.repetition_penalty
    return ChoiceConfig(temperature=config.temperature, top_p=config.top_p, repetition_penalty=penalty)


def _chunk(loaded: LoadedLlm) -> int:
    """Tokens of a chunk. They depend on the model and the kind of device alone, because they change the rounding."""
    work = _CHUNKS["cpu" if loaded.network.device.type == "cpu" else "other"]
    least, most = _CHUNK_RANGE
    return max(least, min(most, work // max(loaded.network.parameters, 1)))


def _read(answer: _Answer, written: str, finish: Finish | Literal[""]) -> AnswerPiece:
    """A piece of what the model has written: what is to be heard, and at the end the functions that it calls."""
    text = answer.filter.feed(written) + (answer.filter.finish(finish == "length") if finish else "")
    if answer.reader is None:
        return AnswerPiece(text, finish=finish)
    text = answer.reader.feed(text)
    if finish == "length" and answer.reader.inside:
        return AnswerPiece(text, finish="error", error=_CUT_CALL)
    if finish:
        text += answer.reader.finish()
    if answer.reader.calls and (finish or answer.reader.over):
        return AnswerPiece(text, answer.reader.calls, "calls")
    return AnswerPiece(text, finish=finish)


def _failure(name: str, error: BaseException) -> str:
    if isinstance(error, MemoryError) or "memory" in str(error):
        return f"{name} ran out of memory; lower 'context', or take a smaller model"
    return f"{name} failed ({type(error).__name__}: {' '.join(str(error).split())[:200]}); ask again"
