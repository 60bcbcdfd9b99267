"""Conversations of several exchanges: repetitions, "another one", "and of Germany", names that were given.

This module handles what depends on earlier exchanges, not splits.
"""

import random
from collections.abc import Callable, Iterator, Mapping

from configs.model.language import CorpusConfig
from duplex.corpus.exchange import Dialogue, Exchange
from duplex.corpus.grammar import split_mark
from duplex.corpus.kinds import Kind, read_data

REPEATABLE_WORDS = 40
"""Longer answers are not repeated word for word."""


class Conversations:
    """Draws dialogues; single exchanges come from the caller."""

    def __init__(self, config: CorpusConfig, kinds: Mapping[str, Kind]) -> None:
        self._config = config
        self._kinds = kinds
        self._talk = read_data("talk")
        self._named = self._talk["named"]
        self._names: list[str] = self._talk["names"].split()

    def draw(self, rng: random.Random, single: Callable[[], Exchange]) -> Dialogue:
        """Draw one dialogue; `single` draws an exchange that needs no context."""
        name = rng.choice(self._names) if rng.random() < self._config.named_dialogues else ""
        prompts = self._talk["system_prompts" if name else "nameless_prompts"]
        exchanges: list[Exchange] = []
        user = ""
        for _ in range(rng.randint(*self._config.exchanges)):
            exchange = self._dependent(rng, exchanges, name, user) or single()
            user = exchange.key if exchange.kind == "meet" else user
            exchanges.append(exchange)
        return Dialogue(rng.choice(prompts).format(name=name.lower()), tuple(exchanges))

    def prompts(self) -> list[str]:
        """Every system prompt with every name, and those without a name."""
        patterns = self._talk["system_prompts"]
        named = {pattern.format(name=name.lower()) for pattern in patterns for name in self._names}
        return sorted(named | set(self._talk["nameless_prompts"]))

    def answers(self) -> Iterator[str]:
        """Every answer that depends on a name, for every name."""
        for spec in self._named.values():
            if "nameless" in spec:
                yield spec["nameless"]
            for name in self._names if "answer" in spec else ():
                yield split_mark(spec["answer"].format(name=name, user=name))[0]

    def _dependent(self, rng: random.Random, past: list[Exchange], name: str, user: str) -> Exchange | None:
        """An exchange that depends on earlier ones, or None."""
        chance = rng.random() - self._config.repeats
        if chance < 0:
            return self._repeat(rng, past)
        if chance < self._config.names:
            return self._about_names(rng, name, user)
        return self._more(rng, past[-1]) if past else None

    def _repeat(self, rng: random.Random, past: list[Exchange]) -> Exchange | None:
        spec = self._named["again"]
        asked = rng.choice(spec["ask"])
        if not past:
            return Exchange(asked, spec["nameless"], "again", spec["nameless"])
        answer = past[-1].assistant
        if len(answer.split()) > REPEATABLE_WORDS:
            return None
        return Exchange(asked, answer, "again", past[-1].key, past[-1].long)

    def _about_names(self, rng: random.Random, name: str, user: str) -> Exchange:
        kind = rng.choice(["your_name", "your_name", "meet", "my_name"])
        spec = self._named[kind]
        given = {"your_name": name, "my_name": user}.get(kind) or ("" if kind != "meet" else rng.choice(self._names))
        asked = rng.choice(spec["ask"]).format(user=given)
        if not given:
            return Exchange(asked, spec["nameless"], kind, spec["nameless"])
        answer, key = split_mark(spec["answer"].format(name=given, user=given))
        return Exchange(asked, answer, kind, key)

    def _more(self, rng: random.Random, last: Exchange) -> Exchange | None:
        """Another fact or another answer of the last kind."""
        kind = self._kinds.get(last.kind)
        if kind is None:
            return None
        if kind.again and rng.random() < self._config.more_of_the_same:
            return self._another(rng, kind, last)
        following = [fact for fact in kind.facts if fact.follows]
        if following and rng.random() < self._config.follow_ups:
            fact = rng.choice(following)
            return Exchange(rng.choice(fact.follows), rng.choice(fact.answers), kind.name, fact.key, kind.long)
        return None

    def _another(self, rng: random.Random, kind: Kind, last: Exchange) -> Exchange:
        free = kind.facts[-1]
        others = [answer for answer in free.answers if answer != last.assistant]
        return Exchange(rng.choice(kind.again), rng.choice(others), kind.name, free.key, kind.long)
