"""CoM-mixing (DrVoice): every speech-to-speech example becomes seven, one for each interaction pattern.

The turns stay as they are; the pattern says which parts of them are heard, read, written and spoken.
"""

from collections.abc import Iterator
from dataclasses import replace

from configs.model.patterns import Pattern
from duplex.train.examples.example import Example


def list_patterns(example: Example) -> Iterator[Example]:
    """The example in every pattern that its turns allow.

    A pattern in which the user speaks needs the user's sound or speech tokens, one in which the user writes or is
    transcribed the user's text; one in which the assistant speaks needs the answers' speech tokens, and all need their
    text. An example that has a pattern already, or two channels, stays as it is.
    """
    if example.pattern is not None or example.has_two_channels:
        yield example
        return
    for pattern in Pattern:
        if fits(example, pattern):
            yield replace(example, id=f"{example.id}-{pattern}", pattern=pattern)


def fits(example: Example, pattern: Pattern) -> bool:
    """Whether the turns of an example have what a pattern needs."""
    asked = [turn for turn in example.turns if turn.role == "user"]
    said = [turn for turn in example.turns if turn.role == "assistant"]
    heard = all(turn.audio or turn.tokens for turn in asked)
    written = all(turn.text for turn in asked)
    spoken = all(turn.tokens for turn in said)
    transcribes = "transcription" in pattern.steps
    return (
        (heard if pattern.hears else written)
        and (written or not transcribes)
        and (spoken or not pattern.speaks)
        and all(turn.text for turn in said)
    )
