"""Each possible course of a conversation is run once; the best policy is the one named by the definition."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest

from configs.audio import AUDIO
from configs.eval.evaluation import EvaluationConfig
from configs.eval.policy_search import PolicySearchConfig, StartGridConfig, StopGridConfig
from configs.policy import PolicyConfig, Threshold
from duplex.eval.conversation_record import Converse, Recording, SlotTrace, System
from duplex.eval.errors import EvaluationError
from duplex.eval.measures.figures import Figure
from duplex.eval.policies.logged_conversations import LoggedConversations
from duplex.eval.policies.plot import plot
from duplex.eval.policies.search import searches
from duplex.eval.runner import Experiment
from duplex.eval.suite import DialogueRow, Example, Facts, FinishedDialogue
from duplex.eval.users.clip import Clip
from duplex.eval.users.user import At, Event, Script, User
from tdm.policy import PolicyMemory, decide
from tdm.slots import State
from tests.duplex.eval.fakes import LEVEL, write_clip

CONFIG = EvaluationConfig()
P_SPEAK = (0.1, 0.1, 0.55, 0.65, 0.75, 0.85, 0.1, 0.1)


@dataclass
class Scripted:
    """A model whose p(speak) is known; counts its conversations."""

    had: list[PolicyConfig] = field(default_factory=list)

    def system(self) -> System:
        return System(self.under(PolicyConfig()), under=self.under)

    def under(self, policy: PolicyConfig) -> Converse:
        def converse(user: User, seed: int) -> Recording:
            self.had.append(policy)
            return self._talk(policy, user)

        return converse

    def _talk(self, policy: PolicyConfig, user: User) -> Recording:
        memory, slots, said = PolicyMemory(), [], [np.zeros(AUDIO.slot_output_samples, np.float32)]
        heard = []
        while (slot := user.next_slot(said[-1])) is not None:
            p_speak = P_SPEAK[len(slots) % len(P_SPEAK)]
            before, memory = memory.state, decide(policy, memory, p_speak)
            speaks = memory.state is State.SPEAK
            event = "" if memory.state is before else "start" if speaks else "cut"
            slots.append(SlotTrace(len(slots), p_speak, speaks, event))
            said.append(np.full(AUDIO.slot_output_samples, LEVEL * speaks, np.float32))
            heard.append(slot)
        return Recording(np.concatenate(heard), np.concatenate(said[:-1]), tuple(slots))


@dataclass(frozen=True)
class Starts:
    """A suite that asks when the assistant began."""

    clip: Clip
    name: str = "starts"

    def examples(self) -> list[Example]:
        return [Example(name, "group", Script((Event("clip", self.clip, At(0.0)),), 1.0)) for name in "ab"]

    def score(self, dialogue: FinishedDialogue) -> tuple[Facts, float]:
        return {"start": dialogue.recording.speech(CONFIG.gate)[0].start}, 0.0

    def figures(self, rows: Sequence[DialogueRow]) -> list[Figure]:
        return []


def starting(probability: float) -> PolicyConfig:
    return PolicyConfig(start=Threshold(probability=probability, slots=1))


@pytest.fixture
def experiment(tmp_path: Path) -> tuple[Scripted, Experiment]:
    model = Scripted()
    suite = Starts(Clip(write_clip(tmp_path / "clip.wav", 0.6), exact=True))
    return model, Experiment(suite, model.system, CONFIG)


def test_only_what_would_go_another_way_is_had_again(experiment: tuple[Scripted, Experiment], tmp_path: Path) -> None:
    model, made = experiment
    examples = made.suite.examples()
    policies = [starting(probability) for probability in (0.5, 0.51, 0.6, 0.7, 0.71, 0.72)]
    conversations = LoggedConversations(tmp_path / "had.jsonl", {})
    conversations.have(made, examples, policies, jobs=1)
    assert len(model.had) == len(conversations) == 3 * len(examples)
    starts = [conversations.all_under(policy, examples)[0].measures["start"] for policy in policies]
    assert starts == pytest.approx([0.6, 0.6, 0.8, 1.0, 1.0, 1.0])
    again = LoggedConversations(tmp_path / "had.jsonl", {})
    again.have(made, examples, [*policies, starting(0.65)], jobs=1)
    assert len(model.had) == 3 * len(examples)


def test_rows_are_those_of_a_true_run(experiment: tuple[Scripted, Experiment], tmp_path: Path) -> None:
    _, made = experiment
    examples = made.suite.examples()
    policies = [starting(probability) for probability in (0.5, 0.58, 0.7)]
    conversations = LoggedConversations(tmp_path / "had.jsonl", {})
    conversations.have(made, examples, policies, jobs=1)
    for policy in policies:
        fresh = LoggedConversations(tmp_path / f"{policy.start.probability}.jsonl", {})
        fresh.have(made, examples, [policy], jobs=1)
        assert fresh.all_under(policy, examples) == conversations.all_under(policy, examples)


def test_what_was_not_had_is_no_result(experiment: tuple[Scripted, Experiment], tmp_path: Path) -> None:
    _, made = experiment
    with pytest.raises(EvaluationError, match="no conversation under this policy yet"):
        LoggedConversations(tmp_path / "had.jsonl", {}).all_under(starting(0.5), made.suite.examples())


def test_a_system_without_policies_says_so(experiment: tuple[Scripted, Experiment], tmp_path: Path) -> None:
    model, made = experiment
    fixed = Experiment(made.suite, lambda: System(model.system().converse), CONFIG)
    with pytest.raises(EvaluationError, match="no state policy"):
        LoggedConversations(tmp_path / "had.jsonl", {}).have(fixed, made.suite.examples(), [starting(0.5)], jobs=1)


def overlap_row(name: str, group: str, stop: float | None) -> DialogueRow:
    return DialogueRow(name, group, {"valid": True, "stopped": stop is not None, "stop_s": stop}, 0.0, (), {})


def test_the_best_stop_yields_and_ignores_most_and_is_soonest_among_equals() -> None:
    grid = PolicySearchConfig(stop=StopGridConfig(probability=(0.1, 0.2, 0.3), slots=(1,), at_once=(0.0,)))
    outcomes = {0.1: (None, None), 0.2: (0.6, None), 0.3: (0.4, None)}
    search, _ = searches(grid)

    def rows(policy: PolicyConfig) -> list[DialogueRow]:
        meant, ignored = outcomes[policy.stop.probability]
        return [overlap_row("a", "interruption", meant), overlap_row("b", "backchannel", ignored)]

    deaf, slow, quick = search.points(rows)
    assert [(point.x, point.y) for point in (deaf, slow, quick)] == [(1.0, 0.0), (1.0, 1.0), (1.0, 1.0)]
    assert [point.best for point in (deaf, slow, quick)] == [False, False, True]
    assert [point.front for point in (deaf, slow, quick)] == [False, True, True]


def test_who_stops_for_listeners_is_not_the_best_however_much_it_yields() -> None:
    grid = PolicySearchConfig(stop=StopGridConfig(probability=(0.1, 0.3), slots=(1,), at_once=(0.0,)))
    search, _ = searches(grid)

    def rows(policy: PolicyConfig) -> list[DialogueRow]:
        eager = policy.stop.probability == 0.3
        meant = [overlap_row(f"a{i}", "interruption", 0.3 if eager or i < 8 else None) for i in range(10)]
        listeners = [overlap_row(f"b{i}", "backchannel", 0.3 if eager and not i else None) for i in range(10)]
        return [*meant, *listeners]

    waits, eager = search.points(rows)
    assert (waits.x + waits.y, eager.x + eager.y) == (pytest.approx(1.8), pytest.approx(1.9))
    assert (waits.best, eager.best) == (True, False)


def pause_row(name: str, takeover: bool, late: float | None) -> DialogueRow:
    found = {"takeover": takeover, "inside": [], "speaks_at_end": takeover, "response_s": None if takeover else late}
    return DialogueRow(name, "pause 0.6 s", found, 0.0, (), {})


def test_the_best_start_is_the_soonest_that_waits_and_answers() -> None:
    grid = PolicySearchConfig(start=StartGridConfig(probability=(0.4, 0.6, 0.8, 0.9), slots=(1,)))
    outcomes = {0.4: (True, 0.2), 0.6: (False, 0.6), 0.8: (False, 0.9), 0.9: (False, None)}
    _, search = searches(grid)

    def rows(policy: PolicyConfig) -> list[DialogueRow]:
        takeover, late = outcomes[policy.start.probability]
        return [pause_row("a", takeover, late), pause_row("b", False, late)]

    points = search.points(rows)
    assert [point.best for point in points] == [False, True, False, False]
    assert [point.x for point in points] == [0.5, 0.0, 0.0, 0.0]
    assert [point.front for point in points] == [True, True, False, False]


def test_the_plot_shows_every_policy_where_it_belongs() -> None:
    grid = PolicySearchConfig(start=StartGridConfig(probability=(0.4, 0.6, 0.8, 0.9), slots=(1,)))
    _, search = searches(grid)
    late = {0.4: 0.2, 0.6: 0.6, 0.8: 0.9, 0.9: None}
    points = search.points(lambda p: [pause_row(name, name < "b" and p == grid.starts[0], late[p.start.probability])
                                      for name in "abcd"])  # fmt: skip
    svg = ElementTree.fromstring(plot(search, points, "a < b"))
    dots = [dot for dot in svg.iter("{http://www.w3.org/2000/svg}circle") if len(dot)]
    assert len(dots) == 3
    places = {dot[0].text.splitlines()[1]: (float(dot.get("cx")), float(dot.get("cy"))) for dot in dots}
    early, middle, last = (places[f"start: 1 × above {p}"] for p in (0.4, 0.6, 0.8))
    assert early[0] > middle[0] == last[0]
    assert early[1] > middle[1] > last[1]
    assert (early[1] - middle[1]) / (middle[1] - last[1]) == pytest.approx(0.4 / 0.3, rel=0.02)
