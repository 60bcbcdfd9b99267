"""Constants of the CosyVoice3 detokenizer: flow (DiT), vocoder (causal HiFT) and how both are streamed.

The defaults are those of the released Fun-CosyVoice3-0.5B. This module holds sizes and lengths only.
"""

from math import prod
from typing import Self

from pydantic import model_validator

from configs.audio import AUDIO
from configs.base import Config, exact_div

Dilations = tuple[int, ...]


class FlowConfig(Config):
    """Speech tokens to mel frames: a diffusion transformer that an Euler solver calls `steps` times.

    `lookahead`: following tokens that a token's frames depend on. `guidance`: weight w of classifier-free guidance,
    (1 + w) conditional - w unconditional. `noise_frames`: length of the fixed noise, drawn from `noise_seed`.
    """

    vocabulary: int = 6561
    mel: int = 80
    speaker: int = 192
    frames_per_token: int = 2
    lookahead: int = 3
    lookahead_channels: int = 1024
    width: int = 1024
    depth: int = 22
    heads: int = 16
    head_size: int = 64
    inner_factor: int = 2
    position_kernel: int = 31
    position_groups: int = 16
    time_size: int = 256
    steps: int = 10
    guidance: float = 0.7
    noise_frames: int = 15_000
    noise_seed: int = 0

    @property
    def attention(self) -> int:
        """Width of queries, keys and values over all heads."""
        return self.heads * self.head_size

    @property
    def position_past(self) -> int:
        """Past frames that a convolution of the position embedding sees."""
        return self.position_kernel - 1


class VocoderConfig(Config):
    """Mel frames to samples: F0 predictor, harmonic source, upsampling network, inverse STFT.

    `look_right`, `f0_right`: following frames that the network and the F0 predictor see.
    """

    mel: int = 80
    sample_rate: int = 24_000
    channels: int = 512
    harmonics: int = 8
    sine_amplitude: float = 0.1
    noise_deviation: float = 0.003
    voiced_hz: float = 10.0
    rates: tuple[int, ...] = (8, 5, 3)
    kernels: tuple[int, ...] = (16, 11, 7)
    fft: int = 16
    hop: int = 4
    block_kernels: tuple[int, ...] = (3, 7, 11)
    block_dilations: tuple[Dilations, ...] = ((1, 3, 5), (1, 3, 5), (1, 3, 5))
    source_kernels: tuple[int, ...] = (7, 7, 11)
    source_dilations: tuple[Dilations, ...] = ((1, 3, 5), (1, 3, 5), (1, 3, 5))
    out_kernel: int = 7
    slope: float = 0.1
    limit: float = 0.99
    look_right: int = 4
    f0_channels: int = 512
    f0_right: int = 3
    f0_layers: int = 5
    noise_seconds: int = 300

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.f0_right >= self.look_right:
            raise ValueError("f0_right must be below look_right")
        return self

    @property
    def spectra_per_frame(self) -> int:
        """Columns of the inverse STFT in one mel frame (120)."""
        return prod(self.rates)

    @property
    def frame_samples(self) -> int:
        """Samples of one mel frame (480)."""
        return self.spectra_per_frame * self.hop

    @property
    def tones(self) -> int:
        """Number of sines in the source: the fundamental and its overtones (9)."""
        return self.harmonics + 1

    @property
    def spectrum(self) -> int:
        """Values of one column of the STFT: real and imaginary, or magnitude and phase (18)."""
        return self.fft + 2

    @property
    def source_strides(self) -> tuple[int, ...]:
        """Columns of the source's STFT in one step of each stage (15, 3, 1)."""
        return tuple(prod(self.rates[stage + 1 :]) for stage in range(len(self.rates)))

    @property
    def held_samples(self) -> int:
        """Samples held back for the look-ahead: `look_right` frames and what the next window still changes (1923)."""
        return self.look_right * self.frame_samples + self.hop - 1

    def stage_channels(self, stage: int) -> int:
        """Channels of upsampling stage `stage`."""
        return exact_div(self.channels, 2 ** (stage + 1))


class AttentionWindowConfig(Config):
    """Which frames see which: tokens come in chunks; a frame sees its chunk and `left` tokens before the chunk.

    `chunk`: tokens in a chunk; None for one endless chunk (every frame sees all others, as in the reference without
    streaming). `first`: tokens in the first chunk; None for `chunk`. `left`: None for all. The released model was
    trained with chunks of 25 tokens and with endless ones.
    """

    chunk: int | None = 25
    first: int | None = None
    left: int | None = 25

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.chunk is not None and self.chunk < 1:
            raise ValueError("chunk must be at least 1 token")
        if self.first is not None and (self.chunk is None or not 0 < self.first <= self.chunk):
            raise ValueError("first needs a chunk and lies between 1 and chunk")
        if self.left is not None and self.left < 0:
            raise ValueError("left cannot be negative")
        return self

    def start(self, token: int) -> int:
        """First token of the chunk that holds `token`."""
        if self.chunk is None:
            return 0
        first = self.first or self.chunk
        return 0 if token < first else first + (token - first) // self.chunk * self.chunk


ENDLESS = AttentionWindowConfig(chunk=None, left=None)
"""Every frame sees every other, as in the reference without streaming."""


class StreamConfig(Config):
    """Streaming: `hop` tokens per step, the window of the flow, what a cut and an onset sound like.

    `lookahead`: tokens that the flow waits for; with fewer than it was trained with (zeros replace the missing ones),
    sound comes earlier and differs. `silence`: token that replaces ids without sound within speech.
    """

    hop: int = AUDIO.tokens_per_slot
    window: AttentionWindowConfig = AttentionWindowConfig(first=22)
    lookahead: int = 3
    fade_ms: int = 8
    rise_ms: int = 2
    silence: int = 1

    @model_validator(mode="after")
    def _check_bounds(self) -> Self:
        if self.window.chunk is None or self.window.left is None:
            raise ValueError("a stream needs a window with chunk and left; otherwise its cost grows with the utterance")
        if self.hop < self.lookahead:
            raise ValueError("hop must be at least lookahead")
        return self


class CosyVoiceConfig(Config):
    """The whole detokenizer. `voice`: name of the default speaker; None takes the first."""

    flow: FlowConfig = FlowConfig()
    vocoder: VocoderConfig = VocoderConfig()
    stream: StreamConfig = StreamConfig()
    voice: str | None = None

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.flow.mel != self.vocoder.mel:
            raise ValueError("flow.mel and vocoder.mel must be equal")
        if self.stream.lookahead > self.flow.lookahead:
            raise ValueError("stream.lookahead cannot exceed flow.lookahead")
        if self.stream.silence >= self.flow.vocabulary:
            raise ValueError("stream.silence must be below flow.vocabulary")
        return self

    @property
    def token_samples(self) -> int:
        """Samples of one token (960)."""
        return self.flow.frames_per_token * self.vocoder.frame_samples

    @property
    def delay_samples(self) -> int:
        """Look-ahead of a stream: the tokens that the flow waits for plus what the vocoder holds back (4803)."""
        return self.stream.lookahead * self.token_samples + self.vocoder.held_samples

    @property
    def cached_values(self) -> int:
        """How many numbers a conversation stores of the flow's past once its window is full: keys, values,
        convolutions."""
        flow, left = self.flow, self.stream.window.left or 0
        attention = 2 * flow.depth * left * flow.frames_per_token * flow.attention
        return 2 * flow.steps * (attention + 2 * flow.position_past * flow.width)


COSYVOICE3 = CosyVoiceConfig()
"""Fun-CosyVoice3-0.5B-2512, the detokenizer of Fun-Audio-Chat-8B."""

COSYVOICE3_REDUCED = CosyVoiceConfig(
    flow=FlowConfig(lookahead_channels=256, width=256, depth=4, heads=4),
    vocoder=VocoderConfig(channels=64, f0_channels=64),
)
"""The same architecture, smaller, for measurements on a small machine."""

COSYVOICE3_TINY = CosyVoiceConfig(
    flow=FlowConfig(vocabulary=64, speaker=24, lookahead_channels=24, width=32, depth=2, heads=2, head_size=16),
    vocoder=VocoderConfig(channels=16, f0_channels=16),
)
"""For tests."""
