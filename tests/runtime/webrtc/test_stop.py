"""A served process that is told to stop, while somebody talks to it."""

import os
import signal
from pathlib import Path

import pytest

from tests.runtime.webrtc.conftest import Served

pytestmark = pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGTERM")


async def test_a_conversation_may_end_before_the_server_does(served: Served, tmp_path: Path) -> None:
    assert (await served.http.get("/readyz")).status_code == 200
    await served.connect()
    served.process.send_signal(signal.SIGTERM)
    assert (await served.told("notice"))["code"] == "server_stops"
    assert (await served.http.get("/livez")).status_code == 200
    assert (await served.http.get("/readyz")).json()["error"]["code"] == "draining"
    served.client.say_goodbye()
    code, events = await served.end()
    assert (code, events) == (0, ["session_opened", "draining", "notice", "session_ended"])
    assert '"kind":"end"' in (tmp_path / served.client.session / "slots.jsonl").read_text().splitlines()[-1]


async def test_a_second_sigterm_ends_the_conversation(served: Served, tmp_path: Path) -> None:
    await served.connect()
    served.process.send_signal(signal.SIGTERM)
    await served.told("notice")
    served.process.send_signal(signal.SIGTERM)
    code, events = await served.end()
    assert (code, events[-1]) == (0, "session_ended")
    assert '"reason":"the server stops"' in (tmp_path / served.client.session / "slots.jsonl").read_text()


async def test_a_server_without_conversations_stops(served: Served) -> None:
    served.process.send_signal(signal.SIGTERM)
    assert await served.end() == (0, ["draining"])


async def test_ctrl_c_reaches_all_processes_and_one_acts_on_it(served: Served, tmp_path: Path) -> None:
    await served.connect()
    os.killpg(served.process.pid, signal.SIGINT)
    assert (await served.told("ended"))["code"] == "closed"
    code, events = await served.end()
    assert (code, events) == (0, ["session_opened", "session_ended"])
    assert '"reason":"the server stops"' in (tmp_path / served.client.session / "slots.jsonl").read_text()
