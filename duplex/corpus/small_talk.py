"""Small talk and long answers as kinds: greetings, requests about the conversation, stories, explanations, jokes.

This module handles the format of `talk.yaml` and `longer.yaml`; it does not depend on conversations.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from duplex.corpus.grammar import distinct
from duplex.corpus.kinds import Fact, Kind, read_data

TALK_SHARE = 3.0
"""Weight of small talk, which has one fact per kind but is more frequent than questions about one capital."""
KEY_WORDS = 4
"""Number of first words that distinguish an answer from the others of its kind."""


def talk_kinds() -> Iterator[Kind]:
    """Kinds with a few fixed answers."""
    for name, spec in read_data("talk")["talk"].items():
        key = "|".join(answer.partition("<|")[0] for answer in spec["answers"])
        fact = Fact(distinct(spec["ask"]), tuple(spec["answers"]), key)
        yield Kind(
            name,
            (fact,),
            bare=spec.get("bare", True),
            long=spec.get("long", False),
            share=TALK_SHARE * spec.get("share", 1.0),
        )


def topic_kinds(most: int) -> Iterator[Kind]:
    """Kinds with at most `most` topics, whose answers are chosen by topic, or freely if no topic is named."""
    for name, spec in read_data("longer")["topics"].items():
        items = spec["items"][:most]
        yield Kind(
            name,
            (*_topics(spec, items), _any(spec, items)),
            bare=False,
            long=not spec.get("short", False),
            share=spec.get("share", 1.0),
            again=tuple(spec.get("again", ())),
        )


def _topics(spec: Mapping[str, Any], items: list[dict[str, Any]]) -> Iterator[Fact]:
    for item in items:
        if "about" in item:
            patterns = (pattern.format(about=item["about"]) for pattern in spec.get("about", ()))
            yield Fact(distinct((*item.get("ask", ()), *patterns)), (item["text"],), _opening(item["text"]))


def _any(spec: Mapping[str, Any], items: list[dict[str, Any]]) -> Fact:
    texts = tuple(item["text"] for item in items)
    return Fact(distinct(spec["any"]), texts, "|".join(_opening(text) for text in texts), weight=len(texts))


def _opening(text: str) -> str:
    return " ".join(text.split()[:KEY_WORDS])
