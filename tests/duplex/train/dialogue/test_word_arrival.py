import random

import numpy as np
import pytest

from configs.train.simulation import ArrivalConfig
from duplex.model.stages.fusion import ABSENT
from duplex.train.dialogue.scene import Scene
from duplex.train.dialogue.word_arrival import NEVER, Mishear, WordArrival
from tests.duplex.train.dialogue.scenes import WordIds, backchannel, no_errors, scene, turn

PERFECT = ArrivalConfig(close_ms=100, deaf_share=0.0, missed_share=0.0)


def arrival(config: ArrivalConfig, mishear: Mishear = no_errors) -> tuple[WordArrival, WordIds]:
    ids = WordIds()
    return WordArrival(config, 4, ids.encode, mishear), ids


def list_entered(words: np.ndarray, ids: WordIds) -> list[str]:
    names = {number: word for word, number in ids.ids.items()}
    return [names[number] for number in words.ravel().tolist() if number != ABSENT]


def test_words_of_a_short_turn_enter_after_the_silent_slot() -> None:
    draw, ids = arrival(PERFECT)
    result = draw.draw(scene(turn(1.0, 1.5, "hello there")), 20, random.Random(0))
    assert list_entered(result.words, ids) == ["hello", "there"]
    assert result.known == [8], "the speech ends in slot 7, which closes with silence"


def test_silence_shorter_than_the_limit_waits_a_slot() -> None:
    draw, _ = arrival(PERFECT)
    assert draw.draw(scene(turn(1.0, 1.56, "hello there")), 20, random.Random(0)).known == [9]


@pytest.mark.parametrize("seed", range(10))
def test_no_word_enters_before_it_was_said_and_none_is_lost(seed: int) -> None:
    draw, ids = arrival(ArrivalConfig(deaf_share=0.5, missed_share=0.3))
    text = " ".join(f"w{number}" for number in range(30))
    said = turn(0.5, 12.0, text)
    result = draw.draw(scene(said), 100, random.Random(seed))
    assert list_entered(result.words, ids) == text.split()
    slots = np.repeat(np.arange(100), 4)[result.words.ravel() != ABSENT]
    assert all((slot + 1e-9) * 0.2 >= word.end for slot, word in zip(slots, said.words, strict=True))
    assert result.known[0] >= slots[-1]
    assert result.known[0] * 0.2 <= 12.0 + 2.5


def test_at_most_four_tokens_a_slot_and_the_rest_waits() -> None:
    draw, _ = arrival(PERFECT.model_copy(update={"agreed_after": (50.0, 60.0)}))
    result = draw.draw(scene(turn(0.0, 1.05, "a b c d e f g h i j")), 20, random.Random(0))
    counts = (result.words != ABSENT).sum(1)
    assert counts[6:9].tolist() == [4, 4, 2]
    assert result.known == [8]


def test_a_turn_beyond_the_end_is_never_known() -> None:
    draw, _ = arrival(PERFECT)
    assert draw.draw(scene(turn(1.0, 9.0, "hello there")), 20, random.Random(0)).known == [NEVER]


def test_backchannels_have_words_but_are_no_turns() -> None:
    draw, ids = arrival(PERFECT)
    both: Scene = scene(turn(0.0, 1.0, "hello"), sounds=(backchannel(2.0),))
    result = draw.draw(both, 30, random.Random(0))
    assert list_entered(result.words, ids) == ["hello", "yeah"]
    assert len(result.known) == 1


def test_misheard_words_take_the_place_of_what_was_said() -> None:
    draw, ids = arrival(PERFECT, lambda words, rng: ["hollow", "chair", "you"])
    result = draw.draw(scene(turn(1.0, 1.5, "hello there")), 20, random.Random(0))
    assert list_entered(result.words, ids) == ["hollow", "chair", "you"]


def test_a_turn_of_which_nothing_was_recognized_keeps_its_words() -> None:
    draw, ids = arrival(PERFECT, lambda words, rng: [])
    assert list_entered(draw.draw(scene(turn(1.0, 1.5, "hello")), 20, random.Random(0)).words, ids) == ["hello"]
