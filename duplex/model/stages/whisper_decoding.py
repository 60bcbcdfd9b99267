"""Transcribes clips with the whole Whisper, greedily, in batches of clips of one length.

This module combines encoder, decoder and the rules of writing; it does not depend on turns or slots.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor
from torch.nn import functional as F

from configs.audio import AUDIO
from configs.model.ears import DecodingConfig, WhisperShape
from duplex.model.stages.logmel import LogMel
from duplex.model.stages.whisper_blocks import AudioEncoder
from duplex.model.stages.whisper_decoder import DecoderCache, TextDecoder
from duplex.model.stages.whisper_rules import (
    forbid,
    is_over,
    most_tokens,
    no_speech_probability,
    stutters,
    without_repeat,
)
from duplex.model.stages.whisper_weights import load_audio_encoder
from duplex.model.text.whisper_vocabulary import WhisperVocabulary
from duplex.model.weights.quantize import unpack


@dataclass(frozen=True)
class DecodingResult:
    """The transcript of a clip.

    Attributes:
        tokens: text tokens and timestamps, including the given beginning, without the end token.
        logprob: mean natural log-probability of the tokens written after the beginning; 0 if there are none.
        no_speech: probability that nobody speaks.
    """

    tokens: tuple[int, ...]
    logprob: float
    no_speech: float


@dataclass
class _Hypothesis:
    """One clip being written."""

    written: list[int]
    seconds: float
    given: int
    logprobs: list[float] = field(default_factory=list)

    @property
    def mean_logprob(self) -> float:
        return sum(self.logprobs) / max(1, len(self.logprobs))


class Whisper:
    """Encoder, decoder and vocabulary. It has no state and may be used from several threads."""

    def __init__(
        self, encoder: AudioEncoder, decoder: TextDecoder, vocabulary: WhisperVocabulary, config: DecodingConfig
    ) -> None:
        self.encoder, self.decoder, self.vocabulary, self.config = encoder, decoder, vocabulary, config
        self.mel = LogMel(encoder.shape.mel)

    @torch.no_grad()
    def transcribe(self, pcm: Tensor, seconds: Sequence[float], beginning: Sequence[int] = ()) -> list[DecodingResult]:
        """Transcribe pcm [B, N] at 16 kHz, of which `seconds` are not padding; returns a transcript per clip.

        `beginning` is what every transcript starts with (a timestamp, then text tokens); with it, B must be 1.
        """
        tail = round(self.config.tail_s * AUDIO.input_rate)
        features = self.encoder(self.mel.clip(F.pad(pcm, (0, tail))))
        rows = [_Hypothesis(list(beginning), length, len(beginning)) for length in seconds]
        capacity = 2 + len(beginning) + most_tokens(max(seconds), self.config)
        memory = self.decoder.listen(features, min(capacity, self.encoder.shape.target_positions))
        no_speech = self._write(rows, memory, beginning)
        return [self._transcript(row, chance) for row, chance in zip(rows, no_speech, strict=True)]

    def is_believed(self, transcript: DecodingResult) -> bool:
        """Whether a transcript is accepted: False for text that Whisper writes when nobody speaks (the no-speech and
        log-probability criteria of Radford et al. 2022, sec. 4.5, with thresholds of our own)."""
        if stutters(transcript.tokens, self.config.same_words, self.vocabulary):
            return False
        doubt = max(0.0, transcript.no_speech - self.config.no_speech)
        return transcript.logprob >= self.config.least_logprob + doubt

    def _write(self, rows: list[_Hypothesis], memory: DecoderCache, beginning: Sequence[int]) -> list[float]:
        """Write all rows to their end; returns the no-speech probabilities."""
        start = torch.tensor([[self.vocabulary.start, *beginning]]).expand(len(rows), -1)
        hidden = self.decoder(start, memory)
        first = self.decoder.logits(hidden[:, 0])
        no_speech: list[float] = no_speech_probability(first, self.vocabulary).tolist()
        logits = self.decoder.logits(hidden[:, -1]) if beginning else first
        writing = rows
        while memory.length < memory.keys.shape[3]:
            for row, scores in zip(writing, logits, strict=True):
                self._write_one(row, scores)
            alive = [index for index, row in enumerate(writing) if not self._over(row)]
            if not alive:
                break
            if 2 * len(alive) <= len(writing):
                writing, memory = [writing[index] for index in alive], memory.select(torch.tensor(alive))
            newest = torch.tensor([[row.written[-1]] for row in writing])
            logits = self.decoder.logits(self.decoder(newest, memory)[:, -1])
        return no_speech

    def _write_one(self, row: _Hypothesis, scores: Tensor) -> None:
        """Write the likeliest allowed token; a finished row does not change."""
        if self._over(row):
            return
        scores = scores.clone()
        forbid(scores, row.written, self.vocabulary, self.config)
        token = int(scores.argmax())
        if self.vocabulary.is_text(token):
            row.logprobs.append(float(scores[token] - scores.logsumexp(0)))
        row.written.append(token)

    def _over(self, row: _Hypothesis) -> bool:
        written = row.written[row.given :]
        return bool(written) and is_over(row.written, row.seconds, self.vocabulary, self.config)

    def _transcript(self, row: _Hypothesis, no_speech: float) -> DecodingResult:
        tokens = without_repeat(row.written, row.seconds, self.vocabulary, self.config)
        return DecodingResult(tokens, row.mean_logprob, no_speech)


def load_whisper(
    packed: Mapping[str, Tensor],
    vocabulary: WhisperVocabulary,
    shape: WhisperShape,
    config: DecodingConfig,
    dtype: torch.dtype | None = None,
) -> Whisper:
    """Build Whisper from the tensors of `whisper.safetensors`, as stored in the file; `dtype`: see
    `load_audio_encoder`."""
    encoder = {name: value for name, value in packed.items() if name.startswith("model.encoder.")}
    return Whisper(load_audio_encoder(unpack(encoder), shape, dtype), TextDecoder(packed, shape), vocabulary, config)
