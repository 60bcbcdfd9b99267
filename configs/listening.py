"""How the assistant hears: mel front end, speech encoder, voice activity, transcriber and its source of words.

Knows shapes and rules; knows nothing of weights or files.
"""

from typing import Literal

from configs.audio import AUDIO
from configs.base import Config, exact_div


class MelConfig(Config):
    """Whisper's log-mel front end (Radford et al. 2022), 16 kHz.

    `floor_log10` is the fixed floor of the streaming form: a live stream has no loudest moment to clip against.
    `dynamic_range` is what the whole-clip form keeps below the clip's maximum. Both are log10 of power.
    """

    window: int = 400
    hop: int = 160
    bands: int = 80
    floor_log10: float = -6.5
    dynamic_range: float = 8.0
    smallest_power: float = 1e-10


class WhisperShape(Config):
    """Sizes of a Whisper model; the defaults are tiny.en with the pruned vocabulary of the embedded model."""

    dim: int = 384
    heads: int = 6
    ffn: int = 1536
    encoder_layers: int = 4
    decoder_layers: int = 4
    source_positions: int = 1500
    target_positions: int = 448
    vocab: int = 51_864
    mel: MelConfig = MelConfig()

    @property
    def head_dim(self) -> int:
        """Width of one attention head (64)."""
        return exact_div(self.dim, self.heads)

    @property
    def frame_samples(self) -> int:
        """Input samples per encoder frame (320): the second convolution halves the mel rate."""
        return 2 * self.mel.hop


class EncoderConfig(Config):
    """Block-causal form of the speech encoder.

    A block is one slot; its frames attend to themselves and to `left_frames` before the block. The position
    embeddings repeat every `cycle_frames`, so a stream may be of any length.
    """

    shape: WhisperShape = WhisperShape()
    left_frames: int = 100
    cycle_frames: int = 500

    @property
    def block_frames(self) -> int:
        """Frames per slot (10)."""
        return exact_div(AUDIO.slot_input_samples, self.shape.frame_samples)

    @property
    def lookahead_samples(self) -> int:
        """Samples after a block that its last frame needs (200): two mel hops of the convolutions and half a window."""
        return 2 * self.shape.mel.hop + exact_div(self.shape.mel.window, 2) - self.shape.frame_samples

    @property
    def history_samples(self) -> int:
        """Samples before a slot that its features need, hold-back included (720)."""
        first = 2 * self.shape.mel.hop + exact_div(self.shape.mel.window, 2)
        return first + self.lookahead_samples


class VoiceActivityConfig(Config):
    """webrtcvad on frames of `frame_ms`; `mode` 0 (lets most through) to 3 (strictest)."""

    mode: Literal[0, 1, 2, 3] = 2
    frame_ms: Literal[10, 20, 30] = 20


class TranscriberConfig(Config):
    """When the user's turn is decoded and what is believed of it."""

    shape: WhisperShape = WhisperShape()


class WordsConfig(Config):
    """Where the user's words come from."""

    source: Literal["none", "ctc", "transcriber"] = "transcriber"
    transcriber: TranscriberConfig = TranscriberConfig()
