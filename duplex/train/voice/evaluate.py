"""Measures the voice: is it understood, does it sound clean, are its edges free of clicks, is it fast.

Texts go through the live stages slot by slot; a Whisper model writes down what it hears. Knows files and figures;
knows nothing of training.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import Any

import jiwer
import numpy as np
import soundfile as sf
import soxr
import torch
from faster_whisper import WhisperModel
from numpy.typing import NDArray
from rich.progress import track
from speechmos import dnsmos
from transformers.models.whisper.english_normalizer import EnglishTextNormalizer

from configs.audio import AUDIO
from duplex.stages.detokenizer import DetokenizerInput
from duplex.stages.srh import SrhInput
from duplex.train.voice.corpus import Items, items_of
from duplex.voice import Voice

Samples = NDArray[np.float32]

_JUDGE_RATE = 16_000
_PADDING_S = (0.1, 0.25)
_TAIL_SLOTS = 1
_LONGEST_SLOTS = 400
_HELD_OUT = 12


@dataclass(frozen=True)
class Spoken:
    """One text spoken live: samples, time of each slot in ms, slots before the first sound."""

    samples: Samples
    slot_ms: list[float]
    first_slot: int


def run(
    folder: Path, texts: Sequence[str], whisper: str, out: Path, lead_units: int = 16, mos_clips: int = 20
) -> dict[str, Any]:
    """Speak `texts` with the voice in `folder`; write wavs and `voice.json` to `out`, return the figures.

    `whisper` is a folder or name of a faster-whisper model.
    """
    out.mkdir(parents=True, exist_ok=True)
    voice = Voice.load(folder)
    pairs = [(text, items) for text in texts if (items := items_of(text))]
    spoken = [speak(voice, items, seed, lead_units) for seed, (_, items) in enumerate(track(pairs, "speaking"))]
    figures = {
        **word_errors([text for text, _ in pairs], [one.samples for one in spoken], whisper),
        "dnsmos": round(float(np.mean([quality(one.samples) for one in track(spoken[:mos_clips], "dnsmos")])), 3),
        "dnsmos_n": min(mos_clips, len(spoken)),
        **speed([ms for one in spoken for ms in one.slot_ms]),
        "first_slot": round(float(np.mean([one.first_slot for one in spoken])), 2),
        "seconds": round(sum(len(one.samples) for one in spoken) / AUDIO.output_rate, 1),
    }
    for index, one in enumerate(spoken[:_HELD_OUT]):
        sf.write(out / f"{index:02d}.wav", one.samples, AUDIO.output_rate)
    (out / "voice.json").write_text(json.dumps(figures, indent=2), encoding="utf-8")
    return figures


def speak(voice: Voice, items: Items, seed: int, lead_units: int) -> Spoken:
    """One item a slot, held back while `lead_units` units are queued, until all has sounded."""
    head, detokenizer = voice.head, voice.detokenizer
    head_state, sound_state = head.init_state(1), detokenizer.init_state(1, [seed])
    yes, entered, queued, tail = torch.ones(1, dtype=torch.bool), 0, 0, 0
    pcm: list[Samples] = []
    times: list[float] = []
    first = _LONGEST_SLOTS
    while tail <= _TAIL_SLOTS and len(pcm) < _LONGEST_SLOTS:
        held = queued >= lead_units
        words = list(items[entered : entered + 1]) if not held else []
        finished = not held and entered >= len(items)
        entered += not held
        begin = perf_counter()
        tokens = head.step(SrhInput([words], torch.tensor([finished]), yes), head_state, yes)
        pcm.append(detokenizer.step(DetokenizerInput(tokens.tokens, yes), sound_state, yes)[0].numpy())
        times.append(1000 * (perf_counter() - begin))
        queued, tail = int(tokens.queued[0]), tail + bool(tokens.exhausted[0])
        first = min(first, len(pcm) - 1) if tokens.spoken[0] else first
    return Spoken(np.concatenate(pcm), times, first)


def word_errors(texts: Sequence[str], clips: Sequence[Samples], whisper: str) -> dict[str, Any]:
    """Word error rate of what a Whisper model hears, both sides through Whisper's English normaliser."""
    model = WhisperModel(whisper, device="cpu", compute_type="int8", cpu_threads=1)
    plain = EnglishTextNormalizer({})
    said = [plain(text) for text in texts]
    heard = [plain(_transcript(model, clip)) or "-" for clip in track(clips, "recognising")]
    result = jiwer.process_words(said, heard)
    wrong = [f"{a} | {b}" for a, b in zip(said, heard, strict=True) if a != b]
    return {
        "wer_percent": round(100 * result.wer, 2),
        "texts": len(said),
        "words": sum(len(text.split()) for text in said),
        "substitutions": result.substitutions,
        "deletions": result.deletions,
        "insertions": result.insertions,
        "misheard": wrong,
    }


def quality(samples: Samples) -> float:
    """DNSMOS overall."""
    clip = np.clip(_for_judge(samples), -1, 1)
    return float(dnsmos.run(clip, sr=_JUDGE_RATE)["ovrl_mos"])


def speed(slot_ms: Sequence[float]) -> dict[str, float]:
    """Time of pointer head and detokenizer per slot."""
    return {f"p{percent}_ms": round(float(np.percentile(slot_ms, percent)), 1) for percent in (50, 99)}


def _transcript(model: WhisperModel, samples: Samples) -> str:
    options = {"temperature": 0.0, "condition_on_previous_text": False, "without_timestamps": True}
    segments, _ = model.transcribe(_for_judge(samples), language="en", beam_size=5, **options)
    return " ".join(segment.text for segment in segments)


def _for_judge(samples: Samples) -> Samples:
    """At 16 kHz, below full scale, with a little silence around."""
    loud = max(float(np.abs(samples).max()), 1e-3)
    level = samples * min(1.0, 0.95 / loud)
    padding = tuple(int(seconds * AUDIO.output_rate) for seconds in _PADDING_S)
    return np.asarray(soxr.resample(np.pad(level, padding), AUDIO.output_rate, _JUDGE_RATE), np.float32)
