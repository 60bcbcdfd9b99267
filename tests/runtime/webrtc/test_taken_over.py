"""A server was killed; the one that takes its place goes on with its conversations."""

import json
import shutil
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from configs.runtime.runtime import EngineConfig
from runtime.clock import SystemClock
from runtime.engine.process import start_engine_thread
from runtime.engine.supervised import SupervisedEngine
from runtime.session.log_records import RESTARTED
from runtime.session.recording import USER_FILE, read_recording
from runtime.session.resumable import RESUME_FILE
from runtime.session.slot_log import LOG_FILE, read_log
from runtime.webrtc.client import VoiceClient
from tests.runtime.fakes import load_fake
from tests.runtime.webrtc.conftest import MakeServer
from tests.runtime.webrtc.test_conversation import download, is_event, speaker
from tests.runtime.webrtc.test_resume import come_back, slot_from

SLOT = 3200


@pytest.fixture
def engines() -> Iterator[list[SupervisedEngine]]:
    config = EngineConfig(max_sessions=2, gather_ms=0, spare=False)
    start = partial(start_engine_thread, "fake", config, load_fake)
    made = [SupervisedEngine(start, config, SystemClock()) for _ in range(2)]
    yield made
    for engine in made:
        engine.close()


async def test_a_conversation_goes_on_with_its_history_and_files(
    make_server: MakeServer, engines: list[SupervisedEngine], tmp_path: Path
) -> None:
    left = tmp_path / "left by a killed server"
    async with make_server(engine=engines[0]) as server:
        first = VoiceClient(speaker([(0.2, 1.0)]), SystemClock())
        await first.connect(server.post)
        await first.wait_for(is_event("end"), 12)
        shutil.copytree(tmp_path / "recordings", left)
        await first.close()
    before = read_log(left / first.session / LOG_FILE)
    async with make_server(engine=engines[1], recording={"folder": left}) as server:
        second = await come_back(server, first, [(0.2, 1.0)])
        hello = await second.wait_for(lambda message: message["type"] == "hello", 8)
        planned = await second.wait_for(lambda message: message["type"] == "planned", 12)
        await second.wait_for(is_event("end"), 12)
        second.say_goodbye()
        await second.wait_for(lambda message: message["type"] == "ended", 3)
        transcript = json.loads(await download(server, second.session, "transcript.json"))
        again = VoiceClient(speaker([]), SystemClock())
        body = {"sdp": await again.offer(), "session": first.session, "secret": first.secret}
        refused = await server.http.post("/api/offer", json=body)
        await again.close()
        await second.close()
    log = read_log(left / first.session / LOG_FILE)
    assert (second.session, hello.message["resumed"]) == (first.session, True)
    assert planned.message["answer"] == 1, "answers are counted on"
    assert log.rows[: len(before.rows)] == before.rows
    assert [row.slot for row in log.rows] == list(range(len(log.rows)))
    assert [row.slot for row in log.rows if RESTARTED in row.degraded] == [len(before.rows)]
    assert log.end is not None
    assert len(read_recording(left / first.session / USER_FILE)) == len(log.rows) * SLOT
    assert [answer["how"] for answer in transcript["assistant"]["answers"]].count("end") == 2
    assert not (left / first.session / RESUME_FILE).exists()
    assert refused.json()["error"]["code"] == "unknown_session", "it has ended"


async def test_nobody_else_takes_the_conversation_over(
    make_server: MakeServer, engines: list[SupervisedEngine], tmp_path: Path
) -> None:
    left = tmp_path / "left by a killed server"
    async with make_server(engine=engines[0]) as server:
        client = VoiceClient(speaker([]), SystemClock())
        await client.connect(server.post)
        await client.wait_for(slot_from(1), 8)
        shutil.copytree(tmp_path / "recordings", left)
        await client.close()
    stranger = VoiceClient(speaker([]), SystemClock())
    body = {"sdp": await stranger.offer(), "session": client.session}
    async with make_server(engine=engines[1], recording={"folder": left}) as server:
        wrong = await server.http.post("/api/offer", json={**body, "secret": "wrong"})
    async with make_server(engine=engines[1], recording={"folder": left}, record=False) as server:
        nothing = await server.http.post("/api/offer", json={**body, "secret": client.secret})
    async with make_server(recording={"folder": left}) as server:
        inline = await server.http.post("/api/offer", json={**body, "secret": client.secret})
    await stranger.close()
    codes = [response.json()["error"]["code"] for response in (wrong, nothing, inline)]
    assert codes == ["unknown_session"] * 3
