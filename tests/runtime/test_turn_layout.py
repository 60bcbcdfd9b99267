"""The runtime around a half-duplex model (tiny, random): shared steps, writing, logs, replay, patterns refused."""

from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from configs.audio import AUDIO
from configs.base import ConfigError
from configs.policy import policy
from configs.runtime.runtime import RuntimeConfig
from duplex.model.abilities import PatternGenerator
from duplex.model.interface import ConversationOptions
from duplex.model.load import DuplexModel
from runtime.cli.common import changes
from runtime.clock import ManualClock
from runtime.converse import converse_slots
from runtime.engine.engine import Engine, InlineEngine
from runtime.engine.worker import load, loader_with
from runtime.errors import BadOptions
from runtime.pcm import to_int16
from runtime.replay import compare, load_logged, replay
from runtime.session.transcript import transcript
from runtime.sessions import Delivered, SessionHub
from tests.runtime.two_sessions import two_sessions
from tests.runtime.user_audio import talking

SLOT = AUDIO.slot_input_samples
SLOTS = 40
USER = talking(SLOTS * AUDIO.slot_seconds + 1.0, [(0.6, 1.6), (4.0, 5.0)])
WRITTEN = "And now in writing."


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Two conversations; the second hears later audio, and its user writes in slot 30."""
    return two_sessions("funaudiochat-tiny", USER, SLOTS, tmp_path_factory.mktemp("talks"), {30: WRITTEN})


def test_the_engine_tells_the_patterns() -> None:
    clock = ManualClock()
    with closing(InlineEngine(Engine(load("funaudiochat-tiny", 1), clock, RuntimeConfig().engine), "tiny")) as client:
        assert client.info.patterns == ("S2M", "S2T", "T2M", "T2T", "STC", "SAC", "SUC")


@pytest.mark.parametrize("which", [0, 1])
def test_a_session_replays_equal_alone(folders: tuple[Path, Path], which: int) -> None:
    logged = load_logged(folders[which] / "slots.jsonl")
    with closing(load("funaudiochat-tiny", 1)) as generator:
        report = compare(logged.rows, replay(logged, generator).rows)
    assert (report.slots, report.difference) == (SLOTS, None)


def test_what_history_keeps_is_what_the_transcript_counts_as_heard(folders: tuple[Path, Path]) -> None:
    for folder in folders:
        rows = load_logged(folder / "slots.jsonl").rows
        kept = [row.kept for row in rows if row.kept is not None]
        answers = transcript(rows, 0.0, RuntimeConfig().transcript).assistant.answers
        heard = [answer.text for answer in answers if answer.how != "open"]
        assert "cut" in [answer.how for answer in answers]
        assert [text.split() for text in kept] == [text.split() for text in heard]


def test_what_was_taken_back_before_it_sounded_is_told_with_the_next_slot(folders: tuple[Path, Path]) -> None:
    """Nobody pulled packets, so the newest slot and the look-ahead were never played."""
    rows = load_logged(folders[0] / "slots.jsonl").rows
    (cut,) = [row.slot for row in rows if row.event == "cut"]
    assert rows[cut].flushed_ms > AUDIO.slot_ms
    assert rows[cut + 1].unheard_ms == rows[cut].flushed_ms
    assert [row.slot for row in rows if row.unheard_ms] == [cut + 1]


def test_barge_in_stops_within_one_packet() -> None:
    """What the loudspeaker gets: the packet after the cut fades out, the next one is silence."""
    clock = ManualClock()
    config = RuntimeConfig.model_validate({"recording": {"enabled": False}})
    with closing(InlineEngine(Engine(load("funaudiochat-tiny", 1), clock, config.engine), "tiny")) as client:
        hub = SessionHub(client, config, clock)
        session = hub.open(ConversationOptions(seed=1, policy=policy("responsive")))
        packets: dict[int, list[float]] = {}
        for slot in range(SLOTS):
            clock.advance(AUDIO.slot_seconds)
            session.push_audio(slot * SLOT, to_int16(USER[slot * SLOT : (slot + 1) * SLOT]))
            rows = [news.row for news in hub.pump() if isinstance(news, Delivered)]
            played = [float(np.abs(session.pull().pcm).max()) for _ in range(AUDIO.packets_per_slot)]
            packets |= {row.slot: played for row in rows if row.event == "cut"}
        hub.close_all()
    (after_cut,) = packets.values()
    assert max(after_cut[1:]) == 0.0
    assert after_cut[0] < 0.5


def test_what_was_written_stands_in_log_and_transcript(folders: tuple[Path, Path]) -> None:
    rows = load_logged(folders[1] / "slots.jsonl").rows
    assert [(row.slot, row.typed) for row in rows if row.typed] == [(30, WRITTEN)]
    (user,) = [row.user for row in rows if row.user]
    assert user.text == WRITTEN
    assert transcript(rows, 0.0, RuntimeConfig().transcript).user.text == WRITTEN


def test_a_pattern_that_does_not_exist_is_refused() -> None:
    silence = [np.zeros(SLOT, dtype=np.int16)]
    with (
        closing(load("funaudiochat-tiny", 1)) as generator,
        pytest.raises(BadOptions, match="unknown pattern 'X2Y'; choose one of S2M, S2T, T2M, T2T, STC, SAC, SUC"),
    ):
        converse_slots(generator, silence, ConversationOptions(pattern="X2Y"))


def test_a_model_with_one_way_of_talking_takes_no_pattern() -> None:
    with closing(load("tiny", 1)) as generator:
        assert not isinstance(generator, PatternGenerator)
        with pytest.raises(BadOptions, match="this model has only one way of talking, not the pattern S2M; leave it"):
            converse_slots(generator, [], ConversationOptions(pattern="S2M"))


def test_values_of_a_description_are_set_by_their_keys() -> None:
    given = changes(["live.policy=vad", "turns.places=300", "device=cpu"])
    assert given == {"live.policy": "vad", "turns.places": 300, "device": "cpu"}
    with (
        closing(load("funaudiochat-tiny", 1, loader_with(given))) as changed,
        closing(load("funaudiochat-tiny", 1)) as usual,
    ):
        assert changed.fingerprint == usual.fingerprint, "places are no part of what a model says"
    with pytest.raises(ConfigError, match=r"funaudiochat-tiny: unknown key 'live\.polici'"):
        DuplexModel.from_pretrained("funaudiochat-tiny", changes={"live.polici": "vad"})
    with pytest.raises(ConfigError, match="'device' cannot be set for tiny; it runs as it is"):
        DuplexModel.from_pretrained("tiny", changes={"device": "cuda"})
    with pytest.raises(ConfigError, match="--set device: write it as KEY=VALUE, for example --set device=cuda"):
        changes(["device"])
    with pytest.raises(ConfigError, match="'\\[1' is not a YAML value; put quotes around it"):
        changes(["seed=[1"])
