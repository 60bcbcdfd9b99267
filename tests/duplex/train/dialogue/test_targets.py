import numpy as np

from configs.train.simulation import ProjectionConfig
from duplex.train.dialogue.targets import find_known_slots, time_to_end, voice_windows
from tests.duplex.train.dialogue.scenes import backchannel, scene, turn

CONFIG = ProjectionConfig()


def test_windows_see_the_voice_that_comes() -> None:
    windows = voice_windows(scene(turn(2.0, 4.0, "hello")), 50, CONFIG)
    assert windows.shape == (50, 5)
    assert windows[8].tolist() == [0, 1, 1, 1, 1], "slot 8 ends at 1.8 s"
    assert windows[18].tolist() == [1, 1, 0, 0, 0], "slot 18 ends at 3.8 s, 0.2 s before the end"
    assert not windows[30:].any()


def test_backchannels_are_no_voice() -> None:
    assert not voice_windows(scene(sounds=(backchannel(2.0),)), 50, CONFIG).any()


def test_time_to_end_falls_towards_the_end() -> None:
    classes = time_to_end(scene(turn(1.0, 7.1, "hello")), 50, CONFIG)
    assert classes[4] == 0
    assert classes[5] == 5
    assert [int(classes[slot]) for slot in (17, 27, 31, 33, 34)] == [4, 3, 2, 1, 1]
    assert not classes[36:].any()


def test_slots_near_the_end_are_not_known() -> None:
    known = find_known_slots(50, CONFIG)
    assert np.flatnonzero(~known).tolist() == list(range(39, 50))
