"""Measures the voice: how well it is understood, how clean it sounds, how fast it is and how soon it starts.

Texts go through the live stages slot by slot and are judged by `duplex.eval`. Nothing here depends on training.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np
import soundfile as sf
import torch
from rich.progress import track
from torch import Tensor

from configs.audio import AUDIO
from duplex.eval.measures.judge import WordErrors, quality, recognise, word_errors
from duplex.io.whole_files import write_text
from duplex.model.interface import Samples
from duplex.model.layouts.tdm.voice import EmbeddedVoice
from duplex.model.stages.detokenizer import DetokenizerInput
from duplex.model.stages.srh import SrhInput
from duplex.train.voice.batch import HOLD
from duplex.train.voice.mind_vectors import LiveMind
from duplex.train.voice.teacher_texts import Items, items_of

_PADDING_S = (0.1, 0.25)
_TAIL_SLOTS = 1
_LONGEST_SLOTS = 400
_KEPT_CLIPS = 12


@dataclass(frozen=True)
class LiveSpeech:
    """One text spoken live: samples, time of each slot in ms, slots before the first sound."""

    samples: Samples
    slot_ms: list[float]
    first_slot: int


def run(
    folder: Path,
    texts: Sequence[str],
    out: Path,
    asr: str = "",
    lead_units: int = 16,
    mos_clips: int = 20,
    make_mind: Callable[[str, Tensor], LiveMind] | None = None,
) -> dict[str, Any]:
    """Speak `texts` with the voice in `folder`; write wavs and `voice.json` to `out`, return the figures.

    `asr` is a folder or name of a faster-whisper model, "" the packaged one. `make_mind` gives, for a text and the
    token of silence, the core that answers with the text; without it the head gets no hidden vectors.
    """
    out.mkdir(parents=True, exist_ok=True)
    voice = EmbeddedVoice.load(folder)
    pairs = [(text, items) for text in texts if (items := items_of(text))]
    spoken = [
        speak(voice, items, seed, lead_units, make_mind(text, voice.head.silence) if make_mind else None)
        for seed, (text, items) in enumerate(track(pairs, "speaking"))
    ]
    for index, one in enumerate(spoken[:_KEPT_CLIPS]):
        sf.write(out / f"{index:02d}.wav", one.samples, AUDIO.output_rate)
    figures = {
        **intelligibility([text for text, _ in pairs], [one.samples for one in spoken], asr),
        "dnsmos": round(float(np.mean([quality(one.samples) for one in track(spoken[:mos_clips], "dnsmos")])), 3),
        "dnsmos_n": min(mos_clips, len(spoken)),
        **speed([ms for one in spoken for ms in one.slot_ms]),
        "first_slot": round(float(np.mean([one.first_slot for one in spoken])), 2),
        "seconds": round(sum(len(one.samples) for one in spoken) / AUDIO.output_rate, 1),
    }
    write_text(out / "voice.json", json.dumps(figures, indent=2))
    return figures


def speak(
    voice: EmbeddedVoice, items: Items, seed: int, lead_units: int, live_mind: LiveMind | None = None
) -> LiveSpeech:
    """Speak one item per slot (with a `live_mind` one text token), held back while `lead_units` units are queued."""
    pieces = live_mind.pieces(" ".join(items)) if live_mind else [[item] for item in items]
    head, detokenizer = voice.head, voice.detokenizer
    head_state, sound_state = head.init_state(1), detokenizer.init_state(1, [seed])
    yes, entered, queued, tail = torch.ones(1, dtype=torch.bool), 0, 0, 0
    pcm: list[Samples] = []
    times: list[float] = []
    first = _LONGEST_SLOTS
    while tail <= _TAIL_SLOTS and len(pcm) < _LONGEST_SLOTS:
        held = queued >= lead_units
        entering = HOLD if held or entered > len(pieces) else entered
        words = pieces[entering] if 0 <= entering < len(pieces) else []
        finished = torch.tensor([entered + (not held) > len(pieces)])
        entered += not held
        begin = perf_counter()
        hidden = live_mind.hidden if live_mind else None
        tokens = head.step(SrhInput([words], finished, yes, hidden), head_state, yes)
        pcm.append(detokenizer.step(DetokenizerInput(tokens.tokens, yes), sound_state, yes)[0].numpy())
        times.append(1000 * (perf_counter() - begin))
        if live_mind:
            live_mind.say(entering, tokens.tokens)
        queued, tail = int(tokens.queued[0]), tail + bool(tokens.exhausted[0])
        first = min(first, len(pcm) - 1) if tokens.spoken[0] else first
    return LiveSpeech(np.concatenate(pcm), times, first)


def intelligibility(texts: Sequence[str], clips: Sequence[Samples], asr: str) -> dict[str, Any]:
    """Word error rate ((substitutions + deletions + insertions) / words) of the recogniser, and the misheard texts."""
    heard = [recognise(_pad(clip), asr) for clip in track(clips, "recognising")]
    found = [word_errors(text, words) for text, words in zip(texts, heard, strict=True)]
    total = WordErrors(sum(one.errors for one in found), sum(one.words for one in found))
    wrong = [f"{text} | {words}" for text, words, one in zip(texts, heard, found, strict=True) if one.errors]
    return {
        "wer_percent": round(100 * total.errors / max(total.words, 1), 2),
        "texts": len(texts),
        **asdict(total),
        "misheard": wrong,
    }


def speed(slot_ms: Sequence[float]) -> dict[str, float]:
    """Time of pointer head and detokenizer per slot, ms."""
    return {f"p{percent}_ms": round(float(np.percentile(slot_ms, percent)), 1) for percent in (50, 99)}


def _pad(samples: Samples) -> Samples:
    """Add a little silence on both sides, as a recogniser expects."""
    padding = tuple(int(seconds * AUDIO.output_rate) for seconds in _PADDING_S)
    return np.asarray(np.pad(samples, padding), np.float32)
