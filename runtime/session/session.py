"""One conversation on this side of the engine: user audio -> slots, results -> packets, log and recording.

    session.push_audio(position, pcm)      audio of the microphone, by sample position
    session.collect()                      -> closed slots for the engine
    session.deliver(done)                  <- the result of a slot
    session.pull()                         -> the next 20 ms for the loudspeaker

Both directions are bounded: the slot buffer and the playout buffer have a fixed length, and the engine client limits
what waits in between. Nothing here depends on networks or rows.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from configs.audio import AUDIO
from configs.runtime.runtime import RuntimeConfig
from duplex.model.interface import Came, ConversationOptions, SlotResult
from runtime.clock import Clock
from runtime.pcm import Pcm16
from runtime.records import EngineInfo, SlotDone, UserSlot
from runtime.session.file_writer import FileWriter, InlineWriter
from runtime.session.guarded_files import GuardedFiles
from runtime.session.log_records import LogHeader, SlotRow
from runtime.session.playout import Packet, PlayoutBuffer, PlayoutStatistics
from runtime.session.slot_buffer import SlotBuffer, SlotBufferStatistics
from runtime.session.slot_rows import make_row
from runtime.sound.echo_guard import EchoGuard
from runtime.versions import versions
from tdm.slots import State

_NOTHING = ((0, AUDIO.slot_input_samples),)
"""Holes of a slot in which nothing arrived."""
ECHO = "The assistant hears its own voice from your loudspeaker. Use headphones, or turn the loudspeaker down."


@dataclass(frozen=True)
class SessionStatistics:
    """Counts since the session's start. `missed`: results later than their deadline. `waiting`: unanswered slots."""

    answered: int
    missed: int
    waiting: int
    slots: SlotBufferStatistics
    playout: PlayoutStatistics


@dataclass(frozen=True)
class Notice:
    """Something that the user should know during the conversation; `code` names the kind for programs."""

    code: str
    message: str


class Session:
    """Buffers, files and counts of one conversation."""

    def __init__(
        self,
        session: str,
        options: ConversationOptions,
        info: EngineInfo,
        config: RuntimeConfig,
        clock: Clock,
        folder: Path | None = None,
        source: str = "live",
        beside: Callable[[], float | None] = lambda: None,
        writer: FileWriter | None = None,
        before: Sequence[SlotRow] | None = None,
    ) -> None:
        """`folder`: where the files go; None keeps nothing. `source`: see `LogHeader`. `beside`: when a slot of another
        session ends, seconds on the clock; None if there is none. `writer`: None writes at once. `before`: the rows of
        a session to go on with, which another process had, and whose files are in `folder`."""
        self.id = session
        self.options = options
        self.folder = folder
        self.over: str | None = None
        """Why the session ended; None while it lasts."""
        self.must_record = False
        """Whether it may not go on without its files."""
        self.on_closing: Callable[[int], None] = lambda end: None
        """Is called when a slot with holes is about to close, with where it ends by the connection's positions: audio
        before it that still waits for something is to be pushed now."""
        self._config = config
        self._clock = clock
        first = len(before or ())
        self._begin = clock.now() - first * AUDIO.slot_seconds
        self._user = SlotBuffer(config.slots, first)
        self._beside: Callable[[], float | None] | None = beside
        self._playout = PlayoutBuffer(config.playout)
        self._echo = EchoGuard(config.echo)
        self._asked: dict[int, UserSlot] = {}
        self._typed, self._unheard_ms = "", 0.0
        self._came: Came | None = None
        self._words_late = self._logged_absent = self._gone = False
        self._silent = self._spoken = 0
        self._answered = self._missed = 0
        self._notices: list[Notice] = []
        tools = tuple(tool.name for tool in info.tools if options.tools is None or tool.name in options.tools)
        header = LogHeader(
            session, info.model, info.fingerprint, info.delay_ms, options, versions(), source, info.llm, tools
        )
        self.files = GuardedFiles(folder, header, config, writer or InlineWriter(), before)
        self._told_files = False

    @property
    def statistics(self) -> SessionStatistics:
        """Counts so far."""
        return SessionStatistics(
            self._answered, self._missed, len(self._asked), self._user.statistics, self._playout.statistics
        )

    def push_audio(self, position: int, pcm: Pcm16, concealed: bool = False) -> bool:
        """User audio: [n] 16-bit samples at 16 kHz; `position` counts samples from the connection's first one.

        `concealed`: the decoder has recovered or synthesized it. Returns whether any of it arrived in time.
        """
        now = self._clock.now()
        if self._beside is not None and len(pcm):
            moment, self._beside = self._beside(), None
            if moment is not None:
                self._user.align(position + len(pcm), now, moment)
        return self._user.push(position, pcm, now, concealed)

    def push_discarded(self, amount: int) -> None:
        """So many samples of the user, at 16 kHz, came too late or twice, and were not decoded."""
        self._user.discard(amount)

    def leave(self) -> None:
        """The user's connection is gone; the session goes on without anybody, until `rejoin`."""
        self._gone = True

    def rejoin(self) -> None:
        """The user comes back over a new connection, whose positions begin again."""
        self._gone = False
        self._playout.clear()
        self._user.rejoin()

    def push_text(self, text: str) -> None:
        """Take text that the user writes; it belongs to the next slot that is closed."""
        self._typed = f"{self._typed} {text}".strip()

    def push_unheard(self, milliseconds: float) -> None:
        """Report how much of an answer was taken back before it sounded; the model is told with the next slot."""
        self._unheard_ms += milliseconds

    def push_logged(self, came: Came | None, words_late: bool, absent: bool) -> None:
        """A replay: what came from the language model with the next slot, whether words due with it were late, and
        whether nobody was there."""
        self._came, self._words_late, self._logged_absent = came, words_late, absent

    def collect(self) -> list[UserSlot]:
        """Take the user slots that are closed now, in order."""
        end = self._user.closing_end(self._clock.now())
        if end is not None:
            self.on_closing(end)
        slots = [self._with_absence(self._without_echo(slot)) for slot in self._user.pop(self._clock.now())]
        if slots:
            slots[0] = replace(
                slots[0], text=self._typed, unheard_ms=self._unheard_ms, came=self._came, words_late=self._words_late
            )
            self._typed, self._unheard_ms, self._came, self._words_late = "", 0.0, None, False
        self._asked |= {slot.index: slot for slot in slots}
        return slots

    @property
    def slot_end(self) -> float | None:
        """When the user's next slot ends, seconds on the clock; None before any audio."""
        return self._user.slot_end

    def next_deadline(self) -> float | None:
        """The latest time at which `collect` has a slot, seconds on the clock."""
        return self._user.next_deadline()

    def deliver(self, done: SlotDone) -> tuple[UserSlot, SlotRow]:
        """Take the result of a slot: its audio goes to the playout, its row to the log; returns the slot and the
        row."""
        slot = self._asked.pop(done.result.slot)
        flushed = self._playout.push(done.result) + self._count_unheard(slot, done.result)
        now, deadline_ms = self._clock.now(), self._config.deadline_ms
        row = make_row(slot, done, flushed, self._begin, now, deadline_ms)
        self.push_unheard(row.flushed_ms)
        self._answered += 1
        self._missed += "late" in row.degraded
        if done.result.came is not None and done.result.came.error:
            self._notices.append(Notice("language_model", done.result.came.error))
        self.files.add(slot, done.result, row)
        return slot, row

    def tell(self, notice: Notice) -> None:
        """Something that the user should know."""
        self._notices.append(notice)

    def notices(self) -> list[Notice]:
        """Notices for the user since the last call."""
        fresh, self._notices = [*self._notices, *self.file_notices()], []
        return fresh

    def file_notices(self) -> list[Notice]:
        """That the recording ended before the session or could not be finished; once, also after the session's end."""
        if self._told_files or not self.files.error:
            return []
        self._told_files = True
        return [Notice("recording_stopped", self.files.error)]

    def pull(self) -> Packet:
        """The next 20 ms of the assistant's audio, [480] samples at 24 kHz."""
        packet = self._playout.pull()
        self._echo.on_played(packet.pcm)
        return packet

    def close(self, reason: str) -> None:
        """End the conversation and finish its files; closing twice does nothing."""
        if self.over is None:
            self.over = reason
            self.files.close(reason)

    def _without_echo(self, slot: UserSlot) -> UserSlot:
        known = self._echo.found
        pcm, echo = self._echo.hear(slot.pcm)
        if self._echo.found and not known:
            self._notices.append(Notice("echo", ECHO))
        return replace(slot, pcm=pcm, echo=echo)

    def _with_absence(self, slot: UserSlot) -> UserSlot:
        """Count the slots in a row in which nothing of the user arrived; from a number on, nobody is there."""
        self._silent = self._silent + 1 if slot.holes == _NOTHING else 0
        away = self._gone or self._silent * AUDIO.slot_ms >= self._config.absent_ms
        absent, self._logged_absent = away or self._logged_absent, False
        return replace(slot, absent=absent)

    def _count_unheard(self, slot: UserSlot, result: SlotResult) -> int:
        """Samples of an answer that breaks off because nobody is there, which were sent and not heard."""
        spoken, self._spoken = self._spoken, self._spoken + 1 if result.state is State.SPEAK else 0
        gone = slot.absent and result.event == "cut"
        return min(self._silent, spoken) * AUDIO.slot_output_samples if gone else 0
