"""One training example: a dialogue of turns, each with its text, sound and speech tokens.

An example whose turns have a `start_ms` has two channels: both sides run on one clock and may overlap. In all others
the turns follow each other. Nothing here depends on files, tokenizers or models.
"""

import hashlib
from dataclasses import dataclass
from typing import Literal

from configs.base import ConfigError
from configs.model.patterns import Pattern
from configs.train.examples import Split

Role = Literal["user", "assistant"]
_HASHED = 8
"""Bytes of an id's hash that decide its split."""


class ExampleError(ConfigError):
    """An example cannot be used. The message says which, why and how to fix it."""


@dataclass(frozen=True)
class Turn:
    """What one side says.

    Attributes:
        role: who.
        text: what is said or written; "" if it is not known.
        audio: path of its sound file; "" if there is none.
        seconds: length of the sound; 0 if it is not known.
        tokens: its speech tokens, the digits of each one after another.
        start_ms: when it begins, in an example of two channels.
        heard_ms: how much of it sounded before it was cut, in an example of two channels; None: all.
    """

    role: Role
    text: str = ""
    audio: str = ""
    seconds: float = 0.0
    tokens: tuple[int, ...] = ()
    start_ms: int | None = None
    heard_ms: int | None = None


@dataclass(frozen=True)
class Example:
    """A dialogue.

    Attributes:
        id: its name, unique within a folder.
        turns: at least one of each side; the first is the user's.
        split: what it is for.
        language: as in ISO 639, such as "en"; "" if it is not known.
        system: system prompt; "" takes the pattern's.
        pattern: the interaction pattern that it shows; None: speech to speech, of which `list_patterns` makes others.
    """

    id: str
    turns: tuple[Turn, ...]
    split: Split = "train"
    language: str = ""
    system: str = ""
    pattern: Pattern | None = None

    @property
    def has_two_channels(self) -> bool:
        """Whether both sides run on one clock."""
        return self.turns[0].start_ms is not None

    def check(self) -> None:
        """Check that the turns make a dialogue.

        Raises:
            ExampleError: they do not.
        """
        if not self.id:
            raise ExampleError("an example has no id; give each its own")
        if not self.turns or self.turns[0].role != "user" or self.turns[-1].role != "assistant":
            raise ExampleError(f"example {self.id}: must begin with the user and end with the assistant")
        if any(before.role == after.role for before, after in zip(self.turns, self.turns[1:], strict=False)):
            raise ExampleError(f"example {self.id}: the sides must take turns; join what one side says in a row")
        if len({turn.start_ms is None for turn in self.turns}) > 1:
            raise ExampleError(f"example {self.id}: either all turns have a start_ms, or none")
        for number, turn in enumerate(self.turns, 1):
            if not (turn.text or turn.audio or turn.tokens):
                raise ExampleError(f"example {self.id}, turn {number}: has neither text nor sound nor speech tokens")
            if turn.seconds < 0 or (turn.start_ms or 0) < 0 or (turn.heard_ms or 0) < 0:
                raise ExampleError(f"example {self.id}, turn {number}: a time is below 0")


def choose_split(id: str, validation: float) -> Split:
    """The split of an example by its id: the same for ever, and about a share `validation` of all."""
    number = int.from_bytes(hashlib.blake2b(id.encode(), digest_size=_HASHED).digest(), "big")
    return "validation" if number < validation * 2 ** (8 * _HASHED) else "train"
