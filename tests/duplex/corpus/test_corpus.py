"""The corpus: splits do not overlap, draws are seeded, answers hold their keys, texts can be spoken."""

import random
import re
from collections import Counter
from typing import get_args

import pytest

from configs.base import ConfigError
from configs.model.language import CorpusConfig
from duplex.corpus.corpus import OUTSIDE, Corpus, Split
from duplex.corpus.grammar import hold_out
from duplex.corpus.kinds import read_data
from duplex.model.text.clock_words import fill_in_words, local

CORPUS = Corpus.build(CorpusConfig())
SPLITS: tuple[Split, ...] = get_args(Split)
SPEAKABLE = re.compile(r"[A-Za-z' ,.?!]+")
FILL_IN = re.compile(r"<\|(\w+)\|>")


@pytest.mark.parametrize("split", SPLITS)
def test_answers_hold_their_keys(split: Split) -> None:
    for row in CORPUS.rows(split, random.Random(1), 2000):
        assert row.right(row.assistant), row


def test_wrong_answers_are_wrong() -> None:
    rows = [row for row in CORPUS.rows("train", random.Random(2), 500) if row.kind == "capital"]
    assert rows
    assert not any(row.right("The capital of Nowhere is Nothing.") for row in rows)


def test_emphasis_draws_a_kind_more_often() -> None:
    def count(corpus: Corpus) -> int:
        return sum(row.kind == "multiply" for row in corpus.rows("train", random.Random(2), 2000))

    assert count(Corpus.build(CorpusConfig(emphasis={"multiply": 4.0}))) > 2 * count(CORPUS)
    with pytest.raises(ConfigError, match="not in the corpus: divination"):
        Corpus.build(CorpusConfig(emphasis={"divination": 2.0}))


def test_draws_are_seeded() -> None:
    def draw(seed: int) -> list[object]:
        rng = random.Random(seed)
        return [*CORPUS.rows("train", rng, 50), *CORPUS.dialogues(rng, 5), *CORPUS.turns(rng, 5)]

    assert draw(3) == draw(3) != draw(4)


def test_a_way_of_asking_belongs_to_one_split() -> None:
    every = CORPUS.config.held_out_every
    for kind in CORPUS.kinds:
        for fact in kind.facts:
            shown, held_out = hold_out(list(dict.fromkeys(fact.cores)), every)
            assert not set(shown) & set(held_out)
            assert len(set(fact.cores)) == len(fact.cores), (kind.name, fact.cores)


def test_held_out_questions_are_never_asked_in_training() -> None:
    train = {row.heard for row in CORPUS.rows("train", random.Random(5), 20_000)}
    for split in ("heldout_frame", "heldout_pair", "ood"):
        held_out = [row.heard for row in CORPUS.rows(split, random.Random(6), 2000)]
        assert sum(text in train for text in held_out) / len(held_out) < 0.02, split


def test_everything_can_be_spoken() -> None:
    moment = local(1_800_000_000, 3600)
    texts = [*CORPUS.answers(), *CORPUS.prompts()]
    for row in CORPUS.rows("train", random.Random(7), 3000):
        texts += [row.user, FILL_IN.sub(lambda match: " ".join(fill_in_words(match[1], moment)), row.assistant)]
    bad = [text for text in texts if text and not SPEAKABLE.fullmatch(text)]
    assert not bad


def test_kinds_and_refusals_have_their_share() -> None:
    rows = list(CORPUS.rows("train", random.Random(8), 5000))
    shares = Counter(row.kind for row in rows)
    assert shares[OUTSIDE] / len(rows) == pytest.approx(CORPUS.config.outside, abs=0.02)
    assert len(shares) > 0.9 * len(CORPUS.kinds)
    assert all(row.kind == OUTSIDE for row in CORPUS.rows("ood", random.Random(9), 100))


def test_long_answers_are_long() -> None:
    lengths = [len(row.assistant.split()) for row in CORPUS.rows("train", random.Random(10), 5000) if row.long]
    assert sum(length >= 12 for length in lengths) / len(lengths) > 0.8


def test_dialogues_depend_on_what_was_before() -> None:
    again = named = follow = 0
    for dialogue in CORPUS.dialogues(random.Random(11), 600):
        for before, row in zip((None, *dialogue.exchanges), dialogue.exchanges, strict=False):
            if row.kind == "again" and before is not None:
                assert row.assistant == before.assistant
                again += 1
            if row.kind == "your_name" and row.key in row.assistant and "yet" not in row.assistant:
                assert row.key.lower() in dialogue.prompt
                named += 1
            follow += row.user.startswith(("and ", "what about ", "how about "))
    assert min(again, named, follow) > 5


def test_turns_end_in_what_is_answered() -> None:
    marks = Counter[str]()
    for turn in CORPUS.turns(random.Random(12), 300):
        assert turn.heard.endswith(turn.exchange.heard.split()[-1])
        marks.update(mark for _, mark in turn.pieces)
    assert set(marks) == {"c", "s", "q", "f"}
    shown = {turn.pieces for turn in CORPUS.turns(random.Random(13), 50)}
    held = {turn.pieces for turn in CORPUS.turns(random.Random(13), 50, held_out=True)}
    assert not shown & held


def test_short_things() -> None:
    assert "mm-hm" in CORPUS.backchannels
    assert {row.assistant for row in CORPUS.commands if row.user == "stop"} == {"Okay."}


def test_breadth() -> None:
    full = Corpus.build(CorpusConfig(breadth="full"))
    small = {kind.name: kind for kind in CORPUS.kinds}
    assert sum(len(kind.facts) for kind in full.kinds) > 2 * sum(len(kind.facts) for kind in CORPUS.kinds)
    assert set(CORPUS.answers()) <= set(full.answers())
    assert all(small[name].facts for name in read_data("breadth")["small"])
    with pytest.raises(ConfigError, match="no breadth 'vast'"):
        Corpus.build(CorpusConfig(breadth="vast"))
