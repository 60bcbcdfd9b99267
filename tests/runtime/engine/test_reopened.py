"""An engine goes on with a session of another process."""

import pytest

from runtime.clock import ManualClock
from runtime.engine.kept_session import HeardSlot
from runtime.engine.supervised import SupervisedEngine
from runtime.errors import EngineRestarts, ServerFull
from runtime.records import SlotDone
from tests.runtime.engine.test_supervised import CONFIG, OPTIONS, SLOTS, Starts, answers, assert_the_same, said, whole

SESSION = "0123456789abcdef"


def as_heard(done: list[SlotDone]) -> list[HeardSlot]:
    return [
        HeardSlot(
            said(one.result.slot),
            (one.result.user.turn, one.result.user.caption) if one.result.user else None,
            one.result.event,
            one.result.kept,
        )
        for one in done
    ]


@pytest.mark.parametrize("left_after", [1, 6, 14])
def test_the_conversation_is_the_same_as_in_one_process(left_after: int) -> None:
    first, second = (SupervisedEngine(Starts(), CONFIG, ManualClock()) for _ in range(2))
    done = answers(first, first.open(OPTIONS), range(left_after))
    first.close()
    second.reopen(SESSION, OPTIONS, as_heard(done))
    free = second.free
    later = answers(second, SESSION, range(left_after, SLOTS))
    second.close()
    assert free == 1
    assert_the_same([*done, *later], whole())
    assert [one.result.slot for one in later if one.restarted] == [left_after]
    assert not any(one.forgot for one in later)


def test_of_a_long_conversation_the_last_slots_are_heard_again() -> None:
    config = CONFIG.model_copy(update={"rehearse_slots": 4})
    first, second = (SupervisedEngine(Starts(), config, ManualClock()) for _ in range(2))
    done = answers(first, first.open(OPTIONS), range(10))
    first.close()
    second.reopen(SESSION, OPTIONS, as_heard(done))
    later = answers(second, SESSION, range(10, 13))
    second.close()
    assert [one.result.slot for one in later] == [10, 11, 12]
    assert later[0].forgot


def test_there_must_be_room_and_an_engine() -> None:
    starts = Starts()
    engine = SupervisedEngine(starts, CONFIG, ManualClock())
    for _ in range(CONFIG.max_sessions):
        engine.open(OPTIONS)
    with pytest.raises(ServerFull):
        engine.reopen(SESSION, OPTIONS, [])
    starts.lose()
    engine.poll()
    with pytest.raises(EngineRestarts):
        engine.reopen(SESSION, OPTIONS, [])
    engine.close()
