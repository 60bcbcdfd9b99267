"""Speech in channels of known content: edges, levels, noise, clicks, crosstalk, rooms."""

from collections.abc import Sequence

import numpy as np
import pytest

from configs.eval.scoring import ActivityConfig
from duplex.eval.measures.activity import AudibleSegment, join
from duplex.eval.measures.speech_activity import speech, speech_of_both
from tests.duplex.eval.dialogues import RATE, Samples, Span, channel, noisy, voice

CONFIG = ActivityConfig()
SPANS = [(1.0, 2.5), (4.0, 4.3), (6.0, 9.2), (10.5, 10.7)]
SECONDS = 12.0
RNG = np.random.default_rng


def errors(found: Sequence[AudibleSegment], spans: Sequence[Span]) -> float:
    """The largest error of an edge, seconds."""
    whole = join(found, 0.3)
    assert len(whole) == len(spans), whole
    pairs = zip(whole, spans, strict=True)
    return max(max(abs(one.start - start), abs(one.end - end)) for one, (start, end) in pairs)


def make_sound(kind: str, count: int, rate: int) -> Samples:
    """A steady sound."""
    place = np.arange(count)
    match kind:
        case "tone":
            return np.asarray(0.3 * np.sin(2 * np.pi * 440 * place / rate))
        case "noise":
            return np.asarray(0.1 * RNG(0).standard_normal(count))
        case "constant":
            return np.full(count, 0.3)
        case "fastest":
            return np.where(place % 2, -0.3, 0.3)
    return voice(count / rate, rate)[:count]


@pytest.mark.parametrize("rate", [8_000, 16_000, 22_050, 24_000, 44_100, 48_000])
@pytest.mark.parametrize("kind", ["tone", "noise", "constant", "fastest", "voice"])
def test_edges_in_digital_silence(kind: str, rate: int) -> None:
    samples = np.zeros(round(SECONDS * rate))
    for start, end in SPANS:
        first, last = round(start * rate), round(end * rate)
        samples[first:last] = make_sound(kind, last - first, rate)
    assert errors(speech(samples, rate, CONFIG), SPANS) < 0.003


@pytest.mark.parametrize("peak_db", [-3, -20, -40])
def test_edges_at_any_level_of_16_bit(peak_db: float) -> None:
    samples = channel(SPANS, SECONDS)
    samples *= 10 ** (peak_db / 20) / np.abs(samples).max()
    assert errors(speech(np.round(samples * 32767) / 32768, RATE, CONFIG), SPANS) < 0.003


@pytest.mark.parametrize(("below_db", "limit"), [(50, 0.003), (30, 0.006), (20, 0.025), (15, 0.03)])
def test_edges_in_noise(below_db: float, limit: float) -> None:
    assert errors(speech(noisy(channel(SPANS, SECONDS), below_db), RATE, CONFIG), SPANS) < limit


def test_a_constant_offset_is_no_sound() -> None:
    assert errors(speech(channel(SPANS, SECONDS) + 0.2, RATE, CONFIG), SPANS) < 0.003


def test_speech_up_to_the_edges_of_the_file() -> None:
    spans = [(0.0, 1.0), (2.0, 3.0)]
    assert errors(speech(channel(spans, 3.0), RATE, CONFIG), spans) < 0.002


def test_a_quiet_turn_beside_loud_ones() -> None:
    quiet = channel([(4.0, 5.0)], 8.0, level=0.1)
    assert (
        errors(speech(channel([(1.0, 3.0), (6.0, 7.5)], 8.0) + quiet, RATE, CONFIG), [(1, 3), (4, 5), (6, 7.5)]) < 0.01
    )


@pytest.mark.parametrize(
    "samples",
    [
        np.zeros(0),
        np.zeros(1),
        np.zeros(RATE),
        0.01 * RNG(1).standard_normal(10 * RATE),
        np.round(RNG(1).uniform(-1, 1, 5 * RATE)) / 32768,
        0.05 * np.sin(2 * np.pi * 50 * np.arange(10 * RATE) / RATE),
    ],
    ids=["nothing", "one sample", "silence", "noise", "dither", "hum"],
)
def test_what_is_no_speech(samples: Samples) -> None:
    assert speech(samples, RATE, CONFIG) == ()


@pytest.mark.parametrize(("seconds", "heard"), [(0.0001, False), (0.03, False), (0.08, True)])
def test_clicks_and_bursts_are_no_speech(seconds: float, heard: bool) -> None:
    samples = channel([(1.0, 2.0)], 5.0)
    samples[3 * RATE : 3 * RATE + round(seconds * RATE)] = 0.3
    assert len(speech(samples, RATE, CONFIG)) == 1 + heard


def test_a_closure_is_inside_of_speech_and_a_release_belongs_to_it() -> None:
    (whole,) = speech(channel([(1.0, 2.0), (2.05, 3.0)], 5.0), RATE, CONFIG)
    assert (whole.start, whole.end) == (pytest.approx(1.0, abs=0.003), pytest.approx(3.0, abs=0.003))
    (released,) = speech(channel([(1.0, 2.0), (2.1, 2.125)], 5.0), RATE, CONFIG)
    assert released.end == pytest.approx(2.125, abs=0.003)


def test_a_release_long_after_speech_is_a_click() -> None:
    (alone,) = speech(channel([(1.0, 2.0), (2.4, 2.425)], 5.0), RATE, CONFIG)
    assert alone.end == pytest.approx(2.0, abs=0.003)


@pytest.mark.parametrize("leak_db", [-20.0, -30.0, -40.0])
def test_the_other_side_in_a_channel_is_no_speech(leak_db: float) -> None:
    mine, theirs = [(1.0, 3.0), (9.0, 9.5)], [(3.5, 8.0), (10.0, 11.0)]
    assistant = channel(theirs, 12.0)
    echo = 10 ** (leak_db / 20) * np.concatenate([np.zeros(1600), assistant[:-1600]])
    user = channel(mine, 12.0) + echo + 1e-4 * RNG(0).standard_normal(len(echo))
    first, second = speech_of_both(user, assistant, RATE, CONFIG)
    assert errors(first.segments, mine) < 0.02
    assert errors(second.segments, theirs) < 0.003
    assert first.leak == pytest.approx(leak_db, abs=3)
    assert second.leak is None


def test_a_user_who_is_only_an_echo_does_not_speak() -> None:
    assistant = channel([(1.0, 4.0), (6.0, 9.0)], 10.0)
    echo = 0.05 * np.concatenate([np.zeros(800), assistant[:-800]])
    first, second = speech_of_both(echo, assistant, RATE, CONFIG)
    assert first.segments == ()
    assert len(join(second.segments, 0.3)) == 2


def test_voices_that_overlap_are_no_crosstalk() -> None:
    user, assistant = channel([(1.0, 4.0), (6.0, 7.0)], 9.0), channel([(2.0, 5.0), (6.5, 8.0)], 9.0, level=0.2)
    first, second = speech_of_both(user, assistant, RATE, CONFIG)
    assert first.leak is None
    assert second.leak is None
    assert errors(first.segments, [(1, 4), (6, 7)]) < 0.003
    assert errors(second.segments, [(2, 5), (6.5, 8)]) < 0.003


def words(spans: Sequence[Span], seconds: float) -> Samples:
    """Voices with gaps of 0.25 s every 0.5 s, so that a room can be heard in them."""
    parts = [(at, min(at + 0.25, end)) for start, end in spans for at in np.arange(start, end - 0.2, 0.5)]
    return channel(parts, seconds)


def test_tails_of_a_room_are_no_speech() -> None:
    spans = [(1.0, 3.25), (5.0, 7.25), (9.0, 11.25)]
    tail = RNG(2).standard_normal(RATE) * 10 ** (-3 * np.arange(RATE) / (0.6 * RATE))
    room = np.concatenate([[4.0], 0.1 * tail])
    size = 16 * RATE
    samples = np.fft.irfft(np.fft.rfft(words(spans, 13.0), size) * np.fft.rfft(room, size))[: 13 * RATE]
    found, _ = speech_of_both(samples, np.zeros(len(samples)), RATE, CONFIG)
    assert found.reverberant
    assert errors(found.segments, spans) < 0.1
    heard = np.flatnonzero(np.abs(samples) > 0.01 * np.abs(samples).max()) / RATE
    assert max(time for time in heard if time < 4.5) - 3.25 > 0.2


def test_a_dry_channel_is_not_reverberant() -> None:
    found, _ = speech_of_both(words([(1.0, 3.25), (5.0, 7.25)], 9.0), np.zeros(9 * RATE), RATE, CONFIG)
    assert not found.reverberant
