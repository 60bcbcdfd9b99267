"""The recipe of the CTC ears: what they are trained on and how, and the comparison of sources of words."""

from configs.base import Config, Range
from configs.train.ears import EarsEvaluation
from configs.train.simulation import ChannelConfig, NoiseConfig, RoomConfig


class CtcStreamConfig(Config):
    """Streams of clips from the bank, as a microphone hears them. Times are in seconds.

    Attributes:
        talks_s, turns_s, backchannels_s, commands_s: most speech taken from each part of the bank.
        stream_s: speech in a stream, which is in one room and encoded in one pass.
        together: how many clips of a script follow each other within a segment.
        gap, pause: silence between clips of a segment, and between segments.
        lead_s, tail_s: silence around the speech that belongs to a segment; together at most `pause`.
        nobody_share: share of segments followed by one with sounds but no speech.
        nobody_s, nobody_level: length of such a segment, and the RMS of its sounds.
    """

    talks_s: float = 12_000.0
    turns_s: float = 5_000.0
    backchannels_s: float = 150.0
    commands_s: float = 200.0
    stream_s: float = 24.0
    together: tuple[int, int] = (1, 3)
    gap: Range = (0.05, 0.6)
    pause: Range = (0.8, 1.2)
    lead_s: float = 0.2
    tail_s: float = 0.6
    nobody_share: float = 0.08
    nobody_s: Range = (1.0, 3.0)
    nobody_level: Range = (0.01, 0.07)
    rooms: RoomConfig = RoomConfig()
    noises: NoiseConfig = NoiseConfig()
    channel: ChannelConfig = ChannelConfig()


class CtcTrainingConfig(Config):
    """How the CTC ears are trained.

    Attributes:
        pieces: size of the byte-pair vocabulary.
        batch: segments per step; `pool` segments are sorted by length, so that those of a batch are about equally long.
        letter_weight: weight of the auxiliary loss on letters, which only helps learning.
        masks, mask_frames: number of masked stretches in a segment, and the longest one (time masking of SpecAugment,
            Park et al. 2019).
        dropout: dropout of single feature values.
    """

    seed: int = 0
    steps: int = 3000
    warmup: int = 100
    rate: float = 2e-3
    decay: float = 0.05
    average: float = 0.99
    pieces: int = 1000
    batch: int = 32
    pool: int = 512
    letter_weight: float = 0.3
    masks: int = 2
    mask_frames: int = 8
    dropout: float = 0.1
    streams: CtcStreamConfig = CtcStreamConfig()


class SourcesConfig(Config):
    """The comparison of sources of words, on voices that none of them were trained on.

    Attributes:
        parts: parts of the clip bank that are spoken by held-out voices.
        sets: data folders whose clips have a transcript.
        most: most clips taken from each.
        listening: how a clip becomes a conversation.
    """

    parts: tuple[str, ...] = ("test_voice", "test_robot")
    sets: tuple[str, ...] = ("llama_questions",)
    most: int = 150
    listening: EarsEvaluation = EarsEvaluation()
