"""Measures the ears: word errors of whole clips and live, words heard in noise, and speed; writes one JSON file.

This module uses the data folder and the ears; it does not depend on the rest of the model.
"""

import json
from collections.abc import Callable, Iterable
from pathlib import Path
from time import thread_time
from typing import Any

import numpy as np
import torch
from rich.progress import track

from configs.audio import AUDIO
from configs.train.ears import EarsEvaluation, RecognitionConfig
from duplex.eval.measures.judge import WordErrors, word_errors
from duplex.eval.users.clip import read_sound
from duplex.eval.users.data_folder import DataFile, DataFolder
from duplex.io.whole_files import write_text
from duplex.model.layouts.tdm.ears import EmbeddedEars
from duplex.model.stages.whisper_decoding import Whisper
from duplex.model.text.spoken import list_spoken_words
from duplex.train.ears.recognition_errors import load_embedded_whisper, recognise
from duplex.train.ears.slot_listener import HeardWords, as_conversation, listen, speech_end_s

_ANSWER = "||"
_MS = 1000

Figures = dict[str, Any]


def run(config: EarsEvaluation, data: Path, ears: Path, out: Path) -> Figures:
    """Measure the ears in the folder `ears` on the test audio in `data`; write and return the figures.

    The file is written after every part, so that an interrupted run keeps its results.

    Raises:
        ConfigError: the weights cannot be read.
        EvaluationError: the data folder is missing or incomplete.
    """
    loaded, whisper, folder = EmbeddedEars.load(ears), load_embedded_whisper(ears), DataFolder(data)
    figures: Figures = {"word_errors": {}}
    for name in config.sets:
        files = [file for file in folder.files(name) if file.text.strip()]
        figures["word_errors"][name] = word_error_rates(config, loaded, whisper, files)
        _write(figures, out)
    figures["noise"] = false_words(config, loaded, folder.files(config.noises))
    figures["speed"] = speeds(config, loaded, whisper)
    _write(figures, out)
    return figures


def word_error_rates(config: EarsEvaluation, ears: EmbeddedEars, whisper: Whisper, files: list[DataFile]) -> Figures:
    """Word error rates ((substitutions + deletions + insertions) / words said) of whole clips and live, and the delay
    of the last words."""
    whole, live, told_all, clips = [], [], [], []
    for file in track(files, description=files[0].name.split("/")[0]):
        clip, said = read_sound(file.path), _words(file.text.split(_ANSWER)[0])
        told = listen(ears, as_conversation(clip, config))
        (text,) = recognise(whisper, [clip], RecognitionConfig())
        whole.append(word_errors(said, _words(text)))
        live.append(word_errors(said, " ".join(one.words.text for one in told)))
        told_all.append(told)
        clips.append(clip)
    ends = [config.lead_s + speech_end_s(clip) for clip in clips]
    return {"n": len(files), "words": sum(one.words for one in whole), "whole": _rate(whole), "live": _rate(live)} | {
        "last_word_after_end_s": _spread([told[-1].at_s - end for told, end in _collect_heard(told_all, ends)]),
        "words_after_end": _spread([_late(told, end) for told, end in _collect_heard(told_all, ends)]),
        "unheard": sum(not told for told in told_all),
    }


def false_words(config: EarsEvaluation, ears: EmbeddedEars, files: list[DataFile]) -> Figures:
    """Words heard in clips without speech and in silence."""
    heard = {}
    for file in track(files, description="noise"):
        told = listen(ears, as_conversation(read_sound(file.path), config))
        if told:
            heard[file.name] = " ".join(one.words.text for one in told)
    silence = as_conversation(np.zeros(round(config.silence_s * AUDIO.input_rate), np.float32), config)
    words = sum(len(one.words.text.split()) for one in listen(ears, silence))
    return {"n": len(files), "with_words": len(heard), "heard": heard, "words_in_silence": words}


def speeds(config: EarsEvaluation, ears: EmbeddedEars, whisper: Whisper) -> Figures:
    """Processor time on one thread of the encoder and of decoding turns; noise replaces speech of the same length."""
    generator = torch.Generator().manual_seed(config.seed)
    state, active = ears.encoder.init_state(1), torch.ones(1, dtype=torch.bool)
    slot = 0.1 * torch.randn(1, AUDIO.slot_input_samples, generator=generator)
    long = 0.1 * torch.randn(1, round(config.whole_s * AUDIO.input_rate), generator=generator)
    whole = _time(lambda: ears.encoder.encode(long), 3)
    return {
        "threads": torch.get_num_threads(),
        "encoder_ms_per_slot": _spread(_time(lambda: ears.encoder.step(slot, state, active), 10 * config.repeats)),
        "encoder_times_real_time": round(config.whole_s * _MS / float(np.median(whole)), 1),
        "decode_ms": {str(length): _decode_ms(config, whisper, length) for length in config.turns_s},
    }


def _decode_ms(config: EarsEvaluation, whisper: Whisper, seconds: float) -> Figures:
    """Time to encode a turn of noise and to write until a rule stops it, which is the most that a decode costs."""
    generator = torch.Generator().manual_seed(config.seed)
    pcm = 0.1 * torch.randn(1, round(seconds * AUDIO.input_rate), generator=generator)
    return _spread(_time(lambda: whisper.transcribe(pcm, [seconds]), config.repeats))


def _time(action: Callable[[], object], repeats: int) -> list[float]:
    """Milliseconds of processor time, after a first run that is not counted."""
    action()
    times = []
    for _ in range(repeats):
        start = thread_time()
        action()
        times.append((thread_time() - start) * _MS)
    return times


def _collect_heard(told: list[list[HeardWords]], ends: list[float]) -> list[tuple[list[HeardWords], float]]:
    return [(one, end) for one, end in zip(told, ends, strict=True) if one]


def _late(told: Iterable[HeardWords], end_s: float) -> float:
    return float(sum(len(one.words.text.split()) for one in told if one.at_s > end_s))


def _write(figures: Figures, out: Path) -> None:
    out.parent.mkdir(parents=True, exist_ok=True)
    write_text(out, json.dumps(figures, indent=2) + "\n")


def _words(text: str) -> str:
    return " ".join(list_spoken_words(text))


def _rate(found: list[WordErrors]) -> float:
    return round(sum(one.errors for one in found) / max(1, sum(one.words for one in found)), 4)


def _spread(values: list[float]) -> Figures:
    if not values:
        return {"n": 0}
    p50, p95, p99 = np.percentile(values, [50, 95, 99]).round(3).tolist()
    return {"n": len(values), "p50": p50, "p95": p95, "p99": p99}
