"""Two conversations that share an engine under a virtual clock; nobody pulls what the assistant says."""

from collections.abc import Mapping
from contextlib import closing
from pathlib import Path

from configs.audio import AUDIO
from configs.policy import policy
from configs.runtime.runtime import RuntimeConfig
from duplex.model.interface import ConversationOptions, Samples
from runtime.clock import ManualClock
from runtime.engine.engine import Engine, InlineEngine
from runtime.engine.worker import load
from runtime.pcm import to_int16
from runtime.sessions import SessionHub

SLOT = AUDIO.slot_input_samples


def two_sessions(
    model: str, user: Samples, slots: int, folder: Path, written: Mapping[int, str] | None = None
) -> tuple[Path, Path]:
    """Folders of the two; the second hears the audio from a second on, and its user writes in the given slots."""
    clock = ManualClock()
    config = RuntimeConfig.model_validate({"recording": {"folder": folder}})
    with closing(InlineEngine(Engine(load(model, 2), clock, config.engine), model)) as client:
        hub = SessionHub(client, config, clock)
        options = [ConversationOptions(seed=seed, policy=policy("responsive")) for seed in (1, 2)]
        sessions = [hub.open(each) for each in options]
        for slot in range(slots):
            clock.advance(AUDIO.slot_seconds)
            sessions[1].push_text((written or {}).get(slot, ""))
            for session, begin in zip(sessions, (slot, slot + 5), strict=True):
                session.push_audio(slot * SLOT, to_int16(user[begin * SLOT : (begin + 1) * SLOT]))
            hub.pump()
        first, second = (session.folder for session in sessions)
        hub.close_all()
    assert first is not None
    assert second is not None
    return first, second
