"""The events of one simulated dialogue: turns of the user with the right answers, and sounds that are not turns.

A scene has times in seconds and words; it does not depend on audio, slots or features.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

Span = tuple[float, float]


@dataclass(frozen=True)
class SceneWord:
    """A word and the time when it has been said."""

    text: str
    end: float


@dataclass(frozen=True)
class SceneTurn:
    """A turn of the user.

    Attributes:
        start, end: of its speech, including pauses.
        answer: the right answer, "" if there is none.
        kind, key, long: as in the corpus.
        spans: the voiced stretches.
        words: its words in order.
    """

    start: float
    end: float
    answer: str
    kind: str
    key: str
    long: bool
    spans: tuple[Span, ...]
    words: tuple[SceneWord, ...]

    @property
    def text(self) -> str:
        """All words of the turn."""
        return " ".join(word.text for word in self.words)


@dataclass(frozen=True)
class SceneSound:
    """A sound in the user's channel that is not a turn: `backchannel`, `noise` or `echo`."""

    kind: str
    start: float
    end: float
    words: tuple[SceneWord, ...] = ()


@dataclass(frozen=True)
class Scene:
    """One dialogue.

    Attributes:
        name: unique within its shard.
        prompt: the system prompt under which the answers are right.
        opening: an answer that the assistant is giving when the dialogue begins, "" if it is mute.
        opening_seconds: how much of it is left.
        turns, sounds: by their starts; turns do not overlap.
    """

    name: str
    prompt: str
    opening: str
    opening_seconds: float
    turns: tuple[SceneTurn, ...]
    sounds: tuple[SceneSound, ...]

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        return asdict(self)

    @staticmethod
    def from_json(values: dict[str, Any]) -> "Scene":
        """The scene that `to_json` was called on."""
        turns = tuple(
            SceneTurn(
                **{
                    **turn,
                    "spans": tuple((a, b) for a, b in turn["spans"]),
                    "words": tuple(SceneWord(**word) for word in turn["words"]),
                }
            )
            for turn in values["turns"]
        )
        sounds = tuple(
            SceneSound(**{**sound, "words": tuple(SceneWord(**word) for word in sound["words"])})
            for sound in values["sounds"]
        )
        return Scene(**{**values, "turns": turns, "sounds": sounds})


def time_words(text: str, spans: Sequence[Span]) -> tuple[SceneWord, ...]:
    """Words of `text` with their estimated ends: proportional to letters, within the voiced `spans`."""
    words = text.split()
    letters = [len(word) + 1 for word in words]
    total, voiced = sum(letters), sum(end - start for start, end in spans)
    said, timed_words = 0, []
    for word, count in zip(words, letters, strict=True):
        said += count
        timed_words.append(SceneWord(word, _place(spans, voiced * said / total)))
    return tuple(timed_words)


def _place(spans: Sequence[Span], voiced: float) -> float:
    """The time at which `voiced` seconds of the spans have passed."""
    for start, end in spans:
        if voiced <= end - start + 1e-6:
            return start + voiced
        voiced -= end - start
    return spans[-1][1]
