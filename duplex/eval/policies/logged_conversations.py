"""Conversations under many policies: one is held only if no logged conversation would have gone the same way."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from configs.policy import PolicyConfig
from duplex.eval.errors import EvaluationError
from duplex.eval.policies.follow import follows
from duplex.eval.runner import Experiment, rows
from duplex.eval.store import LineStore
from duplex.eval.suite import DialogueRow, Example, Facts

OnRows = Callable[[int, int], None]
"""Called after every conversation with the number of conversations held, and the number known to be needed."""


@dataclass(frozen=True)
class Had:
    """A conversation and the policy under which it was held."""

    policy: PolicyConfig
    row: DialogueRow

    @classmethod
    def from_json(cls, values: Facts) -> "Had":
        """Read what `to_json` wrote."""
        return cls(PolicyConfig.model_validate(values["policy"]), DialogueRow.from_json(values["row"]))

    def to_json(self) -> Facts:
        """Plain values."""
        return {"policy": self.policy.model_dump(mode="json"), "row": self.row.to_json()}


@dataclass(frozen=True)
class _LookUp:
    """The result of looking up an example under a policy among the first `seen` conversations."""

    seen: int = 0
    row: DialogueRow | None = None


class LoggedConversations:
    """All conversations of one experiment held so far, also stored on disk."""

    def __init__(self, path: Path, settings: Facts, fresh: bool = False) -> None:
        """Raises EvaluationError if the file has other content."""
        self._store = LineStore(path, settings, fresh)
        self._had: dict[str, list[Had]] = {}
        self._looked_up: dict[tuple[str, PolicyConfig], _LookUp] = {}
        for values in self._store.lines:
            self._remember(Had.from_json(values))

    def __len__(self) -> int:
        """Number of conversations held."""
        return sum(map(len, self._had.values()))

    def have(
        self, experiment: Experiment, examples: Sequence[Example], policies: Sequence[PolicyConfig], jobs: int,
        on_rows: OnRows = lambda had, missing: None,
    ) -> None:  # fmt: skip
        """Hold the missing conversations, so that `under` knows every example under every policy."""
        while missing := self._missing(examples, policies):
            total = len(self) + len(missing)
            for row in rows(experiment, missing, jobs):
                policy = next(example.policy for example in missing if example.id == row.id)
                assert policy is not None, "every missing example names its policy"
                self._add(Had(policy, row))
                on_rows(len(self), total)

    def under(self, policy: PolicyConfig, example: Example) -> DialogueRow | None:
        """The conversation as it goes under `policy`, or None if it has not been held yet."""
        had = self._had.get(example.id, [])
        before = self._looked_up.get((example.id, policy), _LookUp())
        if before.row is None and before.seen < len(had):
            fresh = (one.row for one in had[before.seen :] if follows(policy, one.policy, one.row))
            before = self._looked_up[example.id, policy] = _LookUp(len(had), next(fresh, None))
        return before.row

    def all_under(self, policy: PolicyConfig, examples: Sequence[Example]) -> list[DialogueRow]:
        """The conversations of all examples.

        Raises:
            EvaluationError: a conversation is missing; `have` makes it.
        """
        found = [self.under(policy, example) for example in examples]
        if None in found:
            raise EvaluationError("there is no conversation under this policy yet; hold it first")
        return [row for row in found if row is not None]

    def _missing(self, examples: Sequence[Example], policies: Sequence[PolicyConfig]) -> list[Example]:
        """Every example for which some policy has no conversation yet, with the first such policy."""
        return list(self._first_missing(examples, policies))

    def _first_missing(self, examples: Sequence[Example], policies: Sequence[PolicyConfig]) -> Iterator[Example]:
        for example in examples:
            policy = next((policy for policy in policies if self.under(policy, example) is None), None)
            if policy is not None:
                yield replace(example, policy=policy)

    def _add(self, had: Had) -> None:
        self._remember(had)
        self._store.add(had.to_json())

    def _remember(self, had: Had) -> None:
        self._had.setdefault(had.row.id, []).append(had)
