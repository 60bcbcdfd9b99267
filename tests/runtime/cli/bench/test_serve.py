"""`duplex bench serve` against a fake model: short, in real time, with all required figures."""

from dataclasses import fields
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from configs.runtime.serve import MessagesConfig
from duplex.model.language_models.interface import LlmError
from runtime.cli.bench.abuse import Abuse, AbuseReport
from runtime.cli.bench.command import QUESTIONS
from runtime.cli.bench.own_server import start_server
from runtime.cli.bench.relay import Link
from runtime.cli.bench.serve import ServeReport, bench, show
from runtime.cli.bench.spoken import read_speech
from runtime.cli.bench.strangers import StrangersReport
from runtime.cli.main import run
from runtime.errors import EngineError
from tests.runtime.fakes import load_answered, load_fake

SPEECH = Path(__file__).parents[3] / "data" / "speech"


def test_two_clients_are_measured() -> None:
    audio = read_speech([SPEECH / "tell_me_a_story.flac"] * 2)
    with start_server("fake", 2, load_fake) as server:
        report = bench(server.url, 2, 8.0, audio)
        with pytest.raises(EngineError, match="refused a client: the server is full"):
            bench(server.url, 3, 1.0, audio)
    assert (report.model, report.clients, server.llm) == ("fake", 2, None)
    assert report.packets > 2 * 8 * 50 * 0.9
    assert report.slots >= 2 * 8 * 5 * 0.9
    assert report.answers >= 2
    assert report.response_p50_ms is not None
    assert 0.0 <= report.late_share <= 1.0


def test_the_loss_of_an_engine_is_measured() -> None:
    audio = read_speech([SPEECH / "tell_me_a_story.flac"])
    with start_server("fake", 1, load_fake) as server:
        loss = bench(server.url, 1, 12.0, audio, kill=server.engine_pid).engine_loss
    assert loss is not None
    assert 0.0 < loss.next_s <= loss.level_s
    assert loss.lost_slots == 0


def test_clients_that_ask_too_much_are_ended_or_refused_and_the_others_talk() -> None:
    audio = read_speech([SPEECH / "tell_me_a_story.flac"])
    asked = Abuse(pings=1000, message_mb=1.0, offers=20)
    with start_server("fake", 1 + asked.places, load_fake) as server:
        report = bench(server.url, 1, 8.0, audio, asked=asked)
    assert report.abuse is not None
    assert (report.abuse.accepted, report.abuse.refused) == (1, 19)
    assert report.abuse.pings_ended == report.abuse.message_ended == "too_many_messages"
    limits = MessagesConfig()
    assert limits.burst <= report.abuse.pongs < limits.burst + 10 * limits.per_s
    assert report.slots >= 8 * 5 * 0.9


def test_a_bad_network_loses_and_delays_and_the_figures_tell_it() -> None:
    audio = read_speech([SPEECH / "tell_me_a_story.flac"])
    with start_server("fake", 1, load_fake) as server:
        network = bench(server.url, 1, 8.0, audio, link=Link(loss=0.1, delay_ms=40.0, jitter_ms=30.0)).network
    assert network is not None
    for packets, lost, made_up in (
        (network.user_packets, network.user_lost, network.user_made_up),
        (network.assistant_packets, network.assistant_lost, network.assistant_made_up),
    ):
        assert packets > 350
        assert 0.04 < lost / packets < 0.16
        assert 0.6 * lost <= made_up < packets


def test_abuse_that_finds_no_place_is_one_line() -> None:
    audio = read_speech([SPEECH / "tell_me_a_story.flac"])
    with (
        start_server("fake", 1, load_fake) as server,
        pytest.raises(EngineError, match="refused a client: the server is full"),
    ):
        bench(server.url, 1, 2.0, audio, asked=Abuse(pings=1))


def test_the_language_model_of_a_server_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    with start_server("fake", 1, partial(load_answered, changes={"answers": "unknown", "temperature": 0.5})) as server:
        assert server.llm == {
            "source": "smollm2",
            "fingerprint": "llm-1",
            "answers": "unknown",
            "system_prompt": "default",
            "settings": {"temperature": 0.5},
        }
    figures = {field.name: 1 for field in fields(ServeReport)}
    others = {
        "strangers": StrangersReport(7, 8, 9.5),
        "abuse": AbuseReport(200, refused=199),
        "network": None,
        "engine_loss": None,
    }
    report = ServeReport(**figures | {"model": "fake", "llm": server.llm} | others)  # type: ignore[arg-type]
    show(report)
    told = capsys.readouterr().out
    assert "smollm2 (llm-1), answers unknown, temperature 0.5" in told
    assert "strangers_slowest_ms       9.5" in told
    assert "abuse_refused              199" in told


def test_a_server_without_its_language_model_is_not_measured() -> None:
    loader = partial(load_answered, changes={"missing": "there is no such folder; check the path"})
    with pytest.raises(LlmError, match="there is no such folder"), start_server("fake", 1, loader):
        pass


@pytest.mark.parametrize("option", [["--llm", "smollm2"], ["--set", "device=cpu"], ["--kill-engine"]])
def test_a_server_elsewhere_has_its_own_settings(option: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["bench", "serve", "--url", "http://127.0.0.1:9", *option]) == 2
    assert "--set, --llm and --kill-engine are for a server that is started here" in capsys.readouterr().err


def test_a_server_that_does_not_start_is_one_line() -> None:
    with pytest.raises(EngineError, match="run duplex serve to see why"), start_server("unknown", 1, load_fake):
        pass


def test_what_is_said_is_one_stretch_of_sound() -> None:
    one, two = (read_speech([SPEECH / "tell_me_a_story.flac"] * count) for count in (1, 2))
    assert one.dtype == np.int16
    assert len(two) == pytest.approx(2 * len(one) + 2 * 4.0 * 24_000, abs=4)
    assert len(read_speech([QUESTIONS])) == pytest.approx(20 * 24_000, rel=0.1)


def test_a_server_elsewhere_that_is_not_there_is_named(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    report = tmp_path / "report.json"
    assert run(["bench", "serve", "--url", "http://127.0.0.1:9", "--seconds", "2", "--json", str(report)]) == 1
    assert "does not answer" in capsys.readouterr().err
    assert not report.exists()
