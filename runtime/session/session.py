"""One conversation on this side of the engine: user audio -> slots, results -> packets, log and recording.

    session.push_audio(position, pcm)      audio of the microphone, by sample position
    session.collect()                      -> closed slots for the engine
    session.deliver(done)                  <- the result of a slot
    session.pull()                         -> the next 20 ms for the loudspeaker

Both directions are bounded: the slot buffer and the playout buffer have a fixed length, and the engine client limits
what waits in between. Nothing here depends on networks or rows.
"""

import hashlib
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from configs.audio import AUDIO
from configs.runtime.runtime import RuntimeConfig
from duplex.model.interface import Came, ConversationOptions, SlotResult
from runtime.clock import Clock
from runtime.pcm import FULL_SCALE, Pcm16, level_db, to_int16
from runtime.records import EngineInfo, EngineTimes, SlotDone, UserSlot
from runtime.session.disk import is_full
from runtime.session.log_records import WORDS_LATE, LoggedUser, LoggedWord, LogHeader, SlotRow
from runtime.session.playout import Packet, PlayoutBuffer, PlayoutStatistics
from runtime.session.session_files import SessionFiles
from runtime.session.slot_buffer import SlotBuffer, SlotBufferStatistics
from runtime.sound.echo_guard import EchoGuard
from runtime.versions import versions

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
    ) -> None:
        """`folder`: where the files go; None keeps nothing. `source`: see `LogHeader`. `beside`: when a slot of another
        session ends, seconds on the clock; None if there is none."""
        self.id = session
        self.options = options
        self.folder = folder
        self.over: str | None = None
        """Why the session ended; None while it lasts."""
        self.files_error: str | None = None
        """Why the files end before the session; None if they do not."""
        self._config = config
        self._clock = clock
        self._begin = clock.now()
        self._user = SlotBuffer(config.slots)
        self._beside: Callable[[], float | None] | None = beside
        self._playout = PlayoutBuffer(config.playout)
        self._echo = EchoGuard(config.echo)
        self._asked: dict[int, UserSlot] = {}
        self._typed, self._unheard_ms = "", 0.0
        self._came: Came | None = None
        self._words_late = False
        self._answered = self._missed = 0
        self._notices: list[Notice] = []
        tools = tuple(tool.name for tool in info.tools if options.tools is None or tool.name in options.tools)
        header = LogHeader(
            session, info.model, info.fingerprint, info.delay_ms, options, versions(), source, info.llm, tools
        )
        self._files = SessionFiles(folder, header, config) if folder else None

    @property
    def statistics(self) -> SessionStatistics:
        """Counts so far."""
        return SessionStatistics(
            self._answered, self._missed, len(self._asked), self._user.statistics, self._playout.statistics
        )

    def push_audio(self, position: int, pcm: Pcm16) -> bool:
        """User audio: [n] 16-bit samples at 16 kHz; `position` counts samples from the session's first one.

        Returns whether any of it arrived in time.
        """
        now = self._clock.now()
        if self._beside is not None and len(pcm):
            moment, self._beside = self._beside(), None
            if moment is not None:
                self._user.align(position + len(pcm), now, moment)
        return self._user.push(position, pcm, now)

    def push_text(self, text: str) -> None:
        """Take text that the user writes; it belongs to the next slot that is closed."""
        self._typed = f"{self._typed} {text}".strip()

    def push_unheard(self, milliseconds: float) -> None:
        """Report how much of an answer was taken back before it sounded; the model is told with the next slot."""
        self._unheard_ms += milliseconds

    def push_logged(self, came: Came | None, words_late: bool) -> None:
        """A replay: what came from the language model with the next slot, and whether words due with it were late."""
        self._came, self._words_late = came, words_late

    def collect(self) -> list[UserSlot]:
        """Take the user slots that are closed now, in order."""
        slots = [self._without_echo(slot) for slot in self._user.pop(self._clock.now())]
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
        flushed = self._playout.push(done.result)
        row = self._row(slot, done.result, done.times, flushed)
        self.push_unheard(row.flushed_ms)
        self._answered += 1
        self._missed += "late" in row.degraded
        if done.result.came is not None and done.result.came.error:
            self._notices.append(Notice("language_model", done.result.came.error))
        self._guard(lambda files: files.add(slot, done.result, row))
        return slot, row

    def notices(self) -> list[Notice]:
        """Notices for the user since the last call."""
        fresh, self._notices = self._notices, []
        return fresh

    def pull(self) -> Packet:
        """The next 20 ms of the assistant's audio, [480] samples at 24 kHz."""
        packet = self._playout.pull()
        self._echo.on_played(packet.pcm)
        return packet

    def close(self, reason: str) -> None:
        """End the conversation and finish its files; closing twice does nothing."""
        if self.over is None:
            self.over = reason
            self._guard(lambda files: files.close(reason))

    def _without_echo(self, slot: UserSlot) -> UserSlot:
        known = self._echo.found
        pcm, echo = self._echo.hear(slot.pcm)
        if self._echo.found and not known:
            self._notices.append(Notice("echo", ECHO))
        return replace(slot, pcm=pcm, echo=echo)

    def _guard(self, write: Callable[[SessionFiles], None]) -> None:
        """A full disk ends the files, not the conversation."""
        if self._files is None:
            return
        try:
            write(self._files)
        except OSError as error:
            why = "the disk is full" if is_full(error) else f"{self.folder} cannot be written: {error.strerror}"
            self.files_error = f"the recording ends here, the conversation continues ({why}); what was recorded is kept"
            with suppress(OSError):
                self._files.close(self.files_error)
            self._files = None
            self._notices.append(Notice("recording_stopped", self.files_error))

    def _row(self, slot: UserSlot, result: SlotResult, times: EngineTimes, flushed: int) -> SlotRow:
        sent = self._clock.now()
        slack_ms = self._config.deadline_ms - 1000 * (sent - slot.captured)
        flags = {
            "holes": bool(slot.holes),
            "late": slack_ms < 0,
            "catch_up": times.waiting > 0,
            "echo": slot.echo,
            WORDS_LATE: result.words_late,
        }
        assistant = to_int16(result.pcm)
        return SlotRow(
            slot=slot.index,
            p_speak=float(result.p_speak),
            state=result.state.name,
            event=result.event,
            text_id=int(result.text_id),
            answer_words=result.answer_words,
            tokens=result.tokens.tolist(),
            user=LoggedUser(**vars(result.user)) if result.user else None,
            spoken=tuple(LoggedWord(**vars(word)) for word in result.spoken),
            user_sha256=sha256(slot.pcm),
            assistant_sha256=sha256(assistant),
            user_db=round(level_db(slot.pcm, FULL_SCALE), 2),
            assistant_db=round(level_db(assistant, FULL_SCALE), 2),
            holes=slot.holes,
            flushed_ms=round(1000 * flushed / AUDIO.output_rate, 3),
            degraded=tuple(name for name, applies in flags.items() if applies),
            times_ms=_times_ms(slot.captured - self._begin, times, sent, slack_ms),
            stage_ms={name: round(ms, 3) for name, ms in result.stage_ms.items()},
            kept=result.kept,
            typed=slot.text,
            unheard_ms=slot.unheard_ms,
            came=result.came,
            thinking=result.thinking,
        )


def sha256(pcm: Pcm16) -> str:
    """Hash of 16-bit samples (little endian), hex."""
    return hashlib.sha256(pcm.astype("<i2").tobytes()).hexdigest()


def _times_ms(captured: float, times: EngineTimes, sent: float, slack_ms: float) -> dict[str, float]:
    since = {"queued": times.queued, "step": times.step, "detokenized": times.detokenized, "sent": sent}
    later = {name: round(1000 * (moment - times.captured), 3) for name, moment in since.items()}
    return {"captured": round(1000 * captured, 3), **later, "slack": round(slack_ms, 3)}
