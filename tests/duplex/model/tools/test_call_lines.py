"""Calls as people read them."""

from duplex.model.interface import Came, EndedCall, StartedCall
from duplex.model.tools.call_lines import call_line, pair_calls
from duplex.model.tools.tool_runner import error_text

TIME = StartedCall("1", "time_in", '{"place": "Tokyo"}')


def test_a_call_and_its_result_are_one_line() -> None:
    assert call_line(TIME) == "time_in Tokyo ..."
    assert call_line(TIME, EndedCall("1", "14:32\non Monday")) == "time_in Tokyo -> 14:32 on Monday"
    dice = StartedCall("2", "roll_dice", '{"sides": 6, "count": 2}')
    assert call_line(dice, EndedCall("2", "3, 4")) == "roll_dice 6, 2 -> 3, 4"


def test_an_error_is_told_as_one() -> None:
    assert call_line(TIME, EndedCall("1", error_text("no such place"), failed=True)) == (
        "time_in Tokyo -> error: no such place"
    )


def test_what_the_model_wrote_wrongly_is_shown_as_it_is() -> None:
    assert call_line(StartedCall("1", "time_in", "Tokyo")) == "time_in Tokyo ..."
    assert call_line(StartedCall("1", "", "{oops")) == "a call that cannot be read {oops ..."


def test_a_line_is_short_and_holds_no_commands_for_a_terminal() -> None:
    line = call_line(TIME, EndedCall("1", "\x1b[31m" + "x" * 500))
    assert line.isprintable()
    assert len(line) < 200
    assert line.endswith("...")


def test_calls_are_paired_with_their_ends() -> None:
    other = StartedCall("2", "roll_dice", "{}")
    again = StartedCall("1", "time_in", '{"place": "Oslo"}')
    end = EndedCall("1", "14:32")
    everything = [None, Came(started=(TIME, other)), Came(text="a"), Came(ended=(end,)), Came(started=(again,))]
    assert pair_calls(everything) == [(TIME, end), (other, None), (again, None)]
