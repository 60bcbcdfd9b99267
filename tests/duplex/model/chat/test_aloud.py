"""Written answers spoken with the embedded model's own voice; here the tiny one."""

from datetime import datetime

import numpy as np
import pytest

from configs.model.tiny import TINY
from duplex.model.chat.aloud import Written, aloud
from duplex.model.families.checkpoint import random_tdm_model
from duplex.model.layouts.tdm.mind import EmbeddedMind
from duplex.model.layouts.tdm.tdm_generator import TdmGenerator
from duplex.model.layouts.tdm.tdm_model import TdmModel
from duplex.model.layouts.tdm.voice import EmbeddedVoice


@pytest.fixture(scope="module")
def model() -> TdmModel:
    """Random weights."""
    return random_tdm_model(TINY)


def test_all_words_sound_and_then_it_is_still(model: TdmModel) -> None:
    assert isinstance(model.voice, EmbeddedVoice)
    short, long = (list(aloud(model.voice, text, 16, seed=1)) for text in ("yes.", "yes, it's a very long day."))
    assert all(slot.shape == (4800,) for slot in [*short, *long])
    assert len(short) < len(long)
    np.testing.assert_array_equal(short, list(aloud(model.voice, "yes.", 16, seed=1)))
    assert len(list(aloud(model.voice, "", 16))) == 1


@pytest.mark.parametrize(
    ("written", "spoken"),
    [
        ("It cost $1.5 million.", "it cost one point five million dollars."),
        ("221B Baker St.", "two twenty one b baker street."),
        ("400 km (240 miles)", "four hundred kilometers, two hundred forty miles"),
    ],
)
def test_any_writing_sounds_like_its_words(model: TdmModel, written: str, spoken: str) -> None:
    assert isinstance(model.voice, EmbeddedVoice)
    one, other = (list(aloud(model.voice, text, 16, seed=1)) for text in (written, spoken))
    np.testing.assert_array_equal(one, other)


def test_time_is_filled_in(model: TdmModel, monkeypatch: pytest.MonkeyPatch) -> None:
    assert isinstance(model.mind, EmbeddedMind)
    generator = TdmGenerator(model, 1, beside=False)
    monkeypatch.setattr(generator, "write", lambda question: f"{question}: <|time|>, <|weekday|>.")
    written = Written(generator, model.mind, lambda: datetime(2026, 1, 31, 14, 5))
    assert written.answer("now") == "now: two oh five p m, saturday."
    assert written.show("it is late.").startswith("It is")
