"""How the assistant hears: mel front end, speech encoder, voice activity, and the sources of the user's words.

This module holds shapes and rules only, no weights or files.
"""

from typing import Literal

from configs.audio import AUDIO
from configs.base import Config, exact_div


class MelConfig(Config):
    """Whisper's log-mel front end (Radford et al. 2022, sec. 2.2), 16 kHz.

    `floor_log10` is the fixed floor of the streaming form, because the maximum of a live stream is not known.
    `dynamic_range` is the range that the whole-clip form keeps below the clip's maximum. Both are log10 of power.
    """

    window: int = 400
    hop: int = 160
    bands: int = 80
    floor_log10: float = -6.5
    dynamic_range: float = 8.0
    smallest_power: float = 1e-10


class WhisperShape(Config):
    """Sizes of a Whisper model; the defaults are tiny.en."""

    dim: int = 384
    heads: int = 6
    ffn: int = 1536
    encoder_layers: int = 4
    decoder_layers: int = 4
    source_positions: int = 1500
    target_positions: int = 448
    mel: MelConfig = MelConfig()

    @property
    def head_dim(self) -> int:
        """Width of one attention head (64)."""
        return exact_div(self.dim, self.heads)

    @property
    def frame_samples(self) -> int:
        """Input samples per encoder frame (320), because the second convolution halves the mel rate."""
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
        """Samples after a block that its last frame needs (200): two mel hops for the convolutions, and half a
        window."""
        return 2 * self.shape.mel.hop + exact_div(self.shape.mel.window, 2) - self.shape.frame_samples

    @property
    def history_samples(self) -> int:
        """Samples before a slot that its features need, including those held back (720)."""
        first = 2 * self.shape.mel.hop + exact_div(self.shape.mel.window, 2)
        return first + self.lookahead_samples


class VoiceActivityConfig(Config):
    """webrtcvad on frames of `frame_ms`; `mode` is 0 (most permissive) to 3 (strictest)."""

    mode: Literal[0, 1, 2, 3] = 2
    frame_ms: Literal[10, 20, 30] = 20


class DecodingConfig(Config):
    """Greedy decoding with timestamps, and rules that keep Whisper from repeating itself or hearing words in noise.

    `tail_s` of silence is appended to a clip. Decoding stops at a closing timestamp within `near_end_s` of the clip's
    end, when the first `loop_tokens` tokens occur again, or after `tokens_per_s` tokens per second (at least
    `least_tokens`). Words that repeat the first ones are dropped if there are more than `words_per_s` per second, or
    more than `doubled_words_per_s` where a whole sentence stands there twice.
    A transcript is dropped when the mean log-probability of its tokens does not exceed `least_logprob` by as much as
    the no-speech probability exceeds `no_speech`, or when a word occurs more than `same_words` times in a row.
    """

    tail_s: float = 1.0
    near_end_s: float = 0.6
    loop_tokens: int = 4
    tokens_per_s: float = 6.0
    least_tokens: int = 8
    words_per_s: float = 4.5
    doubled_words_per_s: float = 3.3
    latest_start_s: float = 1.0
    least_logprob: float = -1.3
    no_speech: float = 0.3
    same_words: int = 4


class TranscriberConfig(Config):
    """When the user's turn is decoded, and which words of a decode are accepted.

    Attributes:
        onset_frames: voiced frames within two slots that open a turn.
        lead_s: audio before the first voiced frame that belongs to the clip.
        pause_ms: silence at the end of a slot after which all words are accepted.
        every_slots: slots between decodes while speech continues; multiplied by each started `slower_each_s` of the
            clip.
        restart_s, restart_pause_s: a clip longer than `restart_s` is replaced by a new one at a pause of
            `restart_pause_s`.
        longest_s: longest clip, because a decode may take about one slot at most.
        answered_s: silence that ends a turn while the assistant speaks.
        abandoned_s: silence that ends a turn while the assistant is mute.
    """

    shape: WhisperShape = WhisperShape()
    decoding: DecodingConfig = DecodingConfig()
    voice: VoiceActivityConfig = VoiceActivityConfig()
    onset_frames: int = 3
    lead_s: float = 0.3
    pause_ms: int = 60
    every_slots: int = 2
    slower_each_s: float = 6.0
    restart_s: float = 8.0
    restart_pause_s: float = 0.2
    longest_s: float = 16.0
    answered_s: float = 0.4
    abandoned_s: float = 4.0


class CtcConfig(Config):
    """A causal CTC network (Graves et al. 2006) on the encoder's features, and the times that end a word or a turn.

    Attributes:
        stride: encoder frames per step of the network.
        width, inner: widths of its residual blocks.
        kernel, dilations: number of steps each block sees, and how far apart they are.
        close_s: time without letters after which an unfinished word counts as finished.
        answered_s: time without letters that ends a turn while the assistant speaks.
        abandoned_s: time without letters that ends a turn while the assistant is mute.
    """

    stride: int = 2
    width: int = 256
    inner: int = 512
    kernel: int = 5
    dilations: tuple[int, ...] = (1, 1, 2, 2)
    close_s: float = 0.4
    answered_s: float = 0.4
    abandoned_s: float = 4.0


Source = Literal["none", "ctc", "transcriber"]


class WordsConfig(Config):
    """Where the user's words come from."""

    source: Source = "transcriber"
    transcriber: TranscriberConfig = TranscriberConfig()
    ctc: CtcConfig = CtcConfig()


class WhisperExport(Config):
    """The part of Whisper's vocabulary that is kept. GPT-2 numbered its tokens by frequency, so low numbers are common.

    These are: tokens of dictionary words (word-internal ones only if `least_words` words use them), whole words below
    number `common_words`, tokens of capitalised dictionary words below `common_capitals` (any common word may begin a
    sentence), tokens of numbers up to `largest_number`, and tokens of `signs`.
    """

    least_words: int = 3
    common_words: int = 44_000
    common_capitals: int = 25_000
    largest_number: int = 2100
    signs: str = ".,?!'-%$&:;/"
