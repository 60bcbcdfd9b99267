"""Kinds of questions: facts, their phrasings and their answers, read from the data files.

This module handles the format of the files; it does not depend on splits or on drawing.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cache
from importlib.resources import files
from typing import Any

import yaml

from configs.base import ConfigError
from duplex.corpus.grammar import agreement, distinct, expand, lines, sentence, split_mark, with_article

Row = dict[str, str]


@dataclass(frozen=True)
class Fact:
    """One thing to know.

    Attributes:
        cores: phrasings in lower or true case, with nothing left to fill in.
        answers: one canonical answer, or several for small talk and "tell me a joke".
        key: what must appear in a right answer; alternatives are separated by '|'.
        follows: short phrasings for use after another fact of the same kind ("and of Germany").
        weight: how often the fact is drawn relative to the others of its kind.
    """

    cores: tuple[str, ...]
    answers: tuple[str, ...]
    key: str
    follows: tuple[str, ...] = ()
    weight: int = 1


@dataclass(frozen=True)
class Kind:
    """Facts with the same phrasings.

    Attributes:
        bare: whether a question takes no prefix or suffix (commands, greetings).
        long: whether answers are long enough to be interrupted.
        share: multiplies how often the kind is drawn.
        again: phrasings that ask for another answer of the same kind ("another one").
    """

    name: str
    facts: tuple[Fact, ...]
    bare: bool = False
    long: bool = False
    share: float = 1.0
    again: tuple[str, ...] = ()


def narrow(kinds: Iterable[Kind], breadth: str) -> Iterator[Kind]:
    """The kinds that a breadth names, each with the first of its facts; for "full", all kinds and facts.

    Raises:
        ConfigError: there is no such breadth.
    """
    breadths = read_data("breadth")
    if breadth != "full" and breadth not in breadths:
        raise ConfigError(f"there is no breadth '{breadth}'; take one of full, {', '.join(breadths)}")
    for kind in kinds:
        if breadth == "full":
            yield kind
        elif kind.name in breadths[breadth]:
            yield replace(kind, facts=kind.facts[: breadths[breadth][kind.name]])


@cache
def read_data(name: str) -> Mapping[str, Any]:
    """Read a YAML file of the data folder.

    Raises:
        ConfigError: the file is not a mapping.
    """
    text = files("duplex.corpus").joinpath("data", f"{name}.yaml").read_text(encoding="utf-8")
    values = yaml.safe_load(text)
    if not isinstance(values, dict):
        raise ConfigError(f"{name}.yaml: must hold 'key: value' lines at the top level")
    return values


def kinds_of(name: str) -> Iterator[Kind]:
    """Kinds of one data file: its tables of facts, then its single facts."""
    data = read_data(name)
    for kind, spec in data.get("kinds", {}).items():
        yield Kind(
            kind,
            tuple(_table_facts(spec, _rows(spec, data))),
            share=spec.get("share", 1.0),
            long=spec.get("long", False),
        )
    for kind, block in data.get("singles", {}).items():
        yield Kind(kind, tuple(_single(line) for line in lines(block)))


def _rows(spec: Mapping[str, Any], data: Mapping[str, Any]) -> Iterator[Row]:
    """Rows of a kind's table as slots; a row with '-' in a used column is left out."""
    table = data["tables"][spec["table"]] if "table" in spec else spec
    columns = table.get("columns", ["x", "y"])
    used = [column for column in columns if f"{{{column}}}" in str(spec)]
    repeated: set[str] = set()
    for line in _order(table):
        cells = [cell.strip() for cell in line.split("|")]
        if len(cells) != len(columns):
            raise ConfigError(f"data row '{line}' has {len(cells)} cells, its table {len(columns)} columns")
        row = dict(zip(columns, cells, strict=True))
        once = row.get(spec.get("skip_repeated", ""), line)
        if all(row[column] != "-" for column in used) and _is_wanted(row, spec) and once not in repeated:
            repeated.add(once)
            yield row


def _order(table: Mapping[str, Any]) -> list[str]:
    """Lines of a table, with those that its list `first` names at the front."""
    rows = lines(table["rows"])
    names = [name.strip() for name in table.get("first", "").split(",")]
    return sorted(rows, key=lambda row: row.split("|")[0].strip() not in names)


def _is_wanted(row: Row, spec: Mapping[str, Any]) -> bool:
    return all(row[column] == value for column, value in spec.get("only", {}).items())


def _table_facts(spec: Mapping[str, Any], rows: Iterator[Row]) -> Iterator[Fact]:
    asks = (text for ask in spec.get("ask", []) for text in expand(ask))
    patterns = [*_frame(_list(spec, "noun")), *asks]
    for row in rows:
        slots = dict(row)
        slots.update({slot: with_article(row[column]) for slot, column in spec.get("article", {}).items()})
        slots.update(agreement(row[spec["agree"]]) if "agree" in spec else {})
        answer, key = split_mark(spec["answer"].format(**slots))
        key = key or str(spec.get("key", "")).format(**slots)
        yield Fact(
            distinct(pattern.format(**slots) for pattern in patterns),
            (sentence(answer),),
            key,
            distinct(pattern.format(**slots) for pattern in _list(spec, "follow")),
        )


def _list(spec: Mapping[str, Any], key: str) -> list[str]:
    return [part.strip() for part in spec.get(key, "").split(";") if part.strip()]


def _frame(nouns: list[str]) -> list[str]:
    """Noun phrases within every frame, in the order of frames, which puts the usual ones first."""
    frames: list[str] = read_data("frames")["nouns"]
    return [frame.replace("{np}", noun) for noun in nouns for frame in frames]


def _single(line: str) -> Fact:
    """A single fact: 'question ; another way => Answer with the *key* marked.'"""
    left, _, right = line.partition("=>")
    cores: list[str] = []
    for part in left.split(";"):
        for text in expand(part):
            cores += _frame([text]) if text.startswith(("the ", "a ", "an ", "half ")) else [text]
    answer, key = split_mark(right.strip())
    return Fact(distinct(cores), (sentence(answer),), key)
