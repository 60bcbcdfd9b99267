"""The clip bank of synthesized users: which voices it has, how they vary and how much they speak."""

from pydantic import Field

from configs.base import Config, Range

_TRAINING = {
    "hibari/heart": 46.0,
    "flite/slt": 8.0,
    "flite/rms": 9.0,
    "flite/awb": 9.0,
    "piper/joe": 14.0,
    "festival/cmu_us_slt_arctic_hts": 1.0,
    "espeak/en-us": 1.5,
    "espeak/en-gb": 1.5,
    "espeak/en-gb-scotland": 1.0,
    "espeak/en-us+f2": 1.5,
    "espeak/en-us+f3": 1.5,
    "espeak/en-us+m3": 1.5,
    "espeak/en-us+m5": 1.0,
    "espeak/en-gb+f4": 1.0,
}
_SLOW = {
    "kokoro/jf_alpha": 1.0,
    "kokoro/jf_gongitsune": 1.0,
    "kokoro/jf_nezumi": 1.0,
    "kokoro/jf_alpha+jf_gongitsune": 1.0,
    "kokoro/jf_alpha+jf_nezumi": 1.0,
    "kokoro/jf_gongitsune+jf_nezumi": 1.0,
}
_HELD_OUT = {"kokoro/jm_kumo": 1.0, "kokoro/jf_tebukuro": 1.0}
_HELD_OUT_ROBOT = {"festival/kal_diphone": 1.0}


class CastConfig(Config):
    """Voices as `synthesizer/name`, with their share of the utterances. A Kokoro name can be a mix, `a+b`.

    `training` and `slow` (voices that take long to synthesize) may appear in training data; `held_out` and
    `held_out_robot` never do, because they speak the tests. flite's kal16 is the speaker of festival's kal_diphone.
    """

    training: dict[str, float] = Field(default_factory=lambda: dict(_TRAINING))
    slow: dict[str, float] = Field(default_factory=lambda: dict(_SLOW))
    held_out: dict[str, float] = Field(default_factory=lambda: dict(_HELD_OUT))
    held_out_robot: dict[str, float] = Field(default_factory=lambda: dict(_HELD_OUT_ROBOT))


class MannerConfig(Config):
    """How much one voice may vary. Pitch and size multiply; size shifts formants and pitch together."""

    speed: Range = (0.88, 1.15)
    level_rms: float = 0.06
    low_voice_share: float = 0.45
    low_pitch: Range = (0.55, 0.8)
    low_size: Range = (0.82, 0.97)
    high_pitch: Range = (0.85, 1.2)
    high_size: Range = (0.95, 1.18)
    other_size: Range = (0.88, 1.15)


class AmountConfig(Config):
    """How many scripts of each part are spoken: `slow_` parts by the slow voices, `test_` parts only for tests.

    `questions` are single exchanges, `dialogues` are several exchanges in one voice, `turns` have several pieces.
    """

    questions: int = 5000
    dialogues: int = 900
    turns: int = 1800
    backchannels: int = 600
    commands: int = 300
    answers: int = 300
    slow_questions: int = 700
    slow_dialogues: int = 60
    slow_turns: int = 30
    test_voice: int = 160
    test_frame: int = 160
    test_voice_frame: int = 160
    test_robot: int = 80
    test_turns: int = 120
    test_backchannels: int = 40
    test_commands: int = 30


class SpeechBankConfig(Config):
    """The recipe of the clip bank: voices, manners, amounts and the seed of everything drawn."""

    seed: int = 0
    cast: CastConfig = CastConfig()
    manner: MannerConfig = MannerConfig()
    amounts: AmountConfig = AmountConfig()
