"""Kinds whose facts are computed: arithmetic, counting, sequences, letters.

This module generates the facts; the phrasings are in `data/computed.yaml`.
"""

import string
from collections.abc import Iterator
from itertools import pairwise, product

from configs.model.language import CorpusConfig
from duplex.corpus.grammar import distinct, expand, sentence, split_mark
from duplex.corpus.kinds import Fact, Kind, read_data
from duplex.model.text.numbers import cardinal

Slots = dict[str, str]

LONGEST_COUNTDOWN = 30


def make_kinds(config: CorpusConfig) -> Iterator[Kind]:
    """All computed kinds."""
    yield from _arithmetic(config)
    yield from _sequences()
    yield from _letters()
    yield from _counting(config)


def _kind(name: str, rows: Iterator[Slots] | list[Slots], long: bool = False) -> Kind:
    """A kind with computed slots, whose patterns and answer are in the data file."""
    spec = read_data("computed")[name]
    patterns = [text for ask in spec["ask"] for text in expand(ask)]
    follows = spec.get("follow", [])
    facts = []
    for slots in rows:
        answer, key = split_mark(spec["answer"].format(**slots))
        facts.append(
            Fact(
                distinct(pattern.format(**slots) for pattern in patterns),
                (sentence(answer),),
                key,
                tuple(follow.format(**slots) for follow in follows),
            )
        )
    return Kind(name, tuple(facts), long=long, share=spec.get("share", 1.0))


def _operation(a: int, b: int, c: int) -> Slots:
    return {"a": cardinal(a), "b": cardinal(b), "c": cardinal(c)}


def _arithmetic(config: CorpusConfig) -> Iterator[Kind]:
    limit, times = range(config.arithmetic_limit + 1), range(1, config.times_limit + 1)
    tens = range(10, 101, 10)
    sums = [*product(limit, limit), *(product(tens, tens) if config.large_numbers else ())]
    yield _kind("add", [_operation(a, b, a + b) for a, b in sums])
    yield _kind("subtract", [_operation(a, b, a - b) for a, b in sums if a >= b])
    if config.large_numbers:
        mixed = [*product(range(21, 100), range(1, 10))]
        yield _kind("add_large", [_operation(a, b, a + b) for a, b in mixed])
        yield _kind("subtract_large", [_operation(a, b, a - b) for a, b in mixed])
    yield _kind("multiply", [_operation(a, b, a * b) for a, b in product(times, times)])
    yield _kind("divide", [_operation(a * b, b, a) for a, b in product(times, times)])
    yield _kind("double", [_operation(a, 2, 2 * a) for a in range(1, 26)])
    yield _kind("halve", [_operation(2 * a, 2, a) for a in range(1, 26)])
    yield _kind("square", [_operation(a, a, a * a) for a in range(1, 13)])
    compared = range(1, config.compared_limit + 1)
    yield _kind("parity", [{"a": cardinal(a), "c": "odd" if a % 2 else "even"} for a in compared])
    unequal = ((a, b) for a, b in product(compared, repeat=2) if a != b)
    yield _kind("larger", [_operation(a, b, max(a, b)) | {"d": cardinal(min(a, b))} for a, b in unequal])


def _sequences() -> Iterator[Kind]:
    data = read_data("computed")
    months, days = data["cycles"]["months"], data["month_lengths"]
    cycles = data["cycles"].values()
    pairs = [(cycle[i], cycle[(i + 1) % len(cycle)]) for cycle in cycles for i in range(len(cycle))]
    yield _kind("after", [{"x": a, "y": b} for a, b in pairs])
    yield _kind("before", [{"x": b, "y": a} for a, b in pairs])
    yield _kind("month_days", [{"x": m, "y": cardinal(n)} for m, n in zip(months, days, strict=True)])
    places = zip(data["ordinals"], months, strict=False)
    yield _kind("month_number", [{"x": place, "y": month} for place, month in places])
    yield _kind("next_number", [{"x": cardinal(i), "y": cardinal(i + 1)} for i in range(50)])
    yield _kind("previous_number", [{"x": cardinal(i), "y": cardinal(i - 1)} for i in range(1, 51)])


def _letters() -> Iterator[Kind]:
    data = read_data("computed")
    letters = string.ascii_uppercase
    yield _kind("letter_after", [{"x": a, "y": b} for a, b in pairwise(letters)])
    yield _kind("letter_before", [{"x": b, "y": a} for a, b in pairwise(letters)])
    places = zip(data["ordinals"], letters, strict=True)
    yield _kind("letter_number", [{"x": place, "y": letter} for place, letter in places])
    yield _kind("spell", [_spell(word) for word in data["spelled_words"].split()])
    yield _kind("letter_count", [_count_letters(word) for word in data["spelled_words"].split()])
    yield _kind("first_letter", [_first_letter(word) for word in data["initials"].split()])


def _spell(word: str) -> Slots:
    return {"x": word, "y": ", ".join(word.upper())}


def _count_letters(word: str) -> Slots:
    return {"x": word, "y": cardinal(len(word))}


def _first_letter(word: str) -> Slots:
    return {"x": word, "y": word[0].upper()}


def _counting(config: CorpusConfig) -> Iterator[Kind]:
    ends = [*range(3, config.count_limit + 1), 50, 100]
    yield _kind("count", [_count(1, end, 1) for end in ends], long=True)
    yield _kind("count_down", [_count(start, 1, -1) for start in range(3, LONGEST_COUNTDOWN + 1)], True)
    starts = ((a, b) for a, b in product(range(2, 11), range(5, 21)) if 3 <= b - a <= 12)
    yield _kind("count_between", [_count(a, b, 1) for a, b in starts], long=True)
    steps = [_count(step, end, step) for step in (2, 3, 5, 10) for end in range(4 * step, 10 * step + 1, step)]
    yield _kind("count_steps", steps, long=True)


def _count(start: int, end: int, step: int) -> Slots:
    stop = end + (1 if step > 0 else -1)
    numbers = [cardinal(number) for number in range(start, stop, step)]
    return {"a": cardinal(start), "b": cardinal(end), "step": cardinal(abs(step)), "y": ", ".join(numbers)}
