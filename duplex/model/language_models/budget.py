"""Which messages of a long conversation a language model still reads. Knows messages and counts; knows no tokenizer.

The answer depends on the messages alone, and the oldest turns leave many at a time. So while a conversation grows, the
same messages stay at its head for many turns, and what a model has read of them stays valid.
"""

import json
import math
from collections.abc import Callable, Iterator, Sequence
from itertools import chain
from typing import Any, Final

from duplex.model.language_models.interface import ChatMessage

_LETTERS: Final = 4
"""Characters of a token of English, about."""
_MARKS: Final = 4
"""Tokens that surround a message, about."""


def fit_messages(
    messages: Sequence[ChatMessage], budget: int, count: Callable[[ChatMessage], int]
) -> list[ChatMessage]:
    """The messages without the oldest turns, where all of them would exceed `budget`.

    When a turn exceeds it, turns leave until half of the budget is free. Turns leave whole: what the user said with
    all that follows it; the result of a call that left with an earlier turn leaves too. System messages at the head
    stay, and so does the last turn, however long it is.

    Args:
        messages: all of a conversation. It may only grow at the end from one call to the next.
        budget: tokens that they may have.
        count: tokens of a message.
    """
    head, turns = _split(messages)
    room = budget - sum(map(count, head))
    sizes = [sum(map(count, turn)) for turn in turns]
    first = used = 0
    for last, size in enumerate(sizes):
        used += size
        while used > room and first < last:
            first, used = _leave(sizes, first, last, used, room // 2)
    return [*head, *_without_orphans(turns[:first], turns[first:])]


def _without_orphans(
    left: Sequence[Sequence[ChatMessage]], kept: Sequence[Sequence[ChatMessage]]
) -> Iterator[ChatMessage]:
    """Messages of the turns that are kept, without results whose call has left; a server refuses those."""
    gone, there = ({call.id for turn in turns for one in turn for call in one.calls} for turns in (left, kept))
    for message in chain.from_iterable(kept):
        if message.role != "tool" or message.call_id in there or message.call_id not in gone:
            yield message


def estimate_tokens(message: ChatMessage) -> int:
    """Tokens of a message for a tokenizer that is not at hand."""
    letters = len(message.content) + sum(len(call.name) + len(call.arguments) for call in message.calls)
    return math.ceil(letters / _LETTERS) + _MARKS


def estimate_definitions(tools: Sequence[dict[str, Any]]) -> int:
    """Tokens of the definitions of functions, in the same way."""
    return math.ceil(sum(len(json.dumps(tool)) for tool in tools) / _LETTERS)


def _leave(sizes: Sequence[int], first: int, last: int, used: int, goal: int) -> tuple[int, int]:
    """Index of the first turn that stays, and the tokens from it to the last one, once at most `goal` are left."""
    while first < last and used > goal:
        used -= sizes[first]
        first += 1
    return first, used


def _split(messages: Sequence[ChatMessage]) -> tuple[list[ChatMessage], list[list[ChatMessage]]]:
    """System messages at the head, and turns: each begins where the user speaks."""
    start = next((index for index, message in enumerate(messages) if message.role != "system"), len(messages))
    turns: list[list[ChatMessage]] = []
    for message in messages[start:]:
        if message.role == "user" or not turns:
            turns.append([])
        turns[-1].append(message)
    return list(messages[:start]), turns
