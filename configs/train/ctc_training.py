"""The recipe of the CTC ears: what they listen to and how they learn, and the comparison of sources of words."""

from configs.base import Config, Range
from configs.train.ears import EarsEvaluation
from configs.train.simulation import ChannelConfig, NoiseConfig, RoomConfig


class CtcStreamConfig(Config):
    """Streams of clips of the bank, as a microphone hears them. Times in seconds.

    Attributes:
        talks_s, turns_s, backchannels_s, commands_s: speech that is taken at most of each use of the bank.
        stream_s: speech in a stream, which is in one room and encoded in one go.
        together: how many clips of a script follow each other within a segment.
        gap, pause: silence between clips of a segment, and between segments.
        lead_s, tail_s: silence around the speech that belongs to a segment; together not longer than `pause`.
        nobody_share: segments that are followed by one in which nobody speaks but something sounds.
        nobody_s, nobody_level: its length, and the RMS of what sounds.
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
    """How the CTC ears learn to spell.

    Attributes:
        pieces: size of the vocabulary of byte pairs.
        batch: segments of a step; `pool` segments are sorted by length, so that those of a batch are about as long.
        letter_weight: of spelling by letters, which only helps to learn.
        masks, mask_frames: stretches of a segment that are not heard, and how long one is at most.
        dropout: of single values of the features.
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
    """The comparison of sources of words, on voices that none of them was trained on.

    Attributes:
        parts: of the clip bank, spoken by voices that are kept out of training.
        sets: folders of the data whose clips have a text.
        most: clips taken of each.
        listening: how a clip becomes a conversation.
    """

    parts: tuple[str, ...] = ("test_voice", "test_robot")
    sets: tuple[str, ...] = ("llama_questions",)
    most: int = 150
    listening: EarsEvaluation = EarsEvaluation()
