"""One of a server's processes is killed, while somebody talks to it."""

import os
import signal

import pytest

from tests.runtime.webrtc.conftest import Served
from tests.runtime.webrtc.test_conversation import of_type
from tests.runtime.webrtc.test_resume import newest_slot, slot_from

pytestmark = pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGKILL")


async def test_conversations_outlive_the_web_server_and_others_can_begin(served: Served) -> None:
    await served.connect()
    await served.client.wait_for(slot_from(3), 20)
    os.kill(served.web, signal.SIGKILL)
    assert (await served.http.get("/readyz", timeout=30)).json() == {"status": "ready"}
    assert (await served.http.get("/api/status")).json()["sessions"] == 1
    restarts = (await served.http.get("/metrics")).text
    await served.client.wait_for(slot_from(newest_slot(served.client) + 5), 20)
    slots = [message["t"] for message in of_type(served.client, "slot")]
    served.client.say_goodbye()
    await served.told("ended")
    log = await served.http.get(f"/api/sessions/{served.client.session}/slots.jsonl")
    served.process.send_signal(signal.SIGTERM)
    code, lines = await served.end()
    assert slots == list(range(len(slots)))
    assert "duplex_web_restarts_total 1.0" in restarts
    assert '"kind":"end"' in log.text.splitlines()[-1]
    assert (code, lines) == (
        0,
        [
            "session_opened",
            "the web server was lost (exit code -9); another one takes its place, conversations go on",
            "the web server runs again",
            "session_ended",
            "draining",
        ],
    )


async def test_without_media_the_other_processes_end_by_themselves(served: Served) -> None:
    await served.connect()
    served.process.kill()
    code, lines = await served.end()
    assert (code, lines) == (-9, ["session_opened"])
