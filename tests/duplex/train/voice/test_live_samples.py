"""Simulated arrival: all units are spoken once, late text makes silence, sound lies where the samples say."""

import random

import numpy as np

from configs.model.voice import BandConfig, SrhConfig
from configs.train.voice_training import SrhTraining
from duplex.model.stages.bands import silence
from duplex.model.text.phonemes import UNITS, WAIT
from duplex.train.voice.live_samples import LiveSamples, Track
from tests.duplex.train.voice.utterances import utterance

WAIT_PLACE = UNITS.index(WAIT)


def _track(late: float, seed: int = 0) -> Track:
    config = SrhTraining(late_share=late, late_chance=0.6, long_word_share=late)
    return LiveSamples(SrhConfig(), BandConfig(), config, random.Random(seed)).track(utterance())


def test_every_unit_is_entered_once_in_order() -> None:
    for late in (0.0, 1.0):
        entered = [units[SrhConfig().behind] for units, *_ in _track(late).units]
        assert entered == utterance().units.tolist()


def test_durations_are_the_teachers() -> None:
    now = [classes[0] for *_, classes in _track(0.0).units]
    assert set(now) == {1}


def test_tokens_are_consecutive_and_inside_the_sound() -> None:
    one = _track(1.0)
    places = [place for *_, place in one.tokens]
    assert places == list(range(places[0], places[0] + len(places)))
    assert 3 * (places[-1] + 1) <= len(one.bands)


def test_waits_are_silent_and_speech_is_the_teachers() -> None:
    one = _track(1.0, seed=3)
    kinds = {place: units[SrhConfig().behind] for units, _, _, place in one.tokens}
    waits = [place for place, unit in kinds.items() if unit == WAIT_PLACE]
    inner = [place for place in waits if place - 1 in waits and place + 1 in waits]
    assert inner
    quiet = silence(BandConfig()).numpy()
    for place in inner:
        np.testing.assert_allclose(one.bands[3 * place : 3 * place + 3], np.tile(quiet, (3, 1)), atol=1e-5)
    spoken = one.bands[one.bands[:, 0] > 0, 0]
    assert (np.diff(spoken) > -0.05).all()


def test_late_text_takes_longer() -> None:
    assert len(_track(1.0).bands) > len(_track(0.0).bands)


def test_same_seed_gives_the_same_track() -> None:
    assert _track(1.0, 5).tokens == _track(1.0, 5).tokens
