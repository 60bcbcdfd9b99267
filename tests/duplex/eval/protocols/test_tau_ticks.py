"""Events in seconds as tau-voice's ticks, and the panel of rows."""

import pytest

from configs.eval.protocols import TauVoiceConfig
from duplex.eval.measures.activity import AudibleSegment
from duplex.eval.protocols.tau_ticks import flags, panel_figures, panel_of, ticks_of
from duplex.eval.suite import DialogueRow, Facts
from tests.duplex.eval.exchange.runs import barge_in_row, event, sound_row, turn_row

CONFIG = TauVoiceConfig()


def draw(ticks: list[bool]) -> str:
    return "".join("#" if flag else "." for flag in ticks)


def test_a_tick_contains_speech_where_a_part_of_it_does() -> None:
    assert draw(flags([AudibleSegment(0.39, 0.61)], 5, CONFIG)) == ".###."
    assert draw(flags([AudibleSegment(0.4, 0.6)], 5, CONFIG)) == "..#.."
    assert draw(flags([AudibleSegment(0.7, 9.0)], 5, CONFIG)) == "...##"


def test_borders_of_ticks_survive_rounding() -> None:
    assert draw(flags([AudibleSegment(3 * 0.2, 7 * 0.2)], 8, CONFIG)) == "...####."


def make_row(events: list[Facts], seconds: float, state: str = "") -> DialogueRow:
    """A row of these events."""
    return DialogueRow("row", "group", {}, 0.0, tuple(events), {"seconds": seconds, "state": state})


def ticks_with(kind: str, start: float, config: TauVoiceConfig = CONFIG) -> tuple[str, str]:
    """Where the user speaks and where it makes a sound, with an assistant that speaks from 1 s to 2 s."""
    events = [event("assistant", "speech", 1.0, 2.0), event("user", kind, start, start + 0.4)]
    ticks = ticks_of(make_row(events, 2.4), config)
    return draw([tick.user for tick in ticks]), draw([bool(tick.inserts or tick.burst) for tick in ticks])


def test_pauses_of_an_answer_are_no_silence() -> None:
    parts = [event("assistant", "speech", start, start + 0.4) for start in (0.2, 1.0, 2.2)]
    assert draw([tick.assistant for tick in ticks_of(make_row(parts, 2.8), CONFIG)]) == ".######....##."


def test_what_is_delivered_is_told_by_the_state() -> None:
    speech = [event("assistant", "speech", 0.65, 0.9)]
    assert draw([tick.assistant for tick in ticks_of(make_row(speech, 1.4, "mmSSSm"), CONFIG)]) == "...###."


def test_turns_and_interruptions_are_speech() -> None:
    assert ticks_with("turn", 0.2) == (".##.........", "............")
    assert ticks_with("interrupt", 1.2) == ("......##....", "............")


def test_a_backchannel_is_speech_marked_at_its_start() -> None:
    ticks = ticks_of(make_row([event("user", "backchannel", 0.2, 0.6)], 1.0), CONFIG)
    assert draw([tick.user for tick in ticks]) == ".##.."
    assert draw([tick.backchannel for tick in ticks]) == ".#..."


@pytest.mark.parametrize("kind", ["vocal_tic", "non_directed"])
def test_a_sound_is_speech_over_the_assistant_and_beside_speech_in_silence(kind: str) -> None:
    assert ticks_with(kind, 1.2) == ("......##....", "......##....")
    assert ticks_with(kind, 0.2) == ("............", ".##.........")
    assert ticks_with(kind, 1.2, TauVoiceConfig(overlapping_as_speech=False)) == ("............", "......##....")


def test_noise_is_a_burst_and_a_pause_is_nothing() -> None:
    assert ticks_with("noise", 1.2) == ("............", "......##....")
    assert ticks_of(make_row([event("user", "noise", 0.0, 0.2, "door")], 0.2), CONFIG)[0].burst == "door"
    assert ticks_with("pause", 0.2) == ("............", "............")


def rows(*values: Facts) -> list[DialogueRow]:
    return [DialogueRow.from_json(value) for value in values]


def test_a_report_has_one_panel() -> None:
    found = panel_of(
        rows(
            turn_row("a", 0.4),
            barge_in_row("b"),
            sound_row("c", "backchannel", yields=True),
            sound_row("d", "backchannel", yields=False),
            sound_row("e", "noise", yields=True),
        ),
        CONFIG,
    )
    assert found.conversations == 5
    assert (found.interruptions, found.r_y, found.l_y) == (1, 1.0, pytest.approx(0.6))
    assert (found.backchannels, found.s_bc) == (2, 0.5)
    assert found.vocal_tics == found.non_directed == 0


def test_the_figures_are_the_panel() -> None:
    some = rows(barge_in_row("b"), sound_row("c", "vocal_tic", yields=True), turn_row("d", -0.2))
    found = panel_of(some, CONFIG)
    by_name = {figure.name.split(",")[0]: figure for figure in panel_figures(some, CONFIG)}
    assert list(by_name) == ["L_R", "L_Y", "R_R", "R_Y", "I_A", "S_BC", "S_VT", "S_ND"]
    assert by_name["L_Y"].numbers["mean"] == pytest.approx(found.l_y)
    assert by_name["R_R"].numbers["n"] == found.turns
    assert by_name["I_A"].numbers["value"] == pytest.approx(found.i_a, abs=1e-4)
    assert by_name["S_VT"].values == (("c", 0.0),)
