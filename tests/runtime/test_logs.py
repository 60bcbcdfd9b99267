"""The log of the server: one bounded line per event, which holds nothing that users said."""

import io
import json
import logging
from collections.abc import Callable

import pytest

from configs.runtime.serve import LogConfig
from runtime.clock import ManualClock
from runtime.event_log import EventLog
from runtime.logs import log_event, set_up_logs
from runtime.session.session import Notice


class Log:
    """A log in memory, with its clock."""

    def __init__(self, **values: object) -> None:
        self.clock, self._stream = ManualClock(), io.StringIO()
        set_up_logs(LogConfig.model_validate(values), self._stream, self.clock)

    @property
    def lines(self) -> list[str]:
        """Lines so far."""
        return self._stream.getvalue().splitlines()

    @property
    def objects(self) -> list[dict[str, object]]:
        """Lines so far, of the format json."""
        return [json.loads(line) for line in self.lines]


@pytest.fixture
def make_log() -> Callable[..., Log]:
    """`make_log(**LogConfig values)`."""
    return Log


def test_an_event_is_a_line_for_people(make_log: Callable[..., Log]) -> None:
    log = make_log()
    log_event(logging.INFO, "session_ended", session="0a", reason="the client left", code=None, slots=3)
    (line,) = log.lines
    time, rest = line.split(" ", 1)
    assert rest == 'info session_ended session=0a reason="the client left" slots=3'
    assert time.endswith("+00:00")


def test_an_event_is_a_line_of_json_on_request(make_log: Callable[..., Log]) -> None:
    log = make_log(format="json")
    log_event(logging.WARNING, "notice", session="0a", code="echo")
    (values,) = log.objects
    values.pop("time")
    assert values == {"level": "warning", "event": "notice", "session": "0a", "code": "echo"}


def test_what_others_log_is_a_line_too(make_log: Callable[..., Log]) -> None:
    log = make_log(format="json")
    logging.getLogger("aiortc.sdp").info("nobody asked for this")
    try:
        raise ValueError("two\nlines")
    except ValueError:
        logging.getLogger("asyncio").exception("a task failed")
    (values,) = log.objects
    assert (values["logger"], values["message"]) == ("asyncio", "a task failed")
    assert values["error"] == r"ValueError('two\nlines')"
    assert "test_what_others_log_is_a_line_too" in str(values["at"])


def test_no_value_breaks_a_line_or_fills_the_log(make_log: Callable[..., Log]) -> None:
    log = make_log()
    log_event(logging.INFO, "session_refused", reason="x\r\n2026 error engine_died\x1b[2J" + "y" * 10_000)
    logging.getLogger("aiortc").warning("%s", "a\nb")
    assert len(log.lines) == 2
    assert "\x1b" not in log.lines[0]
    assert len(log.lines[0]) < 2200
    assert log.lines[1].endswith(" warning aiortc: a b")


def test_strangers_cannot_fill_the_log_or_hide_another_event(make_log: Callable[..., Log]) -> None:
    log = make_log(format="json", most_per_min=3)
    for _ in range(1000):
        log_event(logging.INFO, "session_refused", code="server_full")
    log_event(logging.ERROR, "engine_died")
    assert [line["event"] for line in log.objects] == ["session_refused"] * 3 + ["engine_died"]
    log.clock.advance(60)
    log_event(logging.INFO, "session_refused", code="server_full")
    assert log.objects[-1]["left_out"] == 997
    log.clock.advance(60)
    log_event(logging.INFO, "session_refused", code="server_full")
    assert "left_out" not in log.objects[-1]


@pytest.mark.parametrize(("quotes", "said"), [(False, None), (True, "refused: my secret")])
def test_what_may_quote_a_user_is_logged_on_request_only(
    make_log: Callable[..., Log], quotes: bool, said: str | None
) -> None:
    log = make_log(format="json")
    events = EventLog(quotes)
    events.on_notice("0a", Notice("language_model", "refused: my secret"))
    events.on_notice("0a", Notice("recording_stopped", "the disk is full"))
    assert [line.get("message") for line in log.objects] == [said, "the disk is full"]
    assert [line["level"] for line in log.objects] == ["info", "warning"]


def test_the_engines_end_is_an_error(make_log: Callable[..., Log]) -> None:
    log = make_log(format="json")
    EventLog().on_engine(up=False)
    EventLog().on_engine(up=True)
    assert [(line["event"], line["level"]) for line in log.objects] == [("engine_died", "error"), ("engine_up", "info")]
