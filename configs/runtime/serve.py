"""Settings of the network transport and the server: jitter buffer, Opus, pacing, liveness, limits of requests."""

import ipaddress
import secrets
from pathlib import Path
from typing import Literal

from pydantic import Field, model_validator

from configs.audio import AUDIO
from configs.base import Config, exact_div
from configs.runtime.ice import IceConfig

RTP_RATE = 48_000
"""Clock of Opus RTP timestamps in Hz, whatever the audio's own rate (RFC 7587, section 4.1)."""

_HOUR_S = 3600
LEAST_TOKEN = 16
"""Characters of a token where other machines can connect."""


class JitterConfig(Config):
    """How long a hole may delay the packets after it; shorter than the slots' grace (`SlotBufferConfig`).

    `hold_packets`: later packets that may wait for a missing one. `hold_ms`: how long the first of them waits.
    `conceal_ms`: longest concealed audio per hole; the rest stays a hole. `restart_ms`: a jump in timestamp or sequence
    number backwards by more than this, or forwards by more than this plus the time that has passed, is a new stream and
    not a loss.
    """

    hold_packets: int = Field(default=2, ge=1)
    hold_ms: float = Field(default=40.0, gt=0)
    conceal_ms: float = Field(default=80.0, ge=0)
    restart_ms: float = Field(default=2000.0, gt=0)


class OpusConfig(Config):
    """The assistant's voice on the wire. `expected_loss_percent` sets how much in-band redundancy is sent."""

    bit_rate: int = Field(default=32_000, ge=6_000, le=256_000)
    expected_loss_percent: int = Field(default=10, ge=0, le=100)


class PacingConfig(Config):
    """`late_ms`: a packet later than this is counted as late. `skip_ms`: a schedule further behind than this
    restarts."""

    late_ms: float = Field(default=20.0, gt=0)
    skip_ms: float = Field(default=1000.0, gt=0)


class LivenessConfig(Config):
    """When a connection counts as gone. `connect_s`: from the answer to the first packet. `silent_s`: without packets.

    `watch_s`: how often liveness is checked and network figures are sent.
    """

    connect_s: float = Field(default=20.0, gt=0)
    silent_s: float = Field(default=12.0, gt=0)
    watch_s: float = Field(default=1.0, gt=0)


class ResumeConfig(Config):
    """How long a conversation waits for its client to come back.

    `hold_s`: after the last packet of a connection that was lost. `reload_s`: after a page was closed or reloaded; such
    a conversation makes room at once where a new client finds no other place.
    `farewell_s`: how long a connection that ends stays open for its last messages to arrive.
    """

    hold_s: float = Field(default=30.0, gt=0)
    reload_s: float = Field(default=8.0, gt=0)
    farewell_s: float = Field(default=1.0, ge=0)


class LatencyConfig(Config):
    """How speech is detected for the latency figures (not for the model).

    `aggressiveness`: that of webrtcvad, 0..3. `onset_packets` voiced packets of `onset_window` begin speech,
    `hangover_packets` unvoiced ones end it. `drop_db`: packets this far below a turn's loudest one are not speech.
    `audible_db`: level of the assistant that counts as sound, relative to full scale.
    """

    aggressiveness: int = Field(default=2, ge=0, le=3)
    onset_packets: int = Field(default=4, ge=1)
    onset_window: int = Field(default=6, ge=1)
    hangover_packets: int = Field(default=10, ge=1)
    drop_db: float = Field(default=30.0, gt=0)
    audible_db: float = Field(default=-50.0, lt=0)

    @property
    def hangover_s(self) -> float:
        """Time from the last voiced packet until the end of speech is known, in seconds."""
        return self.hangover_packets * AUDIO.packet_seconds


class GuessesConfig(Config):
    """How often an address may give a wrong token: fewer than `most` times in `window_s`."""

    most: int = Field(default=10, ge=1)
    window_s: float = Field(default=60.0, gt=0)


class PageTokensConfig(Config):
    """How long the tokens hold that pages get for the server's. `hold_s`: one that is not renewed; pages renew theirs
    when they are loaded, and while a conversation lasts. `longest_s`: however often it is renewed.
    """

    hold_s: int = Field(default=12 * _HOUR_S, ge=60, le=8784 * _HOUR_S)
    longest_s: int = Field(default=7 * 24 * _HOUR_S, ge=60, le=8784 * _HOUR_S)


class ClientsConfig(Config):
    """`most_sessions`: sessions that one address (IPv6: one network of 64 bits) may have at once; None is no limit.

    Clients of this machine are not limited: there a proxy or a measurement has many. 16 is more than the people of an
    office behind one address who talk at the same time, and leaves others room on servers with more places.
    """

    most_sessions: int | None = Field(default=16, ge=1)


class ConnectionsConfig(Config):
    """What HTTP clients can hold. `most`: connections at once, `most_per_address` of them of one address; a further one
    takes the place of the one that has waited longest for its request. `request_s`: how long a request may take.
    """

    most: int = Field(default=256, ge=1)
    most_per_address: int = Field(default=64, ge=1)
    request_s: float = Field(default=10.0, gt=0.0)


class MessagesConfig(Config):
    """What a client may send on the data channel: `per_s` messages a second, `burst` at once; and `unfinished_bytes` of
    messages that are not complete. The session of a client that sends more ends."""

    per_s: float = Field(default=50.0, gt=0.0)
    burst: int = Field(default=200, ge=1)
    unfinished_bytes: int = Field(default=65_536, ge=16_384)


class WebConfig(Config):
    """The process of HTTP. `restarts`, `restart_window_s`: one that is lost more often than so many times in so long is
    given up, and the server stops when its conversations have ended."""

    restarts: int = Field(default=5, ge=0)
    restart_window_s: float = Field(default=300.0, gt=0.0)


class LogConfig(Config):
    """The log of the server on standard error. `format`: lines for people, or one JSON object a line.

    `most_per_min`: lines of one kind a minute; further ones are left out and counted, so that strangers cannot fill a
    disk. `quotes`: True adds messages that may quote what users said (those of language models).
    """

    format: Literal["text", "json"] = "text"
    most_per_min: int = Field(default=60, ge=1)
    quotes: bool = False


class TraceConfig(Config):
    """Traces of conversations for OpenTelemetry. `endpoint`: where they are sent to over HTTP (OTLP), for example
    `http://127.0.0.1:4318`; None takes the address of OTEL_EXPORTER_OTLP_ENDPOINT, and without that sends none.
    """

    endpoint: str | None = Field(default=None, pattern=r"^https?://[^/\s]+\S*$")


class ServeConfig(Config):
    """Where the server listens, who may use it, and its limits.

    `qr`: a terminal also shows the address for other machines as a QR code.
    `host`: any address that is not loopback needs `token` (visible ASCII) of at least `LEAST_TOKEN` characters.
    `allowed_hosts`: names of the server besides its address and those of the machine, for example at a proxy.
    `certfile`, `keyfile`: TLS, both or neither. `self_signed`: TLS with a certificate that the server creates and keeps
    in `cert_folder`.
    `max_body_bytes`: largest request. `max_message_bytes`: largest data channel message. `max_buffered_bytes`: how much
    may wait on a data channel that does not drain. `keep_closed`: how many ended sessions stay available for download.
    `keep_messages`: how many messages of the data channel wait for a client that is to come back. `drain_s`: how long
    running conversations may go on after SIGTERM.
    """

    host: str = "127.0.0.1"
    port: int = Field(default=8080, ge=0, le=65_535)
    token: str | None = Field(default=None, pattern=r"^[!-~]+$")
    allowed_hosts: tuple[str, ...] = ()
    certfile: Path | None = None
    keyfile: Path | None = None
    self_signed: bool = False
    cert_folder: Path = Path("~/.duplex/tls")
    max_body_bytes: int = Field(default=65_536, ge=1024)
    max_message_bytes: int = Field(default=16_384, ge=256)
    max_buffered_bytes: int = Field(default=262_144, ge=1024)
    keep_closed: int = Field(default=64, ge=1)
    keep_messages: int = Field(default=1000, ge=1)
    drain_s: float = Field(default=30.0, ge=0.0)
    ice: IceConfig = IceConfig()
    jitter: JitterConfig = JitterConfig()
    opus: OpusConfig = OpusConfig()
    pacing: PacingConfig = PacingConfig()
    liveness: LivenessConfig = LivenessConfig()
    resume: ResumeConfig = ResumeConfig()
    latency: LatencyConfig = LatencyConfig()
    guesses: GuessesConfig = GuessesConfig()
    page_tokens: PageTokensConfig = PageTokensConfig()
    clients: ClientsConfig = ClientsConfig()
    connections: ConnectionsConfig = ConnectionsConfig()
    messages: MessagesConfig = MessagesConfig()
    web: WebConfig = WebConfig()
    log: LogConfig = LogConfig()
    trace: TraceConfig = TraceConfig()
    qr: bool = True

    @property
    def loopback(self) -> bool:
        """Whether only this machine can reach the server."""
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return self.host == "localhost"

    @property
    def tls(self) -> bool:
        """Whether clients connect over TLS."""
        return self.self_signed or self.certfile is not None

    @model_validator(mode="after")
    def _safe(self) -> "ServeConfig":
        if not self.loopback and not self.token:
            raise ValueError(
                f"--host {self.host}: is not an address of this machine alone; give --token-file too, or leave it out"
            )
        if not self.loopback and self.token and len(self.token) < LEAST_TOKEN:
            raise ValueError(
                f"--token: has {len(self.token)} characters, which can be guessed; where other machines can connect, "
                f"take {LEAST_TOKEN} or more, for example {secrets.token_urlsafe(LEAST_TOKEN)}"
            )
        if (self.certfile is None) != (self.keyfile is None):
            raise ValueError("TLS needs both files; give --certfile and --keyfile")
        if self.self_signed and self.certfile:
            raise ValueError("--self-signed makes a certificate of its own; give it without --certfile and --keyfile")
        return self


def rtp_samples(ms: float) -> int:
    """Convert milliseconds to samples of the RTP clock."""
    return exact_div(round(ms * RTP_RATE), 1000)
