"""Requests to go on with an answer that was cut, and remarks that ask for nothing but a moment. English.

Knows words; knows nothing of answers.
"""

import re
from typing import Final

_GO_ON: Final = re.compile(
    r"\b(?:go on|go ahead|continue|carry on|keep going|keep talking|you were saying|proceed|resume)\b"
)
_HOLDS: Final = frozenset(["wait", "stop", "hold", "moment", "second", "minute", "sec", "quiet"])
_SMALL_WORDS: Final = (
    "a ah all alright and anyway but can could fine for good got it great hm hmm i it's its just let's me mm "
    "never mind no now of off oh on one ok okay please pardon right see so sorry sure thank thanks that that's "
    "the then there to uh um very well will with would yeah yep yes you your from where what were was left "
    "stopped answer story talking"
)
_FILLERS: Final = frozenset(_SMALL_WORDS.split())
_WORD: Final = re.compile(r"[a-z']+")


def asks_to_go_on(words: str) -> bool:
    """Whether somebody asks for nothing but the rest of an answer: "okay, go on", "sorry, continue please"."""
    others, asked = _GO_ON.subn(" ", " ".join(_WORD.findall(words.lower())))
    return asked > 0 and all(word in _FILLERS | _HOLDS for word in others.split())


def asks_to_wait(words: str) -> bool:
    """Whether somebody asks for a moment and nothing else: "wait", "hold on a second, please"."""
    said = _WORD.findall(words.lower())
    return any(word in _HOLDS for word in said) and all(word in _FILLERS | _HOLDS for word in said)
