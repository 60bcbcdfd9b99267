"""`duplex bench serve`: measures how punctual a server is while several clients talk to it.

The server runs in processes of its own, as for users; the clients here only send, receive and count.
"""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from itertools import zip_longest
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer

from configs.audio import AUDIO
from configs.base import ConfigError
from duplex.eval.reports.cells import describe_language_model
from runtime.cli.bench.abuse import Abuse, AbuseReport, abuse
from runtime.cli.bench.command import MOST_SESSIONS, QUESTIONS
from runtime.cli.bench.conversations import begin, leave
from runtime.cli.bench.engine_loss import EngineLossReport, judge_loss, kill_after
from runtime.cli.bench.measure_step import percentile
from runtime.cli.bench.own_server import start_server
from runtime.cli.bench.relay import STALL_EVERY_S, Link, Relay
from runtime.cli.bench.spoken import read_speech, repeat
from runtime.cli.bench.strangers import StrangersReport, strangers
from runtime.cli.common import JsonFile, PatternOptions, out, progress, write_json
from runtime.cli.option_groups import with_option_groups
from runtime.cli.paths import file
from runtime.cli.values import number
from runtime.clock import SystemClock
from runtime.engine.worker import loader_with
from runtime.errors import EngineError
from runtime.pcm import Pcm16
from runtime.webrtc.client import VoiceClient

LONGEST_S, MOST_STRANGERS = 86_400.0, 100_000
MOST_MB, MOST_MS = 1000.0, 10_000.0
ABUSE, NETWORK = "While they talk", "Over a bad network"
_NO_ABUSE, _PERFECT = Abuse(), Link()


@dataclass(frozen=True)
class NetworkReport:
    """What a bad network did, in packets of 20 ms, of all clients and each direction.

    `made_up`: recovered or concealed; of the user's packets up to the last time the server told it, once a second.
    """

    user_packets: int
    user_lost: int
    user_made_up: int
    assistant_packets: int
    assistant_lost: int
    assistant_made_up: int


@dataclass(frozen=True)
class ServeReport:
    """What the clients saw. Shares are 0..1, times are milliseconds, None if nothing was measured.

    `late_share`: packets that left more than `PacingConfig.late_ms` after their due time. `missed_share`: slots that
    were answered after their deadline. `gap_p99_ms`, `gap_max_ms`: time between packets at the clients. `strangers`,
    `engine_loss`: None where nobody came, and where the engine was not killed. `llm`: the language model of a server
    that was started here, as reports of evaluations name it; None without one.
    """

    model: str
    clients: int
    seconds: float
    packets: int
    late_share: float
    slots: int
    missed: int
    missed_share: float
    answers: int
    cuts: int
    step_p50_ms: float
    step_p99_ms: float
    response_p50_ms: float | None
    response_p95_ms: float | None
    stop_p50_ms: float | None
    stop_p95_ms: float | None
    gap_p99_ms: float
    gap_max_ms: float
    strangers: StrangersReport | None = None
    engine_loss: EngineLossReport | None = None
    abuse: AbuseReport | None = None
    network: NetworkReport | None = None
    llm: dict[str, Any] | None = None


def bench(
    url: str,
    clients: int,
    seconds: float,
    audio: Pcm16,
    pattern: str | None = None,
    asked: Abuse = _NO_ABUSE,
    link: Link = _PERFECT,
    kill: int | None = None,
) -> ServeReport:
    """Let `clients` talk to the server at `url` for `seconds`; each starts at a different place in `audio`.

    Args:
        url, clients, seconds: see above.
        audio: [n] user audio at 24 kHz, repeated.
        pattern: interaction pattern of the conversations, for models that have several.
        asked: what other clients do once all talk; they need a place more.
        link: the network between the clients and the server.
        kill: number of a process that is killed after half the time: the engine's.
    """
    return asyncio.run(_bench(url, clients, seconds, audio, pattern, asked, link, kill))


@with_option_groups
def command(
    chosen: PatternOptions,
    clients: Annotated[int, number(1, MOST_SESSIONS, "Conversations at once.", whole=True)] = 2,
    seconds: Annotated[float, number(2, LONGEST_S, "Length of the measurement.", unit="s")] = 180.0,
    url: Annotated[str | None, typer.Option(help="Measure this server instead of starting one.")] = None,
    say: Annotated[list[Path] | None, file(help="What the clients say; default: three questions.")] = None,
    strange: Annotated[
        int,
        number(
            0,
            MOST_STRANGERS,
            "Strangers who hold a half-open connection each.",
            "--strangers",
            whole=True,
            rich_help_panel=ABUSE,
        ),
    ] = 0,
    pings: Annotated[
        int, number(0, MOST_STRANGERS, "One more client sends so many messages.", whole=True, rich_help_panel=ABUSE)
    ] = 0,
    message_mb: Annotated[
        float, number(0, MOST_MB, "One more client sends a message of this size.", unit="MB", rich_help_panel=ABUSE)
    ] = 0.0,
    offers: Annotated[
        int, number(0, MOST_STRANGERS, "Offers at once, without media behind.", whole=True, rich_help_panel=ABUSE)
    ] = 0,
    loss: Annotated[float, number(0, 1, "Share of packets that the network loses.", rich_help_panel=NETWORK)] = 0.0,
    delay_ms: Annotated[
        float, number(0, MOST_MS, "How long it takes for a packet.", unit="ms", rich_help_panel=NETWORK)
    ] = 0.0,
    jitter_ms: Annotated[
        float, number(0, MOST_MS, "By how much that varies, up and down.", unit="ms", rich_help_panel=NETWORK)
    ] = 0.0,
    stall_s: Annotated[
        float,
        number(
            0, STALL_EVERY_S / 2, "Every 20 s it holds all packets back for so long.", unit="s", rich_help_panel=NETWORK
        ),
    ] = 0.0,
    kill_engine: Annotated[
        bool,
        typer.Option(
            "--kill-engine",
            help="Kill the engine after half the time, as a lack of memory does.",
            rich_help_panel=ABUSE,
        ),
    ] = False,
    json_file: JsonFile = None,
) -> None:
    """Measure packets and latencies of a served model with several clients."""
    if url and (chosen.changes or kill_engine):
        raise ConfigError(
            "--set, --llm and --kill-engine are for a server that is started here, not for --url; leave them out"
        )
    audio = read_speech(say or [QUESTIONS])
    asked, link = Abuse(pings, message_mb, offers), Link(loss, delay_ms, jitter_ms, stall_s)

    def talk(at: str, kill: int | None = None) -> ServeReport:
        with strangers(at, strange) as seen:
            report = bench(at, clients, seconds, audio, chosen.pattern, asked, link, kill)
        return replace(report, strangers=seen[0]) if seen else report

    with progress() as bar:
        bar.add_task(f"{clients} clients, {seconds:.0f} s", total=None)
        if url:
            report = talk(url)
        else:
            with start_server(chosen.model, clients + asked.places, loader_with(chosen.resolve_changes())) as own:
                report = replace(talk(own.url, own.engine_pid if kill_engine else None), llm=own.llm)
    show(report)
    if json_file:
        write_json(json_file, asdict(report))


def show(report: ServeReport) -> None:
    """Print a report."""
    figures = asdict(report)
    llm = figures.pop("llm")
    for group in ("strangers", "engine_loss", "abuse", "network"):
        figures |= {f"{group}_{name}": value for name, value in (figures.pop(group) or {}).items()}
    for name, value in figures.items():
        out().print(f"{name:<26} {value}")
    if llm is not None:
        out().print(f"{'llm':<26} {describe_language_model(llm)}")


async def _bench(
    url: str,
    clients: int,
    seconds: float,
    audio: Pcm16,
    pattern: str | None,
    asked: Abuse,
    link: Link,
    kill: int | None,
) -> ServeReport:
    clock = SystemClock()
    killing = None if kill is None else asyncio.create_task(kill_after(kill, seconds / 2, clock))
    talkers = [VoiceClient(repeat(audio, place / clients), clock) for place in range(clients)]
    relays = [] if link.perfect else [Relay(link, place) for place in range(clients)]
    try:
        ways = zip_longest(talkers, relays)
        await asyncio.gather(*(begin(client, url, pattern, relay) for client, relay in ways))
        with abuse(url, asked) as seen:
            await asyncio.gather(*(_converse(client, seconds) for client in talkers))
    finally:
        for client in talkers:
            await client.close()
        for relay in relays:
            relay.close()
    return replace(
        _report(seconds, talkers),
        engine_loss=None if killing is None else judge_loss([one.messages for one in talkers], await killing),
        abuse=seen[0] if seen else None,
        network=_network(relays, talkers) if relays else None,
    )


async def _converse(client: VoiceClient, seconds: float) -> None:
    with suppress(TimeoutError):
        ended = await client.wait_for(lambda message: message["type"] == "ended", seconds)
        raise EngineError(f"a conversation ended early: {ended.message['message']}")
    await leave(client)


def _every(kind: str, client: VoiceClient) -> list[dict[str, Any]]:
    return [received.message for received in client.messages if received.message["type"] == kind]


def _last_stats(clients: Sequence[VoiceClient]) -> list[dict[str, Any]]:
    return [stats[-1] for client in clients if (stats := _every("stats", client))]


def _network(relays: Sequence[Relay], clients: Sequence[VoiceClient]) -> NetworkReport:
    return NetworkReport(
        user_packets=sum(relay.user.packets for relay in relays),
        user_lost=sum(relay.user.lost for relay in relays),
        user_made_up=round(sum(one["concealed_ms"] for one in _last_stats(clients)) / AUDIO.packet_ms),
        assistant_packets=sum(relay.assistant.packets for relay in relays),
        assistant_lost=sum(relay.assistant.lost for relay in relays),
        assistant_made_up=sum(client.made_up for client in clients),
    )


def _report(seconds: float, clients: Sequence[VoiceClient]) -> ServeReport:
    slots = [slot for client in clients for slot in _every("slot", client)]
    last = _last_stats(clients)
    latencies = [latency for client in clients for latency in _every("latency", client)]
    response = [one["ms"] for one in latencies if one["kind"] == "response"]
    stop = [one["ms"] for one in latencies if one["kind"] == "stop"]
    packets = sum(len(client.arrivals) for client in clients)
    gaps = np.concatenate([np.diff(client.arrivals) for client in clients]) * 1000
    steps = [slot["step_ms"] for slot in slots]
    missed, answered = sum(one["missed"] for one in last), sum(one["slots"] for one in last)
    return ServeReport(
        model=_every("hello", clients[0])[0]["model"],
        clients=len(clients),
        seconds=seconds,
        packets=packets,
        late_share=round(float(np.mean([one["late_share"] for one in last])), 6),
        slots=answered,
        missed=missed,
        missed_share=round(missed / max(1, answered), 6),
        answers=sum(slot["event"] == "start" for slot in slots),
        cuts=sum(slot["event"] == "cut" for slot in slots),
        step_p50_ms=percentile(steps, 50),
        step_p99_ms=percentile(steps, 99),
        response_p50_ms=percentile(response, 50) if response else None,
        response_p95_ms=percentile(response, 95) if response else None,
        stop_p50_ms=percentile(stop, 50) if stop else None,
        stop_p95_ms=percentile(stop, 95) if stop else None,
        gap_p99_ms=round(float(np.percentile(gaps, 99)), 2),
        gap_max_ms=round(float(gaps.max()), 2),
    )
