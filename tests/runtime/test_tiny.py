"""The runtime around a real (tiny, random) model: two sessions at once, each replayed alone."""

from contextlib import closing
from pathlib import Path

import pytest

from configs.policy import policy
from configs.runtime import RuntimeConfig
from duplex.interface import ConversationOptions
from runtime.clock import ManualClock
from runtime.engine import Engine, InlineEngine
from runtime.engine_worker import load
from runtime.hub import SessionHub
from runtime.pcm import to_int16
from runtime.replay import compare, load_logged, replay
from runtime.session import Session
from tests.runtime.user_audio import INTERRUPTION

SLOT = 3200


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Two conversations of 20 slots that shared every step; the second one hears another part of the audio."""
    clock = ManualClock()
    config = RuntimeConfig.model_validate({"recording": {"folder": tmp_path_factory.mktemp("talks")}})
    with closing(InlineEngine(Engine(load("tiny", 2), clock, config.engine), "tiny")) as client:
        hub = SessionHub(client, config, clock)
        options = [ConversationOptions(seed=seed, policy=policy("responsive")) for seed in (1, 2)]
        sessions: list[Session] = [hub.open(each) for each in options]
        for slot in range(20):
            clock.advance(0.2)
            for session, begin in zip(sessions, (slot, slot + 5), strict=True):
                session.push_audio(slot * SLOT, to_int16(INTERRUPTION[begin * SLOT : (begin + 1) * SLOT]))
            hub.pump()
        first, second = (session.folder for session in sessions)
        hub.close_all()
    assert first is not None
    assert second is not None
    return first, second


@pytest.mark.parametrize("which", [0, 1])
def test_a_session_that_shared_its_steps_replays_equal_alone(folders: tuple[Path, Path], which: int) -> None:
    logged = load_logged(folders[which] / "slots.jsonl")
    with closing(load("tiny", 1)) as generator:
        report = compare(logged.rows, replay(logged, generator).rows)
    assert (report.slots, report.difference) == (20, None)
