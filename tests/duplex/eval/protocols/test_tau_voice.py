"""tau-voice's event rules on ticks drawn by hand: a character is 200 ms."""

import pytest

from configs.eval.protocols import TauVoiceConfig
from duplex.eval.protocols.tau_voice import Insert, Interaction, Tick, interaction, panel

CONFIG = TauVoiceConfig()
SOUNDS: dict[str, Insert] = {"v": ("vocal_tic", "cough"), "n": ("non_directed", "one second")}


def ticks(user: str, assistant: str) -> list[Tick]:
    """`#` speech, `b` a backchannel's first tick, `v`/`n` speech with a tic/remark in it, `V`/`N` those alone."""
    return [
        Tick(
            user=one in "#bvn",
            assistant=other == "#",
            backchannel=one == "b",
            inserts=(SOUNDS[one.lower()],) if one in "vnVN" else (),
        )
        for one, other in zip(user, assistant, strict=True)
    ]


def find_interaction(user: str, assistant: str) -> Interaction:
    return interaction(ticks(user, assistant), CONFIG)


def test_an_answer_is_late_by_the_silent_ticks() -> None:
    assert find_interaction("###......", ".....##..").responses == pytest.approx((0.4,))


def test_speaking_again_before_the_answer_is_no_response() -> None:
    events = find_interaction("##....##.....", "..........###")
    assert events.responses == (None, pytest.approx(0.4))
    assert panel([events]).r_r == 0.5


def test_an_answer_in_the_tick_of_the_next_turn_is_a_response() -> None:
    assert find_interaction("##....##..", "......####").responses == pytest.approx((0.8,))


def test_a_turn_after_which_nobody_speaks_is_no_event() -> None:
    events = find_interaction("###.......", "..........")
    assert events.responses == ()
    assert panel([events]).r_r is None


def test_a_turn_at_whose_end_the_assistant_speaks_wants_no_answer() -> None:
    assert find_interaction("..##....", "#####..#").responses == ()


@pytest.mark.parametrize(("silent_at", "latency"), [(5, 0.4), (12, 1.8), (13, None)])
def test_an_interruption_yields_within_two_seconds(silent_at: int, latency: float | None) -> None:
    length = 16
    user = ("..." + "##").ljust(length, ".")
    events = find_interaction(user, ("#" * silent_at).ljust(length, "."))
    assert events.yields == (latency if latency is None else pytest.approx(latency),)


def test_speech_that_begins_in_one_tick_counts_as_an_interruption_by_both() -> None:
    events = find_interaction(".###..", ".####.")
    assert events.interruptions == 1
    assert events.yields == pytest.approx((0.8,))


def test_the_assistant_interrupts_each_time_it_begins_while_the_user_speaks() -> None:
    events = find_interaction("########....#.", "..#..##......#")
    assert events.interruptions == 2
    assert panel([events]).i_a == 2 / len(events.responses)


@pytest.mark.parametrize(("silent_after", "right"), [(4, False), (5, True)])
def test_a_backchannel_is_ignored_for_one_second(silent_after: int, right: bool) -> None:
    events = find_interaction("..b#........", ("#" * (2 + silent_after)).ljust(12, "."))
    assert events.backchannels == (right,)
    assert events.responses == events.yields == ()


@pytest.mark.parametrize(("sound", "place"), [("v", "vocal_tics"), ("n", "non_directed")])
@pytest.mark.parametrize(("silent_after", "right"), [(4, False), (5, True)])
def test_a_sound_within_speech_over_the_assistant(sound: str, place: str, silent_after: int, right: bool) -> None:
    events = find_interaction(f"..{sound}{sound}........", ("#" * (2 + silent_after)).ljust(12, "."))
    assert getattr(events, place) == (right,)
    assert events.yields == ()


@pytest.mark.parametrize(("starts", "right"), [(3, False), (13, False), (14, True)])
def test_a_sound_beside_speech_in_silence_is_answered_within_two_seconds(starts: int, right: bool) -> None:
    events = find_interaction(".VV".ljust(16, "."), "#".rjust(starts + 1, ".").ljust(16, "."))
    assert events.vocal_tics == (right,)
    assert events.responses == ()


def test_a_turn_with_a_tic_in_it_is_an_error_when_it_is_answered() -> None:
    events = find_interaction("#v#......", "....###..")
    assert events.vocal_tics == (False,)
    assert events.responses == pytest.approx((0.2,))


@pytest.mark.parametrize(("silent_after", "events"), [(5, (False,)), (6, ())])
def test_a_sound_beside_speech_over_the_assistant_counts_only_when_it_stops(
    silent_after: int, events: tuple[bool, ...]
) -> None:
    assert find_interaction("..N.........", ("#" * (2 + silent_after)).ljust(12, ".")).non_directed == events


def test_a_lone_last_tick_of_the_user_ends_the_call() -> None:
    assert find_interaction("##..##..#", "..##..###").yields == ()
    assert find_interaction("##..##.##", "..##..###").yields == (None,)


def test_backchannel_goes_before_tic_and_tic_before_remark() -> None:
    both = (SOUNDS["n"], SOUNDS["v"])
    speaks = [Tick(assistant=True), Tick(True, True, inserts=both), Tick(assistant=True)]
    assert interaction(speaks, CONFIG).vocal_tics == (True,)
    assert interaction(speaks, CONFIG).non_directed == ()
    first = [Tick(assistant=True), Tick(True, True, True, both), Tick(assistant=True)]
    assert interaction(first, CONFIG).backchannels == (True,)
    assert interaction(first, CONFIG).vocal_tics == ()


def test_the_panel_is_over_the_events_of_all_conversations() -> None:
    one = Interaction(responses=(0.4, None), yields=(0.6,), interruptions=1, backchannels=(True, False))
    other = Interaction(responses=(1.0,), yields=(None,), vocal_tics=(True,), non_directed=(False,))
    result = panel([one, other])
    assert (result.l_r, result.l_y, result.r_r, result.r_y) == pytest.approx((0.7, 0.6, 2 / 3, 0.5))
    assert (result.i_a, result.s_bc, result.s_vt, result.s_nd) == pytest.approx((1 / 3, 0.5, 1.0, 0.0))
    assert (result.conversations, result.turns, result.interruptions) == (2, 3, 2)
    assert (result.backchannels, result.vocal_tics, result.non_directed) == (2, 1, 1)
    assert result.interrupted_by_assistant == 1


def test_no_events_no_figures() -> None:
    result = panel([find_interaction("", ""), find_interaction("....", "....")])
    assert (result.l_r, result.r_r, result.i_a, result.s_bc) == (None, None, None, None)
    assert result.turns == 0
