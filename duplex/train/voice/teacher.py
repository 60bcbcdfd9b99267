"""The teacher voice: hibari-tts speaks exactly the given units and returns bands and unit durations.

This module uses hibari's graph (its outputs and its 12.5 ms frames); it does not depend on words, tokens or training.
"""

from dataclasses import dataclass
from pathlib import Path

import hibari
import numpy as np
import onnx
from hibari import Hibari
from numpy.typing import NDArray

from configs.model.voice import BandConfig
from duplex.model.stages.bands import pooling
from duplex.model.text.phonemes import END, START, STRESS, Unit

_DURATION_OUTPUT = "/Clip_output_0"
_BINS, _FRAMES_A_SECOND, _FRAMES_A_DURATION = 601, 80, 2
_WINDOW = 1200
_VOICED_ABOVE_HZ, _LOWEST_HZ, _HIGHEST_HZ = 50.0, 60.0, 500.0
_LOUDEST = 7.0
_ONSET_LEVEL = -3.0
_KEPT_BEFORE_ONSET, _LONGEST_LEAD, _LONGEST_TAIL = 2, 12, 20

Frames = NDArray[np.float32]


@dataclass(frozen=True)
class TeacherSpeech:
    """Speech of the teacher.

    Attributes:
        bands: [T, 98] frames.
        units: START, the units, END.
        milliseconds: duration of each unit, [len(units)].
    """

    bands: Frames
    units: tuple[Unit, ...]
    milliseconds: NDArray[np.float32]


class Teacher:
    """hibari's voice "heart" with its duration output exposed; `scratch` is a folder for the modified graph."""

    def __init__(self, config: BandConfig, scratch: Path) -> None:
        self._config = config
        self._voice = Hibari(model=str(_graph_with_durations(scratch)))
        self._pool_harmonic = pooling(_BINS, config.harmonic)
        self._pool_noise = pooling(_BINS, config.noise)

    def speak(self, units: tuple[Unit, ...], speed: float) -> TeacherSpeech:
        """Speech of units (words, spaces, punctuation; without START and END) at `speed` times the usual pace."""
        ids, owners = self._ids(units)
        inputs = {"ids": np.asarray([ids], np.int64), "speed": np.asarray([speed], np.float32)}
        harmonic, _, periodic, noise, _, f0, durations = self._voice.sess.run(None, inputs)
        frames = self._frames(harmonic[0], periodic[0], noise[0], f0[0])
        counts = np.bincount(owners, durations.ravel(), len(units) + 2).astype(np.int64) * _FRAMES_A_DURATION
        return self._trim(frames, units, counts)

    def _ids(self, units: tuple[Unit, ...]) -> tuple[list[int], list[int]]:
        """Graph ids, and for each id the unit (START is 0) that its duration belongs to."""
        marks = {stress: mark for mark, stress in STRESS.items()}
        ids, owners = [0], [0]
        for owner, unit in enumerate(units, start=1):
            text = marks.get(unit.stress, "") + unit.symbol
            ids += [self._voice.vocab[character] for character in text]
            owners += [owner] * len(text)
        return [*ids, 0], [*owners, len(units) + 1]

    def _frames(self, harmonic: Frames, periodic: Frames, noise: Frames, f0: Frames) -> Frames:
        """[F, 98] bands at the teacher's own frame rate.

        The noise has the power 2 exp(2 ln) + exp(2 lr), from a part with a fixed and a part with a free phase; this
        follows from hibari's synthesis.
        """
        gain = np.log(self._config.window / _WINDOW)
        power = 2 * np.exp(2 * np.minimum(periodic, _LOUDEST)) + np.exp(2 * np.minimum(noise, _LOUDEST))
        tone = self._pool_harmonic @ harmonic + gain
        hiss = 0.5 * np.log(self._pool_noise @ power / 2 + 1e-8) + 0.5 * gain
        voiced = (f0 > _VOICED_ABOVE_HZ).astype(np.float32)
        floor = self._config.floor
        columns = [np.maximum(tone, floor), np.maximum(hiss, floor), self._log_f0(f0, voiced)[None], voiced[None]]
        return np.concatenate(columns).T.astype(np.float32)

    def _log_f0(self, f0: Frames, voiced: Frames) -> Frames:
        """Log F0, interpolated linearly through unvoiced stretches."""
        if not voiced.any():
            return np.full(len(f0), self._config.rest_log_f0, np.float32)
        places = np.arange(len(f0))
        heard = voiced > 0
        values = np.log(np.clip(f0, _LOWEST_HZ, _HIGHEST_HZ))
        return np.interp(places, places[heard], values[heard]).astype(np.float32)

    def _trim(self, frames: Frames, units: tuple[Unit, ...], counts: NDArray[np.int64]) -> TeacherSpeech:
        """Trim the teacher's long lead to just before the first sound, and its tail to a quarter of a second."""
        cut = self._lead_cut(frames, int(counts[0]))
        tail = max(int(counts[-1]) - _LONGEST_TAIL, 0)
        kept = frames[cut : len(frames) - tail]
        counts = counts.copy()
        counts[0] -= cut
        counts[-1] -= tail
        milliseconds = counts.astype(np.float32) * (1000 / _FRAMES_A_SECOND)
        return TeacherSpeech(self._resample(kept), (Unit(START), *units, Unit(END)), milliseconds)

    def _lead_cut(self, frames: Frames, lead: int) -> int:
        tones = self._config.harmonic
        tone = np.where(frames[:lead, -1] > 0, frames[:lead, :tones].max(1), self._config.floor)
        hiss = frames[:lead, tones : tones + self._config.noise].max(1)
        loud = np.maximum(tone, hiss) > _ONSET_LEVEL
        loud[: max(lead - _LONGEST_LEAD, 0)] = False
        onset = int(np.argmax(loud)) if loud.any() else lead
        return max(onset - _KEPT_BEFORE_ONSET, 0)

    def _resample(self, frames: Frames) -> Frames:
        """Frames [T, 98] at the configured frame rate, by linear interpolation."""
        rate = self._config.frame_rate
        count = round(len(frames) * rate / _FRAMES_A_SECOND)
        places = np.clip((np.arange(count) + 0.5) * _FRAMES_A_SECOND / rate - 0.5, 0, len(frames) - 1)
        left = np.floor(places).astype(np.int64)
        right = np.minimum(left + 1, len(frames) - 1)
        share = (places - left)[:, None].astype(np.float32)
        return np.asarray(frames[left] * (1 - share) + frames[right] * share, np.float32)


def _graph_with_durations(folder: Path) -> Path:
    """Copy of hibari's graph that also returns the duration of every id (in units of 25 ms)."""
    path = folder / "hibari_with_durations.onnx"
    graph = onnx.load(Path(hibari.__file__).parent / "assets" / "hibari.onnx")
    graph.graph.output.append(onnx.helper.make_empty_tensor_value_info(_DURATION_OUTPUT))
    onnx.save(graph, path)
    return path
