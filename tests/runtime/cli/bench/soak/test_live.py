"""`duplex bench soak` against a fake model: a few seconds in real time."""

import json
import sys
from dataclasses import asdict
from pathlib import Path

import pytest

from runtime.cli.bench.own_server import start_server
from runtime.cli.bench.soak.command import run_soak, show
from runtime.cli.bench.soak.soak import SoakConfig
from runtime.cli.bench.spoken import read_speech
from tests.runtime.fakes import load_fake

SPEECH = Path(__file__).parents[4] / "data" / "speech"

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the figures come from /proc")


def test_two_sessions_are_soaked(capsys: pytest.CaptureFixture[str]) -> None:
    audio = read_speech([SPEECH / "tell_me_a_story.flac"] * 2)
    config = SoakConfig(seconds=8.0, every_s=0.5, rehearse_s=2.0, settle_s=3.0)
    progress: list[float] = []
    with start_server("fake", 2, load_fake) as server:
        report = run_soak(server, config, audio, progress.append)
    measured = report.measured
    assert len(measured.samples) == len(progress) == 16
    assert measured.drifts_ppm == (200.0, -200.0)
    assert measured.ended == ()
    assert measured.after is not None
    assert not measured.after.exceeds(measured.before)
    last = measured.samples[-1]
    assert all(session.slots >= 8 * 5 * 0.9 for session in last.sessions)
    assert last.server.rss_mb > 10
    assert last.engine.rss_mb > 10
    assert last.web.rss_mb > 10
    assert len({server.server_pid, server.engine_pid, server.web_pid}) == 3
    lags = {verdict.measure: verdict.value for verdict in report.verdicts if verdict.judged == "growth"}
    assert len(lags) == 4
    assert None not in lags.values()
    assert json.loads(json.dumps(asdict(report)))["measured"]["samples"][0]["server"]["rss_mb"] > 10
    show(report)
    assert "asyncio tasks of the server" in capsys.readouterr().out
