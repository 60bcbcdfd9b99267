"""The telephone codec (band, error, delay) and packet loss (rate, bursts, concealment)."""

from pathlib import Path
from random import Random
from uuid import uuid4

import numpy as np
import pytest
import soundfile
import soxr

from configs.eval.conditions import Loss
from configs.runtime.runtime import SlotBufferConfig
from duplex.eval.users.channel import Signal
from duplex.eval.users.packet_loss import PACKET, PacketLoss
from duplex.model.interface import Samples
from tests.duplex.eval.fakes import IN
from tests.duplex.eval.users.acoustics import clip_of, hear, hiss, rms, script_of, tone, user_under, write_sounds

SLOT = 3200
FADE = SlotBufferConfig().fade_samples
ASSISTANT = np.zeros(4800, np.float32)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return write_sounds(tmp_path / "data")


def encode(data: Path, samples: Samples) -> Samples:
    """The audible part of a clip, without its silence."""
    clip = clip_of(data / f"{uuid4()}.wav", samples)
    user = user_under(data, script_of(clip, 0.53), "mulaw")
    channel = hear(user)
    return channel[user.played[0].start : user.played[0].end]


def test_the_telephone_keeps_its_band_and_no_more(data: Path) -> None:
    for hertz in (200.0, 1000.0, 3400.0):
        assert 20 * np.log10(rms(encode(data, tone(hertz, 1.0))) / rms(tone(hertz, 1.0))) == pytest.approx(0.0, abs=0.2)
    assert 20 * np.log10(rms(encode(data, tone(5000.0, 1.0))[800:-800]) / rms(tone(5000.0, 1.0))) < -60.0
    spectrum = np.abs(np.fft.rfft(encode(data, hiss(1.0))))
    assert rms(spectrum[4300:]) < 0.01 * rms(spectrum[:3400])


def test_the_code_has_the_error_of_mu_law(data: Path) -> None:
    """About 38 dB below a tone, whatever its level (ITU-T G.711: 14-bit range in 8 bits)."""
    for level in (0.5, 0.05):
        clean = tone(1013.0, 1.0, level=level)
        error = (encode(data, clean) - clean)[800:-800]
        assert 35.0 < 20 * np.log10(rms(clean) / rms(error)) < 42.0


def test_the_telephone_delays_nothing(data: Path) -> None:
    narrow = soxr.resample(soxr.resample(hiss(1.0), IN, 4000), 4000, IN)
    out = encode(data, narrow)
    lags = np.correlate(np.pad(out, 100), narrow, "valid")
    assert np.argmax(lags) == 100
    assert abs(lags[99] - lags[101]) < 0.01 * lags[100]


def test_slots_are_coded_as_the_whole_is(data: Path) -> None:
    """Nothing differs at the borders of slots within a clip."""
    user = user_under(data, script_of(clip_of(data / "clip.wav", hiss(2.0)), 0.5), "mulaw")
    channel = hear(user)
    plain = hear(user_under(data, script_of(clip_of(data / "clip.wav", hiss(2.0)), 0.5)))
    narrow = soxr.resample(plain, IN, 8000)
    soundfile.write(data / "code.wav", narrow, 8000, subtype="ULAW")
    whole = soxr.resample(soundfile.read(data / "code.wav", dtype="float32")[0], 8000, IN)
    differs = np.flatnonzero(np.abs(channel - whole) > 1e-4)
    assert len(differs) < 0.01 * len(channel)  # a rounding of the filter may turn a code
    assert np.abs(channel - whole).max() < 0.02


def test_a_clip_that_begins_with_a_slot_rings_in_no_slot_before_it(data: Path) -> None:
    channel = hear(user_under(data, script_of(clip_of(data / "clip.wav", tone(1000.0, 1.0)), 0.6), "mulaw"))
    assert not channel[: 3 * SLOT].any()
    np.testing.assert_allclose(channel[3 * SLOT + 400 : 5 * SLOT], tone(1000.0, 1.0)[400 : 2 * SLOT], atol=0.01)


def test_silence_is_coded_as_silence(data: Path) -> None:
    assert not hear(
        user_under(data, script_of(clip_of(data / "clip.wav", np.zeros(IN, np.float32)), 0.0), "mulaw")
    ).any()


def find_lost(loss: Loss, slots: int, seed: int = 0) -> np.ndarray:
    """[packets] whether each was lost: a lost packet of a loud constant is not loud up to its end."""
    stage, loud = PacketLoss(loss, Random(seed)), np.full(SLOT, 0.5, np.float32)
    channel = np.concatenate([stage.step(Signal(loud, loud), ASSISTANT).now for _ in range(slots)])
    return channel.reshape(-1, PACKET)[:, -1] == 0.0


@pytest.mark.parametrize("loss", [Loss(rate=0.05), Loss(rate=0.05, burst=3.0), Loss(rate=0.2, burst=1.5)], ids=str)
def test_loss_has_its_rate_and_its_bursts(loss: Loss) -> None:
    packets = find_lost(loss, 4000)
    edges = np.flatnonzero(np.diff(np.concatenate(([0], packets.astype(np.int8), [0]))))
    bursts = edges[1::2] - edges[::2]
    assert packets.mean() == pytest.approx(loss.rate, rel=0.1)
    assert bursts.mean() == pytest.approx(loss.burst or 1 / (1 - loss.rate), rel=0.1)


def test_packets_are_lost_independently_without_bursts() -> None:
    packets = find_lost(Loss(rate=0.2), 4000)
    assert packets[1:][packets[:-1]].mean() == pytest.approx(0.2, abs=0.02)


def test_the_seed_draws_the_packets() -> None:
    loss = Loss(rate=0.1, burst=2.0)
    np.testing.assert_array_equal(find_lost(loss, 100, seed=3), find_lost(loss, 100, seed=3))
    assert (find_lost(loss, 100, seed=3) != find_lost(loss, 100, seed=4)).any()


def test_what_is_lost_is_concealed_and_the_rest_is_as_sent() -> None:
    loss = Loss(rate=0.1, burst=2.0)
    sent = hiss(8.0, rms=0.1)
    stage = PacketLoss(loss, Random(0))
    got = np.concatenate([stage.step(Signal(slot, slot), ASSISTANT).now for slot in sent.reshape(-1, SLOT)])
    got, sent = got.reshape(-1, PACKET), sent.reshape(-1, PACKET)
    gone = find_lost(loss, 40)
    after = np.concatenate(([False], gone[:-1]))
    np.testing.assert_allclose(got[~gone & ~after], sent[~gone & ~after], atol=0.51 / 32768)
    np.testing.assert_allclose(got[~gone & after, FADE:], sent[~gone & after, FADE:], atol=0.51 / 32768)
    assert gone.sum() > 20
    assert not got[gone & after].any()
    assert not got[gone & ~after, FADE:].any()
    assert np.abs(got[gone & ~after, : FADE // 2]).any(axis=1)[1:].all()


def test_a_loss_that_cannot_be_is_refused() -> None:
    with pytest.raises(ValueError, match=r"0\.9 cannot be lost in bursts of 2"):
        Loss(rate=0.9, burst=2.0)
