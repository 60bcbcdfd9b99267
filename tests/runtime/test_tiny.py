"""The runtime around a real (tiny, random) model: two sessions at once, each replayed alone."""

from contextlib import closing
from pathlib import Path

import pytest

from runtime.engine.worker import load
from runtime.replay import compare, load_logged, replay
from tests.runtime.two_sessions import two_sessions
from tests.runtime.user_audio import INTERRUPTION

SLOT = 3200


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Two conversations of 20 slots that shared every step; the second one hears another part of the audio."""
    return two_sessions("tiny", INTERRUPTION, 20, tmp_path_factory.mktemp("talks"))


@pytest.mark.parametrize("which", [0, 1])
def test_a_session_that_shared_its_steps_replays_equal_alone(folders: tuple[Path, Path], which: int) -> None:
    logged = load_logged(folders[which] / "slots.jsonl")
    with closing(load("tiny", 1)) as generator:
        report = compare(logged.rows, replay(logged, generator).rows)
    assert (report.slots, report.difference) == (20, None)
