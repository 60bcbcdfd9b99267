"""The scheduler: order of a slot, text pacing, natural end, cut and veto."""

from configs.policy import PolicyConfig, Threshold
from configs.schedule import ScheduleConfig
from tdm.scheduler import Scheduler
from tdm.slots import State

QUICK = PolicyConfig(start=Threshold(probability=0.5, slots=1), stop=Threshold(probability=0.5, slots=1), guard_slots=0)


def make() -> Scheduler:
    return Scheduler(ScheduleConfig(text_lead_units=10), QUICK, prefix=3)


def test_slots_are_planned_one_after_the_other() -> None:
    scheduler = make()
    plans = []
    for _ in range(3):
        plans.append(scheduler.plan())
        scheduler.decide(0.0, queued=0)
    assert [plan.position for plan in plans] == [3, 4, 5]


def test_onset_wants_text_and_a_full_queue_holds_it_back() -> None:
    scheduler = make()
    onset = scheduler.decide(0.9, queued=0)
    assert (onset.state, onset.onset, onset.wants_text) == (State.SPEAK, True, True)
    assert scheduler.decide(0.9, queued=9).wants_text
    assert not scheduler.decide(0.9, queued=10).wants_text


def test_after_the_end_of_the_text_the_answer_is_spoken_out_and_then_ends() -> None:
    scheduler = make()
    scheduler.decide(0.9, queued=0)
    scheduler.end_text()
    spoken_out = scheduler.decide(0.9, queued=5)
    assert (spoken_out.state, spoken_out.wants_text) == (State.SPEAK, False)
    scheduler.finish()
    end = scheduler.decide(0.9, queued=0)
    assert (end.state, end.cut) == (State.MUTE, False)


def test_a_stop_before_the_end_is_a_cut_and_the_next_answer_is_fresh() -> None:
    scheduler = make()
    scheduler.decide(0.9, queued=0)
    scheduler.end_text()
    cut = scheduler.decide(0.1, queued=5)
    assert (cut.state, cut.cut) == (State.MUTE, True)
    again = scheduler.decide(0.9, queued=0)
    assert (again.onset, again.wants_text) == (True, True)


def test_late_words_hold_an_answer_back_and_take_it_back() -> None:
    scheduler = make()
    assert scheduler.decide(0.9, queued=0, late_words=True).state is State.MUTE
    assert scheduler.decide(0.9, queued=0).onset
    back = scheduler.decide(0.9, queued=5, late_words=True)
    assert (back.state, back.cut) == (State.MUTE, True)
    assert scheduler.decide(0.9, queued=0).onset


def test_veto_leaves_the_slot_mute_as_if_nothing_had_happened() -> None:
    scheduler = make()
    scheduler.decide(0.1, queued=0)
    scheduler.decide(0.1, queued=0)
    assert scheduler.slots_in_state == 2
    assert scheduler.decide(0.9, queued=0).onset
    scheduler.veto()
    assert (scheduler.state, scheduler.slots_in_state) == (State.MUTE, 3)
    assert scheduler.decide(0.9, queued=0).onset


def test_slots_in_state_counts_from_the_change() -> None:
    scheduler = make()
    counted = []
    for p_speak in (0.1, 0.9, 0.9, 0.1, 0.1):
        scheduler.decide(p_speak, queued=0)
        counted.append((int(scheduler.state), scheduler.slots_in_state))
    assert counted == [(0, 1), (1, 0), (1, 1), (0, 0), (0, 1)]
