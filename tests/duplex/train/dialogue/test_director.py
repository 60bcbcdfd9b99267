import random
from pathlib import Path

import numpy as np
import pytest

from configs.train.simulation import AnswerLengthConfig, ChannelConfig, SimulationConfig, StageConfig
from duplex.train.dialogue.director import Director, answer_seconds
from duplex.train.dialogue.library import TRAINING, Library, open_library
from duplex.train.speech.bank import BankError
from tests.duplex.train.dialogue.scenes import SMALL


@pytest.fixture(scope="module")
def library(bank: Path) -> Library:
    return open_library(bank, SMALL, TRAINING)


def stage(library: Library, seed: int, config: SimulationConfig = SMALL):  # type: ignore[no-untyped-def]
    return Director(library, config).scene("x/0", random.Random(seed))


def test_scenes_are_repeatable_and_differ_by_seed(library: Library) -> None:
    samples, scene = stage(library, 1)
    again, same = stage(library, 1)
    assert np.array_equal(samples, again)
    assert scene == same
    assert not np.array_equal(samples, stage(library, 2)[0])


def test_turns_follow_each_other_and_carry_answers(library: Library) -> None:
    for seed in range(12):
        samples, scene = stage(library, seed)
        assert len(samples) == 150 * 3200
        assert np.abs(samples).max() <= 1
        for earlier, later in zip(scene.turns, scene.turns[1:], strict=False):
            assert later.start > earlier.end
        for turn in scene.turns:
            assert turn.answer
            assert turn.start <= turn.spans[0][0] + 1e-6
            assert turn.words[-1].end == pytest.approx(turn.end, abs=0.02)


def test_speech_is_where_the_scene_says(library: Library) -> None:
    quiet = ChannelConfig(room_share=0, microphone_share=0, bed_share=0, echo_share=0, floor_log10=(-9.0, -8.0))
    config = SMALL.model_copy(update={"channel": quiet})
    for seed in range(8):
        samples, scene = stage(library, seed, config)
        heard = [span for turn in scene.turns for span in ((turn.start, turn.end),)]
        heard += [(sound.start, sound.end) for sound in scene.sounds]
        covered = np.zeros(len(samples), bool)
        for start, end in heard:
            covered[int(start * 16_000) : int(end * 16_000) + 2] = True
        assert np.abs(samples[~covered]).max(initial=0) < 1e-5
        for turn in scene.turns:
            for start, end in turn.spans:
                part = samples[int(start * 16_000) : int(min(end, 30) * 16_000)]
                assert len(part) < 2000 or np.abs(part).max() > 1e-3


def test_every_kind_of_dialogue_is_staged(library: Library) -> None:
    scenes = [stage(library, seed)[1] for seed in range(60)]
    kinds = {sound.kind for scene in scenes for sound in scene.sounds}
    assert kinds == {"backchannel", "noise", "echo"}
    assert any(not scene.turns for scene in scenes)
    assert any(scene.opening and scene.opening_seconds > 0 for scene in scenes)
    assert any(turn.text.startswith("stop") for scene in scenes for turn in scene.turns)
    assert any(len(turn.spans) > 3 for scene in scenes for turn in scene.turns)


def test_nobody_speaks_when_nobody_is_there(library: Library) -> None:
    config = SMALL.model_copy(update={"stage": StageConfig(nobody_share=1.0)})
    assert not stage(library, 3, config)[1].turns


def test_an_empty_bank_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(BankError, match="nothing was spoken for questions"):
        open_library(tmp_path, SMALL, TRAINING)


def test_longer_answers_take_longer() -> None:
    config = AnswerLengthConfig()
    assert answer_seconds(config, "") == 0
    assert answer_seconds(config, "Okay.") < answer_seconds(config, "The capital of France is Paris.") < 4
