"""The messages of the data channel, version 1: JSON objects with a `type`. docs/protocol.md explains each of them.

Server -> client: hello, slot, user, planned, spoken, cut, tool, latency, stats, notice, ended, pong.
Client -> server: ping, say, bye.
"""

from collections.abc import Iterable
from typing import Annotated, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from configs.audio import AUDIO
from runtime.measured_latency import MeasuredLatency
from runtime.records import EngineInfo

PROTOCOL_VERSION = 1
CHANNEL_LABEL = "duplex"


class Message(BaseModel):
    """Base of all messages; unknown fields are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Hello(Message):
    """The first message: the model. `delay_ms`: how much later than its slot the assistant's audio sounds.

    `patterns`: interaction patterns of the model; if there are any, it also takes written turns (`say`).
    `resumed`: the client has come back to its session; messages that it missed follow.
    """

    type: Literal["hello"] = "hello"
    version: int = PROTOCOL_VERSION
    session: str
    model: str
    slot_ms: int
    delay_ms: float
    policy: str
    patterns: tuple[str, ...] = ()
    resumed: bool = False


def greet(session: str, info: EngineInfo, policy: str) -> Hello:
    """The first message to the client of a session; `policy`: name of its policy."""
    return Hello(
        session=session,
        model=info.model,
        slot_ms=AUDIO.slot_ms,
        delay_ms=info.delay_ms,
        policy=policy,
        patterns=info.patterns,
    )


class SlotMessage(Message):
    """One slot, sent when its audio leaves. `t`: the user slot that was heard; `state` is that of slot `t + 1`.

    `user_db`, `assistant_db`: levels relative to full scale. `step_ms`: the model's time. `slack_ms`: time left to the
    deadline. `degraded`: problems of the slot. `thinking`: the assistant is to answer and waits for the
    language model.
    """

    type: Literal["slot"] = "slot"
    t: int
    p: float
    state: str
    event: str
    user_db: float
    assistant_db: float
    step_ms: float
    slack_ms: float
    degraded: tuple[str, ...]
    thinking: bool = False


class UserCaption(Message):
    """What the user said in turn `turn` so far; replaces the caption of the same turn. Times in seconds."""

    type: Literal["user"] = "user"
    turn: int
    text: str
    start_s: float
    end_s: float


class PlannedWords(Message):
    """Words that the assistant is about to say, in order; `first` is the index of the first one in its answer."""

    type: Literal["planned"] = "planned"
    answer: int
    first: int
    words: tuple[str, ...]


class WordSounding(Message):
    """A word of the assistant begins to sound; `index` is its index in its answer."""

    type: Literal["spoken"] = "spoken"
    answer: int
    index: int
    text: str


class Cut(Message):
    """The answer was broken off: its first `heard` words were heard, the others were not."""

    type: Literal["cut"] = "cut"
    answer: int
    heard: int


class ToolMessage(Message):
    """A call of a function begins, or has ended: then with the same `call`, which counts them from 0.

    `arguments`: a JSON object as text, as the language model wrote it. `result`: what it was told; None while the
    function runs. `failed`: the result is an error, {"error": "..."}.
    """

    type: Literal["tool"] = "tool"
    call: int
    name: str
    arguments: str
    result: str | None = None
    failed: bool = False


class LatencyMessage(Message):
    """A measured latency. response: the user's last sound -> the assistant's first. stop: the user's first -> last."""

    type: Literal["latency"] = "latency"
    kind: Literal["response", "stop"]
    ms: float

    @classmethod
    def of(cls, measured: MeasuredLatency) -> "LatencyMessage":
        """The message about a latency."""
        return cls(kind=measured.kind, ms=measured.ms)


class Stats(Message):
    """The network and the engine since the session's start; shares are 0..1.

    `rtt_ms`: round-trip time, None before the first report. `loss`: loss of the user's packets. `loss_out`: loss of the
    assistant's packets, as the client reports. `jitter_ms`, `concealed_ms`: of the user's audio. `late_share`: packets
    that left late. `missed`: slots that were answered too late, of `slots`.
    """

    type: Literal["stats"] = "stats"
    rtt_ms: float | None
    loss: float
    loss_out: float
    jitter_ms: float
    concealed_ms: float
    late_share: float
    missed: int
    slots: int


class NoticeMessage(Message):
    """Something that the user should be shown during the session. `code` names the kind.

    echo: the assistant hears itself. recording_stopped: the files end here. not_recorded: there are none.
    language_model: it cannot answer. engine_restarts: the assistant failed and is being started again. server_stops:
    the conversation ends soon.
    """

    type: Literal["notice"] = "notice"
    code: str
    message: str


class EndedMessage(Message):
    """The session has ended; `code` as in the errors of the API."""

    type: Literal["ended"] = "ended"
    code: str
    message: str


class Pong(Message):
    """Answer to a ping."""

    type: Literal["pong"] = "pong"
    id: int


class Ping(Message):
    """Answered by a pong with the same `id`."""

    type: Literal["ping"] = "ping"
    id: int


class Say(Message):
    """The user writes; models that take written turns answer it like a spoken turn."""

    type: Literal["say"] = "say"
    text: str = Field(min_length=1, max_length=4000)


class Bye(Message):
    """The client leaves; the session is closed and its files are finished."""

    type: Literal["bye"] = "bye"


ServerMessage = (
    Hello
    | SlotMessage
    | UserCaption
    | PlannedWords
    | WordSounding
    | Cut
    | ToolMessage
    | LatencyMessage
    | Stats
    | NoticeMessage
    | EndedMessage
    | Pong
)
ClientMessage = Annotated[Ping | Say | Bye, Field(discriminator="type")]

_CLIENT: TypeAdapter[Ping | Say | Bye] = TypeAdapter(ClientMessage)


def parse_client_message(text: str | bytes) -> Ping | Say | Bye | None:
    """Parse a message of the client; None if it is not a message of this version."""
    try:
        return _CLIENT.validate_json(text)
    except ValidationError:
        return None


_LASTING: Final = (UserCaption, PlannedWords, WordSounding, Cut, ToolMessage, NoticeMessage)


def list_lasting(messages: Iterable[ServerMessage]) -> list[ServerMessage]:
    """Those that a client still wants to know when it comes back: what was said and done, not how."""
    return [message for message in messages if isinstance(message, _LASTING)]
