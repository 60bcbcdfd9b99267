"""A hub with two rows under a virtual clock, for tests of sessions."""

from pathlib import Path

from configs.runtime.runtime import RuntimeConfig
from duplex.model.interface import ConversationOptions, Samples
from runtime.clock import ManualClock
from runtime.engine.engine import Engine, InlineEngine
from runtime.event_log import EventLog
from runtime.metrics import Metrics
from runtime.observers import Observers
from runtime.pcm import to_int16
from runtime.session.file_writer import FileWriter
from runtime.session.log_records import SlotRow
from runtime.sessions import Delivered, Noticed, SessionHub
from tests.runtime.fakes import FakeGenerator

OPTIONS = ConversationOptions()
SLOT, PACKET = 3200, 320


class World:
    """A hub with two rows, a clock and a folder."""

    def __init__(self, folder: Path) -> None:
        self.clock = ManualClock()
        self.told: list[Noticed] = []
        self.told_at: list[float] = []
        self.config = RuntimeConfig.model_validate({"recording": {"folder": folder}, "engine": {"gather_ms": 0}})
        self.metrics = Metrics()
        self.generator = FakeGenerator(2)
        engine = Engine(self.generator, self.clock, self.config.engine)
        self.client = InlineEngine(engine, "fake")
        self.observer = Observers(self.metrics, EventLog())
        self.hub = SessionHub(self.client, self.config, self.clock, self.observer)

    def with_recording(self, writer: FileWriter | None = None, **values: object) -> SessionHub:
        """A hub of the same engine with other values of its `RecordingConfig`; `writer`: None writes at once."""
        recording = self.config.recording.model_copy(update=values)
        config = self.config.model_copy(update={"recording": recording})
        return SessionHub(self.client, config, self.clock, self.observer, writer)

    def talk(self, voices: dict[str, Samples]) -> dict[str, list[SlotRow]]:
        """Twenty milliseconds at a time; every session hears its own voice; returns the rows by session."""
        rows: dict[str, list[SlotRow]] = {session: [] for session in voices}
        length = max(map(len, voices.values()))
        for start in range(0, length, PACKET):
            self.clock.advance(0.02)
            for session, voice in voices.items():
                self.hub.session(session).push_audio(start, to_int16(voice[start : start + PACKET]))
            for news in self.hub.pump():
                if isinstance(news, Delivered):
                    rows[news.session].append(news.row)
                if isinstance(news, Noticed):
                    self.told.append(news)
                    self.told_at.append(self.clock.now())
        return rows
