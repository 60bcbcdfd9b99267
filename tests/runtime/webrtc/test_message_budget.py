"""How many messages a client may send."""

from configs.runtime.serve import MessagesConfig
from runtime.webrtc.message_budget import MessageBudget

LIMITS = MessagesConfig(per_s=10, burst=5)


def test_a_burst_passes_and_the_budget_fills_up_again() -> None:
    budget = MessageBudget(LIMITS)
    assert [budget.take(1.0) for _ in range(7)] == [True] * 5 + [False] * 2
    assert [budget.take(1.25) for _ in range(3)] == [True, True, False]
    assert [budget.take(100.0) for _ in range(6)] == [True] * 5 + [False]


def test_a_steady_sender_within_the_rate_always_passes() -> None:
    budget = MessageBudget(LIMITS)
    assert all(budget.take(number / 9.9) for number in range(1000))
