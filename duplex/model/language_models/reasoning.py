"""Removes what a reasoning model thinks from what it writes, piece by piece.

Knows the marks around thoughts; knows nothing of who writes, or of what the text is used for. Spoken text cannot be
taken back, so text that may be the begin of a mark waits, and nothing else does.
"""

import re
from typing import Final, Literal

_PAIRS: Final = {
    "<think>": "</think>",  # DeepSeek, Qwen, SmolLM3, most others
    "<thinking>": "</thinking>",
    "<thought>": "</thought>",
    "<reasoning>": "</reasoning>",
    "<seed:think>": "</seed:think>",
    "[THINK]": "[/THINK]",  # Mistral
    "◁think▷": "◁/think▷",  # Kimi
    "<|START_THINKING|>": "<|END_THINKING|>",  # Cohere
    "<|channel>": "<channel|>",  # Gemma 4
}
_CLOSES: Final = frozenset(_PAIRS.values())

# The harmony form of gpt-oss: `<|start|>WRITER<|channel|>NAME<|message|>TEXT<|end|>`.
_START, _CHANNEL, _MESSAGE = "<|start|>", "<|channel|>", "<|message|>"
_ENDS: Final = frozenset({"<|end|>", "<|return|>", "<|call|>"})
_SPOKEN_CHANNELS: Final = frozenset({"final", "commentary"})

MARKS: Final = (*_PAIRS, *_CLOSES, _START, _CHANNEL, _MESSAGE, *sorted(_ENDS))
"""No mark is the begin of another, so the first match is the only one."""
_MARK: Final = re.compile("|".join(re.escape(mark) for mark in MARKS))
_LONGEST: Final = max(map(len, MARKS))

_Mode = Literal["text", "thought", "header", "channel", "assumed"]


class ReasoningFilter:
    """The text without thoughts; however it is cut into pieces, the same comes out.

    An answer that begins inside a thought, because the prompt ends with the opening mark, cannot be told from an
    answer without thoughts before its closing mark comes. `begins_inside` says that answers are of that kind: text
    waits for the closing mark, and where the answer ends without one it was no thought, and all of it is given then.
    """

    def __init__(self, begins_inside: bool = False) -> None:
        self._mode: _Mode = "assumed" if begins_inside else "text"
        self._rest = ""  # undecided: may be the begin of a mark
        self._closes = ""  # ends the thought
        self._header = ""
        self._held: list[str] = []  # a thought, if a closing mark follows
        self._after_space = True  # the text so far is empty or ends with white space
        self._skips_space = False
        self.has_thought = False
        """Something was removed."""
        self.began_inside = False
        """A closing mark came first: `begins_inside` would have been right."""

    def feed(self, piece: str) -> str:
        """The text that became known with `piece`."""
        self._rest += piece
        known = []
        while mark := _MARK.search(self._rest):
            known.append(self._read(self._rest[: mark.start()]))
            self._rest = self._rest[mark.end() :]
            self._turn(mark.group())
        cut = _begun_mark(self._rest)
        known.append(self._read(self._rest[:cut]))
        self._rest = self._rest[cut:]
        return "".join(known)

    def finish(self, cut_off: bool = False) -> str:
        """The answer is over: the text that waited. A thought that has not ended is not given.

        Args:
            cut_off: the answer was ended by a limit, so what waits for a closing mark is a thought.
        """
        rest, self._rest = self._rest, ""
        known = self._read(rest)
        if self._mode == "assumed":
            self._mode = "text"
            held, self._held = "".join(self._held), []
            self.has_thought |= cut_off and bool(held)
            known += "" if cut_off else self._say(held)
        return known

    def _read(self, text: str) -> str:
        if self._mode == "text":
            return self._say(text)
        if self._mode == "assumed":
            self._held.append(text)
        elif self._mode == "header":
            self._header += text
        return ""

    def _say(self, text: str) -> str:
        text = text.lstrip() if self._skips_space else text
        if text:
            self._skips_space = False
            self._after_space = text[-1].isspace()
        return text

    def _turn(self, mark: str) -> None:
        if self._mode == "thought":
            if mark == self._closes:
                self._end_thought()
        elif mark in _PAIRS:
            if self._mode in ("text", "assumed"):
                self._begin_thought("thought")
                self._closes = _PAIRS[mark]
        elif mark in _CLOSES:
            if self._mode in ("text", "assumed"):
                self.began_inside = True
                self._end_thought()
        else:
            self._turn_harmony(mark)

    def _turn_harmony(self, mark: str) -> None:
        if mark == _START or (mark == _CHANNEL and self._mode != "header"):
            self._begin_thought("header")
            self._header = mark
        elif mark == _CHANNEL:
            self._header += mark
        elif mark == _MESSAGE and self._mode == "header":
            if _is_spoken(self._header):
                self._end_thought()
            else:
                self._begin_thought("channel")
        elif mark in _ENDS:
            self._end_thought()

    def _begin_thought(self, mode: _Mode) -> None:
        self._mode = mode
        self._held.clear()
        self.has_thought |= mode != "header"

    def _end_thought(self) -> None:
        self.has_thought |= self._mode == "assumed" or self.began_inside
        self._mode = "text"
        self._held.clear()
        self._skips_space |= self._after_space


def _is_spoken(header: str) -> bool:
    """Whether a message is for the user: the answer, or what is said before a call; not the call itself."""
    _, has_channel, rest = header.partition(_CHANNEL)
    name = rest.split(maxsplit=1)[0] if rest.strip() else ""
    return not has_channel or (name in _SPOKEN_CHANNELS and "to=" not in header)


def _begun_mark(text: str) -> int:
    """Where the begin of a mark stands at the end of `text`; its length where there is none."""
    for place in range(max(0, len(text) - _LONGEST + 1), len(text)):
        if any(mark.startswith(text[place:]) for mark in MARKS):
            return place
    return len(text)
