"""`duplex bench serve` against a fake model: short, in real time, with all required figures."""

from pathlib import Path

import numpy as np
import pytest

from runtime.cli.bench.command import QUESTIONS
from runtime.cli.bench.serve import bench, read_speech, start_server
from runtime.cli.main import run
from runtime.errors import EngineError
from tests.runtime.fakes import load_fake

SPEECH = Path(__file__).parents[3] / "data" / "speech"


def test_two_clients_are_measured() -> None:
    audio = read_speech([SPEECH / "tell_me_a_story.flac"] * 2)
    with start_server("fake", 2, load_fake) as url:
        report = bench(url, "fake", 2, 8.0, audio)
        with pytest.raises(EngineError, match="refused a client: the server is full"):
            bench(url, "fake", 3, 1.0, audio)
    assert report.clients == 2
    assert report.packets > 2 * 8 * 50 * 0.9
    assert report.slots >= 2 * 8 * 5 * 0.9
    assert report.answers >= 2
    assert report.response_p50_ms is not None
    assert 0.0 <= report.late_share <= 1.0


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
