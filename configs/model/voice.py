"""Constants of the voice: acoustic bands, speech tokens, pointer head, detokenizer.

This module holds sizes and lengths only.
"""

from configs.audio import AUDIO
from configs.base import Config, exact_div


class BandConfig(Config):
    """Acoustic frame: log harmonic bands, log noise bands, log F0, voicing."""

    frame_rate: int = 75
    harmonic: int = 64
    noise: int = 32
    window: int = 960
    floor: float = -8.0
    rest_log_f0: float = 5.2

    @property
    def size(self) -> int:
        """Values of one frame (98)."""
        return self.harmonic + self.noise + 2

    @property
    def hop(self) -> int:
        """Samples between frames (320)."""
        return exact_div(AUDIO.output_rate, self.frame_rate)

    @property
    def frames_per_token(self) -> int:
        """Frames in one speech token (3)."""
        return exact_div(self.frame_rate * AUDIO.token_ms, 1000)

    @property
    def token_size(self) -> int:
        """Band values of one speech token (294)."""
        return self.size * self.frames_per_token

    @property
    def frames_per_slot(self) -> int:
        """Frames in one slot (15)."""
        return self.frames_per_token * AUDIO.tokens_per_slot


class TokenizerConfig(Config):
    """Finite scalar quantization (Mentzer et al. 2023): `digits` numbers of `levels` values each per token; sizes of
    the encoder."""

    digits: int = 15
    levels: int = 5
    width: int = 256
    inner: int = 512
    kernel: int = 3
    blocks: int = 3
    right_context: int = 1

    @property
    def top(self) -> int:
        """Largest digit (2): digits run from -top to top."""
        return exact_div(self.levels - 1, 2)


class DetokenizerConfig(Config):
    """Causal decoder from digits to bands, and what the synthesis does at the edges of speech."""

    width: int = 256
    inner: int = 640
    kernel: int = 4
    dilations: tuple[int, ...] = (1, 1, 2, 1, 2, 1)
    head: int = 512
    fade_ms: int = 8
    top_harmonic_hz: float = 11_000.0

    @property
    def fade_samples(self) -> int:
        """Samples of the fade on SPEAK -> MUTE (192)."""
        return exact_div(AUDIO.output_rate * self.fade_ms, 1000)


class SrhConfig(Config):
    """Pointer speech refined head: what it sees around the pointer, its sizes, when it may start.

    `start_units`: speech starts, or resumes after a wait, when this many units are known (or a phrase is complete).
    `pace`: speaking rate given to the networks; trained from 0.9 to 1.1; the present weights follow it only weakly.
    """

    ahead: int = 5
    behind: int = 3
    history: int = 5
    embedding: int = 48
    width: int = 512
    blocks: int = 3
    duration_embedding: int = 32
    duration_width: int = 384
    duration_blocks: int = 2
    duration_classes: int = 24
    duration_ms: int = 25
    hidden: int = 320
    hidden_width: int = 32
    start_units: int = 6
    pace: float = 1.0

    @property
    def window(self) -> int:
        """Units seen at once (9)."""
        return self.behind + 1 + self.ahead


class VoiceConfig(Config):
    """The whole voice."""

    bands: BandConfig = BandConfig()
    tokenizer: TokenizerConfig = TokenizerConfig()
    detokenizer: DetokenizerConfig = DetokenizerConfig()
    srh: SrhConfig = SrhConfig()
