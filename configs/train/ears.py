"""Settings of the ears' recipes: recognition errors for the mind's training, and the measurements of the ears."""

from configs.base import Config


class RecognitionConfig(Config):
    """How clips are recognised in bulk: as turns of a conversation, with `lead_s` of silence before the speech.

    At most `most` lines of the clip bank's `parts`, drawn by `seed` and no longer than `longest_s`, give (said, heard)
    pairs. Each is used at every one of `speeds`; pitch changes with speed, so that the recognizer hears other voices.
    Clips are sorted by length within `window` clips, so that the `batch` clips of one pass are about equally long.
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
        sets: data folders whose clips have a transcript.
        noises: data folder in which nobody speaks.
        lead_s, tail_s: silence around a clip that is fed slot by slot.
        floor: standard deviation of the faint noise under everything, because a real microphone is never digitally
            silent.
        silence_s: length of the silent conversation.
        whole_s: length of the recording that is encoded in one pass.
        turns_s: lengths of the turns whose decoding is timed.
        repeats: how often each timing is measured.
        seed: seed of the faint noise.
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
