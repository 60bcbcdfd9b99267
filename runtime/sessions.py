"""Manages all sessions of one engine: opens them, carries slots to the engine and results back, ends them.

    session = hub.open(options)          # ServerFull when no place is free
    session.push_audio(position, pcm)
    for news in hub.pump(): ...          # at least every 20 ms, and when the engine's descriptor is readable
    packet = session.pull()              # every 20 ms
    hub.close(session.id, "client left")

There is no event loop here: the caller of `pump` decides when.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from configs.runtime.runtime import RuntimeConfig
from duplex.model.interface import ConversationOptions, SlotResult
from runtime.clock import Clock
from runtime.engine.client import EngineClient, ReopeningClient
from runtime.errors import DuplexError, EngineError, UnknownSession, user_line
from runtime.observers import Observer
from runtime.records import EngineEvent, SessionFailed, SessionOpened, SlotDone, UserSlot
from runtime.session.file_writer import FileWriter, InlineWriter
from runtime.session.log_records import SlotRow
from runtime.session.resumable import Resumable, unknown
from runtime.session.session import Notice, Session

RESTARTS = "The assistant had a failure and is being started again. The conversation goes on in a few seconds."
UNRECORDED = "This conversation is not recorded, because its files cannot be written."


@dataclass(frozen=True)
class Opened:
    """The model is ready for the session's first slot."""

    session: str


@dataclass(frozen=True)
class Delivered:
    """A slot was answered: its audio is in the session's playout, its row in the log. `heard`: what the model heard."""

    session: str
    heard: UserSlot
    result: SlotResult
    row: SlotRow


@dataclass(frozen=True)
class Ended:
    """The session ended without a request of the client; its files are finished. `code` as in `runtime.errors`."""

    session: str
    code: str
    message: str


@dataclass(frozen=True)
class Noticed:
    """Something that the user should know during the session."""

    session: str
    notice: Notice


News = Opened | Delivered | Ended | Noticed


class SessionHub:
    """The sessions of one engine."""

    def __init__(
        self,
        client: EngineClient,
        config: RuntimeConfig,
        clock: Clock,
        observer: Observer | None = None,
        writer: FileWriter | None = None,
    ) -> None:
        """`writer`: writes the sessions' files; None writes at once. The caller closes it."""
        self._writer: FileWriter = writer or InlineWriter()
        self.client = client
        self.config = config
        self._clock = clock
        self._observer = observer or Observer()
        self._sessions: dict[str, Session] = {}
        self._told: list[News] = []
        self._finishing: list[Session] = []
        self._engine_up = True

    @property
    def sessions(self) -> tuple[Session, ...]:
        """Sessions that have not ended."""
        return tuple(self._sessions.values())

    def open(self, options: ConversationOptions, folder: Path | None = None, source: str = "live") -> Session:
        """Begin a conversation.

        Args:
            options: options for the model.
            folder: folder for its files; None takes a new one in the configured folder (or none if recording is off).
            source: where the user's audio comes from, for the log.

        Raises:
            ServerFull: no place is free. BadOptions: (inline engines) the model refuses the options. EngineDied,
                EngineRestarts: no engine runs.
            DiskFull: there is no room for the files. LogError, AudioError: they cannot be created. With a writer that
                works later, `settle_files` has these errors. Files in the configured folder must be required, else the
                session is opened without them and a notice follows.
        """
        try:
            session_id = self.client.open(options)
        except DuplexError as error:
            self._observer.on_refused(error.code)
            raise
        must_record = folder is not None or self.config.recording.required
        return self._begin(lambda: self._session(session_id, options, folder, source), session_id, must_record)

    def reopen(self, left: Resumable) -> Session:
        """Go on with a conversation of a process that is gone, under its id and with its files.

        Raises:
            UnknownSession: it was with another model, or the engine cannot go on with it. ServerFull, EngineDied,
                EngineRestarts: as for `open`.
        """
        header, info = left.header, self.client.info
        same = (header.fingerprint, header.llm) == (info.fingerprint, info.llm)
        if not (same and isinstance(self.client, ReopeningClient)) or header.session in self._sessions:
            raise unknown(header.session)
        self.client.reopen(header.session, header.options, left.heard())
        return self._begin(
            lambda: self._session(header.session, header.options, left.folder, header.source, left.rows),
            header.session,
            self.config.recording.required,
        )

    def session(self, session: str) -> Session:
        """Find a session that has not ended, by id.

        Raises:
            UnknownSession: there is no such session.
        """
        if session not in self._sessions:
            raise UnknownSession(f"session {session} is unknown or over; open a new one")
        return self._sessions[session]

    def settle_files(self, session: Session) -> None:
        """The files of a session are there, or cannot be created: then it goes on without them, unless it must not.

        Raises:
            DiskFull, LogError, AudioError: they are required and cannot be created. The caller closes the session.
        """
        error = session.files.created.result()
        if error is None or session.folder is None:
            return
        if session.must_record:
            self._observer.on_refused(getattr(error, "code", "internal"))
            raise error
        session.folder = None
        self._tell_unrecorded(session.id, user_line(error))

    def rejoin(self, session: str) -> None:
        """The client of a session is back, over a new connection.

        Raises:
            UnknownSession: there is no such session.
        """
        self.session(session).rejoin()
        self._observer.on_resumed(session)

    def pump(self) -> list[News]:
        """Send closed slots to the engine and take its events; returns the news for the clients."""
        news: list[News] = [ended for session in self.sessions if (ended := self._send(session))]
        for event in self.client.poll():
            told = self._receive(event)
            news += [told] if told else []
        self._note_engine()
        self.settle_ended()
        told_before, self._told = self._told, []
        return news + told_before + [told for session in self.sessions for told in self._notices(session)]

    def next_deadline(self) -> float | None:
        """The latest time at which a slot closes, seconds on the clock; None if no session has audio."""
        return min((due for session in self.sessions if (due := session.next_deadline()) is not None), default=None)

    def close(self, session: str, reason: str = "closed") -> None:
        """End a session and finish its files; unknown ids are ignored."""
        ended = self._sessions.pop(session, None)
        if ended:
            self.client.close_session(session)
            ended.close(reason)
            self._observer.on_closed(ended, reason)
            self._finishing.append(ended)
            self.settle_ended()

    def settle_ended(self) -> None:
        """Note which files of sessions that are over could not be finished."""
        finished = [session for session in self._finishing if session.files.finished.done()]
        self._finishing = [session for session in self._finishing if session not in finished]
        for session in finished:
            for notice in session.file_notices():
                self._observer.on_notice(session.id, notice)

    def close_all(self, reason: str = "shutdown") -> None:
        """End all sessions; the engine keeps running."""
        for session in self.sessions:
            self.close(session.id, reason)

    def _begin(self, make: Callable[[], Session], session_id: str, must_record: bool) -> Session:
        """A session that the engine has opened; if it cannot begin, its place is free again."""
        try:
            session = make()
            session.must_record = must_record
            if session.files.created.done():
                self.settle_files(session)
        except Exception:
            self.client.close_session(session_id)
            raise
        self._sessions[session_id] = session
        self._observer.on_opened(session_id)
        return session

    def _session(
        self,
        session: str,
        options: ConversationOptions,
        folder: Path | None,
        source: str,
        before: Sequence[SlotRow] | None = None,
    ) -> Session:
        recording = self.config.recording
        kept = recording.folder / session if recording.enabled else None
        return Session(
            session,
            options,
            self.client.info,
            self.config,
            self._clock,
            folder or kept,
            source,
            self._slot_end,
            self._writer,
            before,
        )

    def _tell_unrecorded(self, session: str, why: str) -> None:
        notice = Notice("not_recorded", UNRECORDED)
        self._told.append(Noticed(session, notice))
        self._observer.on_unrecorded(session, why)
        self._observer.on_notice(session, notice)

    def _note_engine(self) -> None:
        up = self.client.ready
        if up == self._engine_up:
            return
        self._engine_up = up
        self._observer.on_engine(up=up)
        for session in self.sessions if not up else ():
            session.tell(Notice("engine_restarts", RESTARTS))

    def _slot_end(self) -> float | None:
        """When a slot of any session ends: a new session's slots end with it, where they can then share the engine's
        steps."""
        if not self.client.info.shares_steps:
            return None
        return next((end for session in self.sessions if (end := session.slot_end) is not None), None)

    def _send(self, session: Session) -> Ended | None:
        try:
            for slot in session.collect():
                self.client.push_slot(session.id, slot)
        except (EngineError, UnknownSession) as error:
            return self._end(session.id, error.code, user_line(error))
        return None

    def _receive(self, event: EngineEvent) -> News | None:
        session = self._sessions.get(event.session)
        if session is None:
            return None
        match event:
            case SessionOpened():
                return Opened(event.session)
            case SessionFailed():
                return self._end(event.session, event.code, event.message)
            case SlotDone():
                slot, row = session.deliver(event)
                self._observer.on_delivered(event.session, row)
                return Delivered(event.session, slot, event.result, row)

    def _notices(self, session: Session) -> list[News]:
        notices = session.notices()
        for notice in notices:
            self._observer.on_notice(session.id, notice)
        return [Noticed(session.id, notice) for notice in notices]

    def _end(self, session: str, code: str, message: str) -> Ended:
        self.close(session, f"{code}: {message}")
        return Ended(session, code, message)
