"""New words for existing dialogues: which turns get other questions."""

import random

import pytest

from configs.model.language import CorpusConfig
from configs.train.core_training import RetextConfig
from duplex.corpus.corpus import OUTSIDE, Corpus
from duplex.corpus.long_turns import REACTION, UNFINISHED
from duplex.train.dialogue.retext import Retext
from duplex.train.dialogue.scene import Scene, SceneTurn, SceneWord

CORPUS = Corpus.build(CorpusConfig())
TEXT = "what is the capital of france"
ANSWERS = {exchange.assistant for exchange in CORPUS.rows("train", random.Random(0), 2000)}


def make_scene(spans: tuple[tuple[float, float], ...], kind: str = "capital") -> Scene:
    words = tuple(SceneWord(text, 1.0 + 0.3 * place) for place, text in enumerate(TEXT.split()))
    turn = SceneTurn(1.0, 3.0, "The capital of France is Paris.", kind, "Paris", False, spans, words)
    return Scene("0", "", "", 0.0, (turn,), ())


def texts(scene: Scene) -> set[str]:
    retext = Retext(RetextConfig(share=1.0), CORPUS, ANSWERS)
    return {retext(scene, random.Random(seed)).turns[0].text for seed in range(10)}


def test_a_question_gets_other_words_of_like_length_within_its_time() -> None:
    scene = make_scene(((1.0, 3.0),))
    assert len(texts(scene)) > 5
    turn = Retext(RetextConfig(share=1.0), CORPUS, ANSWERS)(scene, random.Random(1)).turns[0]
    assert 0.7 <= len(turn.text) / len(TEXT) <= 1.4
    assert turn.words[-1].end == 3.0
    assert turn.answer in ANSWERS


def test_a_turn_with_a_pause_keeps_its_words() -> None:
    assert texts(make_scene(((1.0, 1.8), (2.4, 3.0)))) == {TEXT}


@pytest.mark.parametrize("kind", [OUTSIDE, REACTION])
def test_what_asks_nothing_becomes_statements_in_its_own_time(kind: str) -> None:
    scene = make_scene(((0.9, 3.0),), kind)
    retext = Retext(RetextConfig(stated=1.0, broken=0.0), CORPUS, ANSWERS | set(CORPUS.reactions))
    turns = [retext(scene, random.Random(seed)).turns[0] for seed in range(10)]
    assert {turn.kind for turn in turns} == {REACTION}
    assert all(turn.answer in CORPUS.reactions for turn in turns)
    assert len({turn.text for turn in turns}) > 5
    assert all(turn.words[-1].end <= 3.0 for turn in turns)


def test_a_statement_may_break_off_before_its_end() -> None:
    scene = make_scene(((0.9, 3.0),), REACTION)
    answers = ANSWERS | set(CORPUS.reactions)
    whole, broken = (Retext(RetextConfig(stated=1.0, broken=share), CORPUS, answers) for share in (0.0, 1.0))
    for seed in range(10):
        said, cut = (retext(scene, random.Random(seed)).turns[0] for retext in (whole, broken))
        assert (said.kind, cut.kind) == (REACTION, UNFINISHED)
        assert said.words[: len(cut.words)] == cut.words
        assert 1 <= len(said.words) - len(cut.words) <= 2
