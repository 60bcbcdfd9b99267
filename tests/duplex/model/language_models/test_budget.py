"""The oldest turns leave first, many at a time, and what stays is the same for many turns."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from duplex.model.language_models.budget import estimate_definitions, estimate_tokens, fit_messages
from duplex.model.language_models.interface import ChatMessage, RequestedCall

SYSTEM = ChatMessage("system", "s" * 10)


def count(message: ChatMessage) -> int:
    return len(message.content)


def conversation(turns: int, size: int = 10) -> list[ChatMessage]:
    """A system prompt and turns of twice `size`; the last one has no answer yet."""
    messages = [SYSTEM]
    for turn in range(turns):
        messages += [ChatMessage("user", f"{turn:0{size}}"), ChatMessage("assistant", "a" * size)]
    return messages[:-1]


def test_all_stay_while_they_fit() -> None:
    messages = conversation(5)
    assert fit_messages(messages, 10 + 90, count) == messages


def test_the_oldest_turns_leave_until_half_is_free() -> None:
    kept = fit_messages([*conversation(5), ChatMessage("assistant", "a" * 10)], 10 + 90, count)
    assert kept[0] is SYSTEM
    assert [int(message.content) for message in kept if message.role == "user"] == [3, 4]
    assert sum(map(count, kept[1:])) <= 45


def test_what_stays_begins_alike_for_many_turns() -> None:
    begins = [fit_messages(conversation(turns), 10 + 400, count)[1] for turns in range(1, 101)]
    changes = sum(one != other for one, other in pairwise(begins))
    assert 0 < changes <= 100 * 20 / 200 + 1


def test_a_turn_leaves_with_its_calls_and_results() -> None:
    call = RequestedCall("1", "dice", "{}")
    turn = [
        ChatMessage("user", "u" * 30),
        ChatMessage("assistant", "", (call,)),
        ChatMessage("tool", "t" * 30, call_id="1"),
        ChatMessage("assistant", "a" * 30),
    ]
    kept = fit_messages([SYSTEM, *turn, ChatMessage("user", "last")], 10 + 90, count)
    assert kept == [SYSTEM, ChatMessage("user", "last")]


def test_a_result_leaves_with_its_call_though_the_user_spoke_in_between() -> None:
    call = ChatMessage("assistant", "", (RequestedCall("1", "dice", "{}"),))
    late = [ChatMessage("user", "u"), ChatMessage("tool", "six", call_id="1"), ChatMessage("assistant", "Six.")]
    messages = [SYSTEM, ChatMessage("user", "u" * 80), call, *late, ChatMessage("user", "last")]
    assert fit_messages(messages, 10 + 80 + 20, count) == messages
    assert fit_messages(messages, 10 + 40, count) == [SYSTEM, late[0], late[2], messages[-1]]


def test_a_result_stays_with_its_call_though_an_older_call_had_the_same_id() -> None:
    turn = [
        ChatMessage("user", "u" * 30),
        ChatMessage("assistant", "", (RequestedCall("call_0", "dice", "{}"),)),
        ChatMessage("tool", "six", call_id="call_0"),
    ]
    assert fit_messages([SYSTEM, *turn, *turn], 10 + 40, count) == [SYSTEM, *turn]


@pytest.mark.parametrize("budget", [0, 5, 20])
def test_system_prompt_and_last_turn_stay_however_long_they_are(budget: int) -> None:
    messages = conversation(3)
    assert fit_messages(messages, budget, count) == [SYSTEM, messages[-1]]


@given(st.lists(st.tuples(st.sampled_from(["user", "assistant", "tool"]), st.integers(0, 60))), st.integers(0, 200))
def test_what_stays_is_an_end_that_fits_or_the_last_turn(sizes: list[tuple[str, int]], budget: int) -> None:
    messages = [ChatMessage(role, "x" * size) for role, size in sizes]  # type: ignore[arg-type]
    kept = fit_messages(messages, budget, count)
    assert kept == messages[len(messages) - len(kept) :]
    turns = sum(message.role == "user" for message in kept[1:])
    assert sum(map(count, kept)) <= budget or turns == 0


def test_an_estimate_of_definitions() -> None:
    assert estimate_definitions([]) == 0
    assert estimate_definitions([{"name": "dice"}]) == 4


def test_an_estimate_counts_letters_and_calls() -> None:
    assert estimate_tokens(ChatMessage("user", "four")) == 1 + 4
    assert estimate_tokens(ChatMessage("assistant", "", (RequestedCall("1", "dice", '{"n": 6}'),))) == 3 + 4
