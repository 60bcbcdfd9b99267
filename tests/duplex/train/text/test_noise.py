"""Recognition errors: seeded, at the requested rate, drawn from observed ones."""

import random

from configs.model.language import MishearingConfig
from duplex.train.text.noise import Mishearing, confusions, sound_of

WORDS = [
    "what",
    "is",
    "the",
    "capital",
    "of",
    "france",
    "tell",
    "me",
    "how",
    "many",
    "legs",
    "does",
    "a",
    "spider",
    "have",
]
VOCABULARY = ["what", "capital", "capitol", "france", "fence", "legs", "lakes", "tell", "tale", "spider"]


def test_seeded() -> None:
    mishearing = Mishearing(MishearingConfig(), VOCABULARY)
    heard = [mishearing(WORDS, random.Random(seed)) for seed in range(20)]
    assert heard == [mishearing(WORDS, random.Random(seed)) for seed in range(20)]
    assert len({tuple(words) for words in heard}) > 5


def test_rate() -> None:
    rng = random.Random(0)
    mishearing = Mishearing(
        MishearingConfig(clean=0.0, rate=0.2, substitute=1, delete=0, insert=0, split=0, join=0), VOCABULARY
    )
    pairs = [(said, heard) for _ in range(300) for said, heard in zip(WORDS, mishearing(WORDS, rng), strict=True)]
    wrong = sum(said != heard for said, heard in pairs) / len(pairs)
    assert 0.15 < wrong < 0.25


def test_no_errors_without_a_rate() -> None:
    mishearing = Mishearing(MishearingConfig(rate=0.0), VOCABULARY)
    assert all(mishearing(WORDS, random.Random(seed)) == WORDS for seed in range(20))


def test_never_nothing() -> None:
    config = MishearingConfig(clean=0.0, rate=1.0, substitute=0, delete=1, insert=0, split=0, join=0)
    mishearing = Mishearing(config, VOCABULARY)
    assert all(mishearing(["a", "is"], random.Random(seed)) for seed in range(20))


def test_every_kind_of_error_occurs() -> None:
    mishearing = Mishearing(MishearingConfig(clean=0.0, rate=0.3), VOCABULARY)
    heard = [mishearing(WORDS, random.Random(seed)) for seed in range(300)]
    lengths = {len(words) - len(WORDS) for words in heard}
    assert min(lengths) < 0 < max(lengths)
    assert any("capitol" in words for words in heard)


def test_confusions_are_learnt_and_used() -> None:
    pairs = [("the capital of peru", "the capital of baru"), ("spell cat", "spell cat"), ("lima peru", "lima pair you")]
    table = confusions(pairs)
    assert table == {"peru": ["baru", "pair you"]}
    mishearing = Mishearing(MishearingConfig(clean=0.0, rate=1.0, table=1.0), VOCABULARY, pairs)
    heard = {" ".join(mishearing(["peru"], random.Random(seed))) for seed in range(20)}
    assert heard == {"baru", "pair you"}


def test_words_that_sound_alike_share_a_key() -> None:
    assert sound_of("capital") == sound_of("capitol")
    assert sound_of("night") == sound_of("nite")
    assert sound_of("cat") != sound_of("lion")


def test_letters_in_a_row_may_become_a_word() -> None:
    mishearing = Mishearing(MishearingConfig(clean=1.0, initials=0.5), VOCABULARY)
    heard = {" ".join(mishearing(["symbol", "h", "e", "is", "a"], random.Random(seed))) for seed in range(20)}
    assert heard == {"symbol h e is a", "symbol he is a"}
