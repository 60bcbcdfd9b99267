import random

import numpy as np
import pytest

from configs.train.speech_bank import CastConfig, MannerConfig
from duplex.model.interface import Samples
from duplex.train.speech.synthesizers import EspeakSynthesizer, HibariSynthesizer, SynthesizerMissingError
from duplex.train.speech.voices import Cast, Manner, UserVoice
from tests.duplex.train.speech.texts import HUM_HZ, HUMMING, Absent, Hum

SAME = Manner(speed=1.0, pitch=1.0, size=1.0)


def loudest_hz(samples: Samples) -> float:
    spectrum = np.abs(np.fft.rfft(samples * np.hanning(len(samples))))
    return float(np.argmax(spectrum) * 16_000 / len(samples))


def say(manner: Manner, text: str = "what is the capital") -> Samples:
    return UserVoice("hibari/heart", Hum(), manner, 0.06).say(text, random.Random(0))


def test_speech_is_trimmed_and_levelled() -> None:
    samples = say(SAME)
    assert np.sqrt(np.mean(samples**2)) == pytest.approx(0.06, rel=0.05)
    assert len(samples) == pytest.approx(len("what is the capital") * 0.06 * 16_000 + 640, abs=400)


def test_size_moves_pitch_and_keeps_the_pace() -> None:
    small, same = say(Manner(1.0, 1.0, 1.15)), say(SAME)
    assert loudest_hz(small) == pytest.approx(HUM_HZ * 1.15, rel=0.01)
    assert len(small) == pytest.approx(len(same), rel=0.02)


def test_pitch_and_speed_reach_the_synthesizer() -> None:
    fast = say(Manner(1.25, 0.7, 1.0))
    assert loudest_hz(fast) == pytest.approx(HUM_HZ * 0.7, rel=0.01)
    assert len(fast) < 0.85 * len(say(SAME))


def test_silent_synthesizer_gives_no_samples() -> None:
    class Mute(Hum):
        def speak(self, text: str, voice: str, speed: float, pitch: float, seed: int) -> tuple[Samples, int]:
            return np.zeros(0, np.float32), 16_000

    assert len(UserVoice("mute/x", Mute(), SAME, 0.06).say("hello", random.Random(0))) == 0


def test_no_held_out_voice_is_in_training() -> None:
    cast = CastConfig()
    trained = {part for name in (*cast.training, *cast.slow) for part in name.partition("/")[2].split("+")}
    held_out = {name.partition("/")[2] for name in (*cast.held_out, *cast.held_out_robot)}
    assert not trained & held_out
    assert not {"kal", "kal16"} & trained


def test_missing_synthesizers_are_named_and_skipped() -> None:
    cast = Cast(CastConfig(), MannerConfig(), {**HUMMING, "piper": Absent, "flite": Absent})
    names = {cast.draw(cast.config.training, random.Random(seed)).name for seed in range(60)}
    assert not [name for name in names if name.startswith(("piper", "flite"))]
    assert cast.missing["piper"] == "absent is not installed; pip install 'duplex-voice[train]'"


def test_no_synthesizer_at_all_is_an_error() -> None:
    cast = Cast(CastConfig(), MannerConfig(), {"hibari": Absent})
    with pytest.raises(SynthesizerMissingError, match="absent is not installed"):
        cast.draw({"hibari/heart": 1.0}, random.Random(0))


def test_unknown_synthesizer_is_an_error() -> None:
    with pytest.raises(SynthesizerMissingError, match="there is no synthesizer 'parrot'"):
        Cast(CastConfig(), MannerConfig()).voice("parrot/polly", random.Random(0))


@pytest.mark.parametrize("synthesizer", [HibariSynthesizer, EspeakSynthesizer])
def test_real_synthesizers_speak(synthesizer: type[HibariSynthesizer] | type[EspeakSynthesizer]) -> None:
    try:
        voice = UserVoice("x/en-us", synthesizer(), SAME, 0.06)
    except SynthesizerMissingError as error:
        pytest.skip(str(error))
    samples = voice.say("What is the capital of France?", random.Random(0))
    assert 0.8 * 16_000 < len(samples) < 4 * 16_000
    assert np.array_equal(samples, voice.say("What is the capital of France?", random.Random(0)))
