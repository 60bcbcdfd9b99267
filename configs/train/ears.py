"""Settings of the ears' recipes: recognition errors for the mind's training, and the measurements of the ears."""

from configs.base import Config


class RecognitionConfig(Config):
    """How clips are recognised in bulk: like a turn of a conversation, with `lead_s` of silence before the speech.

    `most` lines of the clip bank's `parts`, drawn by `seed`, not longer than `longest_s`, give (said, heard) pairs.
    Each is there at every one of `speeds`, whose pitch goes with the speed: to the recognizer they are other voices.
    Clips are sorted by length within `window` clips, so that the `batch` clips of one pass are about as long.
    """

    parts: tuple[str, ...] = ("questions", "dialogues", "turns")
    most: int = 4000
    speeds: tuple[float, ...] = (1.0,)
    longest_s: float = 20.0
    seed: int = 0
    lead_s: float = 0.3
    batch: int = 16
    window: int = 256


class EarsEvaluation(Config):
    """What is measured of the ears.

    Attributes:
        sets: folders of the data whose clips have a text.
        noises: folder of the data in which nobody speaks.
        lead_s, tail_s: silence around a clip that is fed slot by slot.
        floor: standard deviation of the faint noise under everything; a real microphone is never digital silence.
        silence_s: length of the silent conversation.
        whole_s: length of the recording that is encoded in one go.
        turns_s: lengths of the turns whose decoding is timed.
        repeats: how often each timing is taken.
        seed: of the faint noise.
    """

    sets: tuple[str, ...] = ("librispeech_test_other", "llama_questions", "speech_misc")
    noises: str = "noise"
    lead_s: float = 0.6
    tail_s: float = 2.0
    floor: float = 2e-4
    silence_s: float = 60.0
    whole_s: float = 60.0
    turns_s: tuple[float, ...] = (2.0, 4.0, 8.0)
    repeats: int = 30
    seed: int = 0
