"""The assistant's own answers as texts for the voice, from the corpus.

This module handles answers and sentences; it does not depend on sound.
"""

import json
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from configs.base import ConfigError
from configs.model.language import CorpusConfig
from duplex.corpus.corpus import Corpus, Split
from duplex.corpus.exchange import Exchange
from duplex.train.voice.teacher_texts import Items, items_of

_SPLITS: Final[tuple[Split, ...]] = ("train", "heldout_pair", "ood")
_DRAWS_AN_ANSWER = 6
_LONGEST_ITEMS = 45
_ENDS = ".?!"
_SAMPLED_ROWS = 4_000
_LONGEST_SAMPLE = 220


def answers(count: int, seed: int) -> list[Items]:
    """At most `count` distinct answers, shuffled; long ones are split at the ends of sentences."""
    rng = random.Random(seed)
    corpus = Corpus.build(CorpusConfig())
    texts = {
        exchange.assistant
        for split in _SPLITS
        for exchange in corpus.rows(split, rng, _DRAWS_AN_ANSWER * count // len(_SPLITS))
    }
    parts = {part for text in sorted(texts) if (items := items_of(text)) for part in split_items(items)}
    return rng.sample(sorted(parts), min(count, len(parts)))


def map_questions(path: Path | None, count: int) -> dict[str, str]:
    """Answers with which to measure the voice, and the question of each.

    Args:
        path: JSON file of answers and questions, such as the held-out ones that the recipe of hidden vectors writes.
        count: without a file, this many from the corpus, evenly over the kinds of questions.

    Raises:
        ConfigError: the file cannot be read.
    """
    if path is None:
        return {exchange.assistant: exchange.user for exchange in exchanges(count, seed=0)}
    try:
        found: dict[str, str] = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ConfigError(
            f"{path}: cannot be read ({error}); give questions.json of `duplex train voice-hidden`"
        ) from None
    return found


def exchanges(count: int, seed: int, rows: int = _SAMPLED_ROWS) -> list[Exchange]:
    """`count` exchanges with distinct answers, evenly over the kinds of questions; `rows` are drawn from each split."""
    rng = random.Random(seed)
    corpus = Corpus.build(CorpusConfig())
    by_kind: dict[str, dict[str, Exchange]] = {}
    for split in _SPLITS:
        for exchange in corpus.rows(split, rng, rows):
            if len(exchange.assistant) <= _LONGEST_SAMPLE:
                by_kind.setdefault(exchange.kind, {}).setdefault(exchange.assistant, exchange)
    pools = [[of[text] for text in rng.sample(sorted(of), len(of))] for _, of in sorted(by_kind.items())]
    rng.shuffle(pools)
    distinct: dict[str, Exchange] = {}
    for turn in range(max(map(len, pools))):
        for pool in pools:
            for exchange in pool[turn : turn + 1]:
                distinct.setdefault(exchange.assistant, exchange)
    return list(distinct.values())[:count]


def split_items(items: Items) -> Iterator[Items]:
    """Pieces of at most 45 items, cut after sentences if possible, else after commas, else anywhere."""
    while len(items) > _LONGEST_ITEMS:
        cut = _last(items, _ENDS) or _last(items, ",") or _LONGEST_ITEMS
        yield items[:cut]
        items = items[cut:]
    if items:
        yield items


def _last(items: Items, marks: str) -> int:
    """Length of the longest piece that ends with one of the marks, 0 if there is none."""
    return max((place + 1 for place, item in enumerate(items[:_LONGEST_ITEMS]) if item in marks), default=0)
