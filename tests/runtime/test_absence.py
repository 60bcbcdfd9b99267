"""A user whose network is gone: the assistant falls silent, and what nobody heard does not count as heard."""

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from configs.runtime.runtime import RuntimeConfig
from duplex.model.interface import ConversationOptions
from runtime.clock import ManualClock
from runtime.engine.engine import Engine, InlineEngine
from runtime.pcm import to_int16
from runtime.replay import compare, load_logged, replay
from runtime.session.log_records import SlotRow
from runtime.session.session import Session
from runtime.sessions import Delivered, SessionHub
from tests.runtime.fakes import ANSWER, FakeGenerator
from tests.runtime.user_audio import talking

PACKET = 320
VOICE = to_int16(talking(3.0, [(0.4, 1.4)]))
ABSENT_MS = 600.0


class Call:
    """A session whose packets come for as long as the network works."""

    def __init__(self, folder: Path) -> None:
        self.clock, self.rows = ManualClock(), list[SlotRow]()
        values = {"recording": {"folder": folder}, "engine": {"gather_ms": 0}, "absent_ms": ABSENT_MS}
        self.config = RuntimeConfig.model_validate(values)
        engine = InlineEngine(Engine(FakeGenerator(), self.clock, self.config.engine), "fake")
        self.hub = SessionHub(engine, self.config, self.clock)
        self.session: Session = self.hub.open(ConversationOptions())
        self.sent = 0

    def go_on(self, seconds: float, network: bool = True) -> None:
        for _ in range(round(seconds / 0.02)):
            self.clock.advance(0.02)
            if network:
                voice = VOICE[self.sent : self.sent + PACKET]
                self.session.push_audio(self.sent, voice if len(voice) else np.zeros(PACKET, dtype=np.int16))
                self.sent += PACKET
            self.rows += [news.row for news in self.hub.pump() if isinstance(news, Delivered)]
            self.session.pull()


@pytest.fixture
def call(tmp_path: Path) -> Iterator[Call]:
    made = Call(tmp_path / "recordings")
    yield made
    made.hub.close_all()


def test_the_assistant_falls_silent_when_nobody_is_there(call: Call) -> None:
    call.go_on(2.0)
    call.go_on(2.0, network=False)
    events = {row.slot: row.event for row in call.rows if row.event}
    away = [row.slot for row in call.rows if "absent" in row.degraded]
    assert list(events.values()) == ["start", "cut"]
    (cut,) = (row for row in call.rows if row.event == "cut")
    assert cut.slot == away[0]
    assert cut.flushed_ms >= ABSENT_MS
    assert away == list(range(away[0], len(call.rows)))
    call.hub.close(call.session.id)
    assert call.session.folder is not None
    transcript = json.loads((call.session.folder / "transcript.json").read_text())
    (answer,) = transcript["assistant"]["answers"]
    spoken = sum(len(row.spoken) for row in call.rows)
    assert (answer["how"], len(answer["unheard"].split())) == ("cut", len(ANSWER) - spoken + round(ABSENT_MS / 200))


def test_a_short_gap_changes_nothing(call: Call) -> None:
    call.go_on(2.0)
    call.go_on(0.5, network=False)
    call.sent += round(0.5 * 16_000)
    call.go_on(2.0)
    assert [row.event for row in call.rows if row.event] == ["start", "end"]
    assert not any("absent" in row.degraded for row in call.rows)


def test_a_client_that_is_known_to_be_gone_is_absent_at_once(call: Call) -> None:
    call.go_on(2.0)
    call.session.leave()
    call.go_on(0.6, network=False)
    (cut,) = (row for row in call.rows if row.event == "cut")
    assert "absent" in cut.degraded
    call.session.rejoin()
    before, call.sent = len(call.rows), 0
    call.go_on(4.0)
    assert [row.event for row in call.rows[before:] if row.event] == ["start", "end"]
    assert [row.slot for row in call.rows] == list(range(len(call.rows)))


def test_a_replay_knows_when_nobody_was_there(call: Call) -> None:
    call.go_on(2.0)
    call.go_on(1.5, network=False)
    call.hub.close(call.session.id)
    assert call.session.folder is not None
    logged = load_logged(call.session.folder / "slots.jsonl")
    again = replay(logged, FakeGenerator())
    report = compare(logged.rows, again.rows)
    assert report.difference is None
    assert [row.flushed_ms for row in again.rows if row.event == "cut"] == [0.0]
