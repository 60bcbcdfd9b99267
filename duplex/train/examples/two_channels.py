"""Dialogues of two channels from turns that follow each other (OmniDRCA, Appendix A).

Answers begin a random gap after the user; some are cut at random, because the user begins to speak over them: the next
turn of the user then begins before the answer has ended, and the assistant stops shortly after. Short examples are put
one behind the other. Only times are drawn here: sound and tokens stay those of the turns.
"""

import random
from collections.abc import Iterable, Iterator
from dataclasses import replace

from configs.base import Range
from configs.train.examples import SpeechTokensInfo, TwoChannelConfig
from duplex.train.examples.example import Example, ExampleError, Turn

_MS = 1000


def make_two_channels(
    examples: Iterable[Example], config: TwoChannelConfig, tokens: SpeechTokensInfo, seed: int = 0
) -> Iterator[Example]:
    """Dialogues of speech-to-speech examples of one split; the same seed gives the same.

    Args:
        examples: their turns need the user's sound and its length, and the answers' speech tokens.
        config: how long everything takes.
        tokens: what the answers' tokens are.

    Raises:
        ExampleError: a turn lacks what is needed.
    """
    rng = random.Random(seed)
    waiting: list[Example] = []
    seconds = 0.0
    for example in examples:
        waiting.append(example)
        seconds += sum(_seconds(example, turn, tokens) for turn in example.turns)
        if seconds >= config.dialogue_s:
            yield _stage(waiting, config, tokens, rng)
            waiting, seconds = [], 0.0
    if waiting:
        yield _stage(waiting, config, tokens, rng)


def _stage(examples: list[Example], config: TwoChannelConfig, tokens: SpeechTokensInfo, rng: random.Random) -> Example:
    first = examples[0]
    turns: list[Turn] = []
    at = _draw(rng, config.first)
    every = [(example, turn) for example in examples for turn in example.turns]
    for place, (example, turn) in enumerate(every):
        length = _seconds(example, turn, tokens)
        staged = replace(turn, start_ms=round(at * _MS))
        if turn.role == "user":
            at += length + _draw(rng, config.gap)
        elif place + 1 < len(every) and rng.random() < config.cut_share:
            began = _draw(rng, config.cut_after) * length
            heard = min(length, began + _draw(rng, config.stop))
            staged = replace(staged, heard_ms=round(heard * _MS))
            at += began
        else:
            at += length + _draw(rng, config.between)
        turns.append(staged)
    id = first.id if len(examples) == 1 else f"{first.id}+{len(examples) - 1}"
    return replace(first, id=f"{id}-duplex", turns=tuple(turns), pattern=None)


def _seconds(example: Example, turn: Turn, tokens: SpeechTokensInfo) -> float:
    """How long a turn sounds.

    Raises:
        ExampleError: nobody knows.
    """
    if turn.role == "assistant":
        if not turn.tokens:
            raise ExampleError(
                f"example {example.id}: an answer has no speech tokens; run 'duplex data tokenize' first"
            )
        return len(turn.tokens) / tokens.digits / tokens.rate
    if not turn.audio or turn.seconds <= 0:
        raise ExampleError(f"example {example.id}: a turn of the user has no sound; import examples with sound")
    return turn.seconds


def _draw(rng: random.Random, between: Range) -> float:
    return rng.uniform(*between)
