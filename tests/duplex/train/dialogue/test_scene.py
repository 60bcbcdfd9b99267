import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from duplex.train.dialogue.scene import Scene, time_words
from tests.duplex.train.dialogue.scenes import backchannel, scene, turn


def test_a_scene_survives_json() -> None:
    first = scene(turn(1.0, 2.5, "what is the capital"), sounds=(backchannel(4.0),), opening="Okay.", left=0.5)
    assert Scene.from_json(json.loads(json.dumps(first.to_json()))) == first


def test_words_end_in_proportion_to_their_letters() -> None:
    ends = [word.end for word in time_words("a bbbbb", [(1.0, 2.0), (3.0, 4.0)])]
    assert ends == [pytest.approx(1.0 + 2 * 2 / 8), pytest.approx(4.0)]


def test_words_do_not_end_in_a_pause() -> None:
    words = time_words("one two three four five six", [(0.0, 1.0), (5.0, 6.0)])
    assert all(word.end <= 1.0001 or word.end > 5.0 for word in words)


@given(st.lists(st.text("abc", min_size=1, max_size=8), min_size=1, max_size=12), st.floats(0.1, 5), st.floats(0.1, 5))
def test_ends_grow_and_the_last_is_the_end(words: list[str], first: float, second: float) -> None:
    ends = [word.end for word in time_words(" ".join(words), [(0.0, first), (first + 1, first + 1 + second)])]
    assert ends == sorted(ends)
    assert ends[-1] == pytest.approx(first + 1 + second, abs=1e-4)
