"""Whole conversations over real WebRTC on loopback, with a fake model: seconds of real time, no waiting beyond them."""

import errno
import io
import json
import os
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from runtime.clock import SystemClock
from runtime.errors import EngineOverloaded
from runtime.pcm import Pcm16
from runtime.webrtc.client import VoiceClient
from tests.runtime.fakes import FailingGenerator
from tests.runtime.webrtc.conftest import MakeServer, Server
from tests.runtime.webrtc.test_latency import voice


def speaker(spans: Sequence[tuple[float, float]]) -> Callable[[float], Pcm16]:
    """A microphone: speech in the spans (seconds since the first packet), a little noise between them."""
    rng = np.random.default_rng(0)
    speech = voice(1000)
    count = 0

    def source(now: float) -> Pcm16:
        nonlocal count
        at, count = count * 0.02, count + 1
        if any(begin <= at < end for begin, end in spans):
            return speech[480 * count : 480 * (count + 1)]
        return (3 * rng.standard_normal(480)).astype(np.int16)

    return source


def of_type(client: VoiceClient, kind: str) -> list[dict[str, object]]:
    return [received.message for received in client.messages if received.message["type"] == kind]


def is_event(event: str, count: int = 1) -> Callable[[dict[str, object]], bool]:
    """The `count`-th slot message with this event."""
    seen = 0

    def is_wanted(message: dict[str, object]) -> bool:
        nonlocal seen
        seen += message["type"] == "slot" and message["event"] == event
        return seen == count

    return is_wanted


async def download(server: Server, session: str, name: str) -> bytes:
    response = await server.http.get(f"/api/sessions/{session}/{name}")
    assert response.status_code == 200
    return response.content


async def test_ask_interrupt_and_get_a_second_answer(make_server: MakeServer) -> None:
    async with make_server() as server:
        client = VoiceClient(speaker([(0.4, 1.0), (1.9, 2.4)]), SystemClock())
        await client.connect(server.post, {"policy": "responsive", "seed": 5})
        await client.wait_for(is_event("start", 2), 8)
        await client.wait_for(lambda message: message["type"] == "stats" and message["rtt_ms"] is not None, 8)
        client.ping(7)
        client.send_text("{not json")
        await client.wait_for(lambda message: message == {"type": "pong", "id": 7}, 2)
        await server.http.post(f"/api/sessions/{client.session}/close")
        await client.wait_for(lambda message: message["type"] == "ended", 2)
        await client.close()
        metrics = (await server.http.get("/metrics")).text
        files = [await download(server, client.session, name) for name in ("recording.wav", "transcript.json")]
        peer_log = (await download(server, client.session, "slots.jsonl")).splitlines()

    hello = client.messages[0].message
    assert (hello["type"], hello["version"], hello["policy"]) == ("hello", 1, "responsive")
    slots = of_type(client, "slot")
    assert [slot["t"] for slot in slots] == list(range(len(slots)))
    assert [slot["event"] for slot in slots if slot["event"]][:3] == ["start", "cut", "start"]
    assert {latency["kind"] for latency in of_type(client, "latency")} == {"response", "stop"}
    counts = dict(line.rsplit(" ", 1) for line in metrics.splitlines() if not line.startswith("#"))
    assert float(counts["duplex_audio_ttfp_s_count"]) >= 1
    assert float(counts["duplex_stop_latency_seconds_count"]) == 1
    assert float(counts["duplex_round_trip_seconds_count"]) >= 1
    assert float(counts["duplex_packets_total"]) > 100
    (cut,) = of_type(client, "cut")
    spoken = [word for word in of_type(client, "spoken") if word["answer"] == 0]
    assert 0 < int(str(cut["heard"])) <= len(spoken) < 8
    check_recording(files[0], slots)
    assert json.loads(files[1])["assistant"]["words"][len(spoken)]["heard"] is False
    assert len(peer_log) >= len(slots) + 2


def check_recording(wav: bytes, slots: Sequence[dict[str, object]]) -> None:
    """The assistant's channel sounds where the slots say that it speaks, and is silent between cut and next start."""
    audio, rate = soundfile.read(io.BytesIO(wav))
    assert (rate, audio.shape[1]) == (24_000, 2)
    whole = len(audio) // 4800
    loud = np.abs(audio[: whole * 4800, 1]).reshape(whole, 4800).max(axis=1) > 0.1
    start, cut, again = (slot["t"] for slot in slots if slot["event"] in ("start", "cut"))
    assert isinstance(start, int)
    assert isinstance(cut, int)
    assert isinstance(again, int)
    assert loud[start + 1 : cut].all()
    assert not loud[cut + 2 : again + 1].any()
    assert loud[again + 1]


async def test_the_users_audio_arrives_whole_and_in_place(make_server: MakeServer) -> None:
    async with make_server() as server:
        client = VoiceClient(speaker([(0.2, 1.4)]), SystemClock())
        await client.connect(server.post)
        await client.wait_for(lambda message: message["type"] == "slot" and message["t"] == 9, 8)
        session = server.hub.session(client.session)
        statistics = session.statistics
        client.say_goodbye()
        await client.wait_for(lambda message: message["type"] == "ended", 2)
        await client.close()
        assert server.hub.client.free == 2
    assert statistics.slots.concealed == 0
    assert statistics.slots.late == 0
    loud = [slot["user_db"] > -40 for slot in of_type(client, "slot")[:10]]  # type: ignore[operator]
    assert loud[0] is False
    assert loud[2:6] == [True] * 4
    assert loud[-1] is False


def with_names_for_addresses(sdp: str) -> str:
    """As browsers do it that hide addresses; nobody answers for the names."""
    return re.sub(r"(a=candidate:\S+ \d udp \d+) \S+ ", r"\1 4f2a6b0e-9f3c-4a4c-8d3e-0123456789ab.local ", sdp)


def without_direction(sdp: str) -> str:
    return sdp.replace("a=sendrecv\r\n", "")


def with_the_direction_of_the_session(sdp: str) -> str:
    return without_direction(sdp).replace("t=0 0\r\n", "t=0 0\r\na=sendrecv\r\n")


@pytest.mark.parametrize("change", [with_names_for_addresses, without_direction, with_the_direction_of_the_session])
async def test_offers_of_other_clients_connect(make_server: MakeServer, change: Callable[[str], str]) -> None:
    async with make_server() as server:
        client = VoiceClient(speaker([]), SystemClock())

        async def post(body: dict[str, Any]) -> dict[str, Any]:
            changed = change(body["sdp"])
            assert changed != body["sdp"]
            return await server.post(body | {"sdp": changed})

        await client.connect(post)
        await client.wait_for(lambda message: message["type"] == "slot" and message["t"] == 2, 8)
        await client.close()
    assert len(client.heard) > 10


async def test_two_clients_talk_at_once_and_do_not_hear_each_other(make_server: MakeServer) -> None:
    async with make_server(rows=2) as server:
        talker = VoiceClient(speaker([(0.4, 0.9)]), SystemClock())
        silent = VoiceClient(speaker([]), SystemClock())
        await talker.connect(server.post, {"policy": "responsive"})
        await silent.connect(server.post, {"policy": "responsive"})
        await talker.wait_for(is_event("start"), 8)
        await silent.wait_for(lambda message: message["type"] == "slot" and message["t"] == 8, 8)
        await talker.close()
        await silent.close()
    assert of_type(silent, "user") == []
    assert all(slot["state"] == "MUTE" for slot in of_type(silent, "slot"))


async def test_a_client_that_vanishes_is_ended_and_its_recording_is_kept(make_server: MakeServer) -> None:
    liveness, resume = {"silent_s": 0.3, "watch_s": 0.1}, {"hold_s": 0.6}
    async with make_server(rows=2, liveness=liveness, resume=resume) as server:
        client, other = (VoiceClient(speaker([]), SystemClock()) for _ in range(2))
        await client.connect(server.post)
        await other.connect(server.post)
        last = await client.wait_for(lambda message: message["type"] == "slot" and message["t"] == 2, 8)
        client._connection.getSenders()[0].replaceTrack(None)
        until = last.message["t"] + 8
        await other.wait_for(lambda message: message["type"] == "slot" and message["t"] == until, 8)
        assert server.hub.client.free == 1
        log = await download(server, client.session, "slots.jsonl")
        await client.close()
        await other.close()
    assert b'"reason":"the client went silent"' in log


async def test_a_failure_of_the_model_ends_the_conversation_and_not_the_server(
    make_server: MakeServer, caplog: pytest.LogCaptureFixture
) -> None:
    async with make_server(rows=1, generator=FailingGenerator(1)) as server:
        client = VoiceClient(speaker([]), SystemClock())
        await client.connect(server.post)
        ended = await client.wait_for(lambda message: message["type"] == "ended", 8)
        await client.close()
        status = (await server.http.get("/api/status")).json()
        log = await download(server, client.session, "slots.jsonl")
    assert "the fake model broke" in ended.message["message"]
    assert len(of_type(client, "ended")) == 1
    assert (status["free"], status["sessions"]) == (1, 0)
    assert log.count(b'"kind":"slot"') == 2
    assert "all conversations end" in caplog.text


async def test_an_end_that_the_engine_wants_is_said_once(
    make_server: MakeServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    def overload(*_: object) -> None:
        raise EngineOverloaded("the engine is 3 s behind")

    async with make_server(rows=1) as server:
        client = VoiceClient(speaker([]), SystemClock())
        await client.connect(server.post)
        await client.wait_for(lambda message: message["type"] == "slot", 8)
        monkeypatch.setattr(server.hub.client, "push_slot", overload)
        ended = await client.wait_for(lambda message: message["type"] == "ended", 8)
        await server.gateway.close_all()
        await client.close()
    assert ended.message["code"] == "engine_overloaded"
    assert len(of_type(client, "ended")) == 1


def send_many(client: VoiceClient) -> None:
    for number in range(100):
        client.ping(number)


def send_much(client: VoiceClient) -> None:
    """A message that no server has said to accept."""
    assert client._connection.sctp is not None
    client._connection.sctp._remote_max_message_size = 0
    client.send_text("x" * 1_000_000)


@pytest.mark.parametrize("flood", [send_many, send_much])
async def test_a_client_that_floods_the_server_is_ended(
    make_server: MakeServer, flood: Callable[[VoiceClient], None]
) -> None:
    async with make_server(rows=1, messages={"burst": 20}) as server:
        client = VoiceClient(speaker([]), SystemClock())
        await client.connect(server.post)
        await client.wait_for(lambda message: message["type"] == "slot", 8)
        flood(client)
        ended = await client.wait_for(lambda message: message["type"] == "ended", 8)
        assert server.hub.client.free == 1
        await client.close()
    assert ended.message["code"] == "too_many_messages"


async def test_a_full_disk_is_told_and_the_talk_goes_on(
    make_server: MakeServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with make_server() as server:
        client = VoiceClient(speaker([]), SystemClock())
        await client.connect(server.post)
        await client.wait_for(lambda message: message["type"] == "slot", 8)
        monkeypatch.setattr("runtime.session.recording.WavWriter.write", full_disk)
        notice = await client.wait_for(lambda message: message["type"] == "notice", 8)
        told = len(of_type(client, "slot"))
        await client.wait_for(lambda message: message["type"] == "slot" and message["t"] > told + 2, 8)
        await client.close()
    assert notice.message["code"] == "recording_stopped"
    assert "the disk is full" in notice.message["message"]


def full_disk(*_: object) -> None:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
