"""Places on a timeline are seconds times a scale; latencies are found, marked and signed."""

import pytest

from duplex.eval.reports.latencies import Latency, latencies, slowest
from duplex.eval.reports.timeline import LANE, PIXELS_PER_S, PLOT, timeline
from duplex.eval.suite import Facts
from tests.duplex.eval.reports.made import event, row


def make_row(**more: object) -> Facts:
    return row("a", **more).to_json()


def test_events_stand_where_they_sounded() -> None:
    found = timeline(make_row())
    assert [(box.x, box.width) for box in found.events] == [
        (PIXELS_PER_S, PIXELS_PER_S),
        (4 * PIXELS_PER_S, PIXELS_PER_S),
    ]
    assert [box.label for box in found.events] == ["turn: first", "interrupt: second"]
    assert [box.css for box in found.events] == ["user turn", "user interrupt"]
    (speech,) = found.speech
    assert speech.x == 2.5 * PIXELS_PER_S
    assert speech.width == pytest.approx(1.8 * PIXELS_PER_S)
    assert speech.label == "Yes it is."
    assert speech.title == "assistant speech, 2.500 - 4.300 s: Yes it is."
    assert found.width == 6 * PIXELS_PER_S + 1
    assert found.ticks[6] == (6 * PIXELS_PER_S, "6 s")


def test_a_long_dialogue_has_fewer_labels() -> None:
    ticks = timeline(make_row(trace={"seconds": 31.0})).ticks
    assert len(ticks) == 32
    assert [label for _, label in ticks if label] == ["0 s", "5 s", "10 s", "15 s", "20 s", "25 s", "30 s"]


def test_latencies_are_marked_from_edge_to_edge() -> None:
    found = timeline(make_row(response=0.5, stop=0.3))
    marked = [(span.css, span.begin / PIXELS_PER_S, span.end / PIXELS_PER_S, span.label) for span in found.spans]
    assert marked == [
        ("response", 2.0, 2.5, "response 0.50 s"),
        ("stop", 4.0, pytest.approx(4.3), "stop 0.30 s"),
    ]
    assert found.spans[0].y < found.spans[1].y
    assert found.spans[0].label_x > found.spans[0].end


def test_a_negative_latency_is_told_as_it_is() -> None:
    (response, _) = timeline(make_row(response=-0.15)).spans
    assert response.end < response.begin < response.label_x
    assert response.label == "response -0.15 s"


def test_latencies_that_the_trace_names_are_taken() -> None:
    named = [{"kind": "yield", "from": 4.0, "to": 4.25}, {"kind": "response", "from": 5.0, "to": 5.5}]
    found = make_row(trace={"latencies": named})
    assert latencies(found) == [Latency("yield", 4.0, 4.25), Latency("response", 5.0, 5.5)]
    assert [(span.css, span.label) for span in timeline(found).spans] == [
        ("other", "yield 0.25 s"),
        ("response", "response 0.50 s"),
    ]


def test_a_latency_that_fits_no_edges_is_not_drawn() -> None:
    found = make_row()
    found["measures"]["stop_s"] = 0.77
    assert [one.kind for one in latencies(found)] == ["response"]
    assert slowest(found, "stop") == 0.77


def test_two_equal_latencies_have_two_places() -> None:
    found = make_row()
    found["events"] = (
        *(event("user", "turn", start, start + 1) for start in (1.0, 4.0)),
        *(event("assistant", "speech", start, start + 1) for start in (2.5, 5.5)),
    )
    found["measures"] = {"response_s": [0.5, 0.5], "stop_s": None}
    assert [one.begin for one in latencies(found)] == [2.0, 5.0]


def test_slots_stand_one_after_they_were_decided() -> None:
    found = timeline(make_row())
    x, width = 12 * 0.2 * PIXELS_PER_S, 9 * 0.2 * PIXELS_PER_S
    assert found.speaks == f"M{x:g} {found.bands['p(speak)'].top:g}h{width:g}v{PLOT}h-{width:g}z"
    first, *_ = timeline(make_row()).p_speak.split()
    assert float(first.split(",")[0]) == pytest.approx(0.2 * PIXELS_PER_S)


def test_sound_is_drawn_and_silence_is_not() -> None:
    found = timeline(make_row())
    strokes = found.assistant.split("M")[1:]
    assert len(strokes) == 36
    x, rest = strokes[0].split(" ")
    assert float(x) == pytest.approx(50.5 * 0.05 * PIXELS_PER_S)
    assert float(rest.split("v")[1]) == LANE


def test_another_systems_dialogue_has_no_plot() -> None:
    found = timeline(make_row(trace={"p_speak": [], "state": "", "decisions": [], "answers": []}))
    assert "p(speak)" not in found.bands
    assert found.height < timeline(make_row()).height
    assert found.speech[0].label == ""


def test_a_label_without_room_is_cut() -> None:
    found = make_row()
    found["events"] = (event("user", "backchannel", 1.0, 1.2), event("user", "turn", 1.5, 3.0))
    first, second = timeline(found).events
    assert first.label == "backch…"
    assert len(first.label) * 5.6 <= 0.5 * PIXELS_PER_S
    assert second.label == "turn"


def test_an_empty_dialogue_can_be_drawn() -> None:
    found = row("a", trace={"seconds": 0.0, "user": [], "assistant": [], "p_speak": []}).to_json() | {"events": ()}
    assert timeline(found).user == ""
