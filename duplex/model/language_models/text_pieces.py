"""Text of tokens as they come, in pieces that never change afterwards. Knows tokenizers; knows no model."""

from collections.abc import Callable, Sequence
from typing import Any, Final, Protocol

_HALF: Final = "�"
"""What a tokenizer writes for bytes that are no character yet."""


class TextFilter(Protocol):
    """What removes parts of an answer that nobody is to hear, such as thoughts. One for each answer."""

    def feed(self, piece: str) -> str:
        """The text that became known with `piece`."""
        ...

    def finish(self, cut_off: bool = False) -> str:
        """The answer is over: the text that waited; `cut_off`: a limit ended it."""
        ...


MakeFilter = Callable[[bool], TextFilter]
"""The filter of one answer; it is told whether the answer begins inside a thought. Goes through pipes."""


class PlainText:
    """`TextFilter` that removes nothing. `begins_inside`: whether the answer begins inside a thought."""

    def __init__(self, begins_inside: bool = False) -> None:
        self.begins_inside = begins_inside

    def feed(self, piece: str) -> str:
        """All of it."""
        return piece

    def finish(self, cut_off: bool = False) -> str:
        """Nothing waited."""
        return ""


class TextPieces:
    """Turns the tokens of one answer into text. Bytes of a character wait until it is whole.

    Tokens are decoded together with those before them, because tokenizers write a token at the begin of a text
    differently, and the tokens before them are known to be whole characters.
    """

    def __init__(self, tokenizer: Any) -> None:
        self._tokenizer = tokenizer
        self._ids: list[int] = []
        self._told = 0  # the text of the tokens before is known; they are kept for their effect on the next

    def feed(self, token: int) -> str:
        """The text that became known with `token`; special tokens and bytes that become no character have none."""
        self._ids.append(token)
        before, text = self._decode(self._ids[: self._told]), self._decode(self._ids)
        if text.endswith(_HALF):
            return ""
        self._ids, self._told = self._ids[self._told :], len(self._ids) - self._told
        return text[len(before) :].replace(_HALF, "")

    def _decode(self, ids: Sequence[int]) -> str:
        text: str = self._tokenizer.decode(ids, skip_special_tokens=True, clean_up_tokenization_spaces=False)
        return text
