"""Simulated dialogues: how they are staged, what the microphone picks up, what is learnt from them and tested with
them.

`configs.train.speech_bank` decides who speaks in them.
"""

from pydantic import Field

from configs.base import Config, Range


class SpreadConfig(Config):
    """A log-normal duration in seconds: median, sigma of its logarithm, clipped to [low, high]."""

    median: float
    sigma: float
    low: float
    high: float


class RoomConfig(Config):
    """Synthesized rooms: reverberation time and early delays in seconds, direct over reverberant sound."""

    rooms: int = 80
    rt60: Range = (0.15, 0.9)
    early_delay: Range = (0.001, 0.04)
    early_reflections: int = 8
    direct_to_reverb_db: Range = (-2.0, 14.0)


class NoiseConfig(Config):
    """Synthesized noises: how many short events and long beds are made, and how long a bed is in seconds."""

    events: int = 360
    beds: int = 60
    bed_seconds: float = 12.0
    babble_voices: tuple[int, int] = (3, 7)


class PauseConfig(Config):
    """Human-like pauses inside a turn, by what comes before them, and what else marks hesitation."""

    sentence: SpreadConfig = SpreadConfig(median=0.55, sigma=0.5, low=0.2, high=1.8)
    filler: SpreadConfig = SpreadConfig(median=0.35, sigma=0.5, low=0.05, high=1.2)
    clause: SpreadConfig = SpreadConfig(median=0.45, sigma=0.55, low=0.12, high=1.8)
    clause_share: float = 0.6
    clause_without: float = 0.04
    hesitation: Range = (1.0, 2.5)
    hesitation_share: float = 0.07
    inside: SpreadConfig = SpreadConfig(median=0.4, sigma=0.5, low=0.15, high=1.4)
    inside_turn_share: float = 0.12
    inside_line: SpreadConfig = SpreadConfig(median=0.45, sigma=0.55, low=0.15, high=1.8)
    inside_line_share: float = 0.4
    filler_in_line_share: float = 0.25
    after_command: SpreadConfig = SpreadConfig(median=0.2, sigma=0.6, low=0.03, high=0.9)


class DeliveryConfig(Config):
    """How a turn sounds beyond its pauses. Levels in dB, fades in seconds."""

    level_db: Range = (-3.0, 3.0)
    fading_share: float = 0.35
    fade_seconds: Range = (0.3, 0.8)
    fade_to: Range = (0.15, 0.5)
    breath_share: float = 0.35
    breath_level: Range = (0.002, 0.012)
    breath_from: float = 0.35
    stretch_share: float = 0.3
    stretch: Range = (0.92, 1.09)


class StageConfig(Config):
    """What happens in a dialogue of `slots` slots. Times in seconds, shares of dialogues, turns or answers.

    `prompt_share`: dialogues with a system prompt. `own_talk_share`: talks that belong to it, the others fit any.
    """

    slots: int = 150
    first_turn: Range = (0.1, 2.5)
    long_turn_share: float = 0.4
    long_answer_share: float = 0.12
    prompt_share: float = 0.5
    own_talk_share: float = 0.5
    part_of_turn_share: float = 0.3
    opening_share: float = 0.3
    opening: Range = (1.0, 7.0)
    nobody_share: float = 0.07
    interrupt_share: float = 0.4
    interrupt_long_share: float = 0.75
    interrupt_after: Range = (0.3, 5.0)
    command_first_share: float = 0.33
    command_only_share: float = 0.2
    pause_between: Range = (0.6, 3.3)
    thinking_time: float = 0.5
    sounds_during_answer: tuple[int, ...] = (0, 1, 1, 2)
    backchannel_share: float = 0.6
    backchannel_db: Range = (-8.0, 2.0)
    event_level: Range = (0.01, 0.07)
    longest_turn: float = 24.0
    shortened_turn: Range = (8.0, 24.0)
    backchannel_alone_share: float = 0.04
    noise_alone_share: float = 0.15


class ChannelConfig(Config):
    """What the microphone picks up. Levels are in dB unless said otherwise; `speech_rms` is the clip bank's level."""

    speech_rms: float = 0.06
    room_share: float = 0.35
    microphone_share: float = 0.4
    bed_share: float = 0.75
    bed_below_speech_db: Range = (8.0, 40.0)
    gain_db: Range = (-10.0, 5.0)
    floor_log10: Range = (-4.5, -3.0)
    echo_share: float = 0.1
    echo_db: Range = (-35.0, -20.0)
    echo_delay: Range = (0.05, 0.25)


class AnswerLengthConfig(Config):
    """Estimated length of an answer without a track: seconds per letter or mark, and the silence around it."""

    per_letter: float = 0.066
    per_pause: float = 0.18
    around: float = 0.3


class SimulationConfig(Config):
    """The recipe of simulated dialogues: the stage, the channel, and the seed of everything drawn."""

    seed: int = 0
    dialogues: int = 2000
    batch: int = 4
    rooms: RoomConfig = RoomConfig()
    noises: NoiseConfig = NoiseConfig()
    pauses: PauseConfig = PauseConfig()
    delivery: DeliveryConfig = DeliveryConfig()
    stage: StageConfig = StageConfig()
    channel: ChannelConfig = ChannelConfig()
    answers: AnswerLengthConfig = AnswerLengthConfig()


class ArrivalConfig(Config):
    """When the user's words reach the model, modelled on the transcriber.

    While speech continues, words older than `agreed_after` seconds become known every `every_slots` slots; silence of
    `close_ms` at the end of a slot makes all words known in the next one, unless the noise hides it
    (`deaf_share` of the dialogues, or `missed_share` of the slots).
    """

    every_slots: int = 2
    agreed_after: Range = (0.4, 0.8)
    close_ms: int = 140
    deaf_share: float = 0.15
    missed_share: float = 0.15


class OracleConfig(Config):
    """What the assistant should do, and how its past is perturbed. Shares are per slot, delays in slots.

    `wrong_weight`: loss weight of slots in which the assistant is in the wrong state. `barely_weight`: loss weight of
    slots in which less than `barely_seconds` of the change can be heard yet.
    """

    wrong_weight: float = 4.0
    barely_weight: float = 0.3
    barely_seconds: float = 0.08
    late_share: float = 0.3
    late_start: tuple[int, ...] = (0, 0, 1, 2, 3, 5, 8, 12, 18)
    late_stop: tuple[int, ...] = (0, 0, 1, 1, 2, 3, 5)
    false_start_share: float = 0.03
    false_start: tuple[int, ...] = (0, 1, 2, 3, 4, 6, 8)
    wrong_stop_share: float = 0.008
    wrong_stop: tuple[int, ...] = (0, 1, 2, 3)
    idle_start_share: float = 0.008
    idle_start: tuple[int, ...] = (1, 2, 4)


class ProjectionConfig(Config):
    """Auxiliary targets: windows of the user's voice (seconds after the slot; in the spirit of voice activity
    projection, Ekstedt and Skantze 2022), and class bounds of the time to the turn's end."""

    windows: tuple[Range, ...] = ((-0.1, 0.0), (0.0, 0.4), (0.4, 0.8), (0.8, 1.4), (1.4, 2.2))
    voiced_share: float = 0.4
    ends: tuple[float, ...] = (0.4, 1.0, 2.0, 4.0)


class DialogueDataConfig(Config):
    """How simulated dialogues become training examples.

    `words_per_slot`: text tokens of the user per slot. `veto_share`: share of the mute slots in which the assistant
    must stay mute that teach the text head to have no words, so that it can veto a wrong start. `waits`: slots between
    the last known word and the answer for turns of these kinds; users who made a statement often continue, and those
    who broke off in the middle of one even more often.
    """

    words_per_slot: int = 4
    veto_share: float = 0.0
    waits: dict[str, int] = Field(default={"reaction": 4, "unfinished": 10})
    arrival: ArrivalConfig = ArrivalConfig()
    oracle: OracleConfig = OracleConfig()
    projection: ProjectionConfig = ProjectionConfig()


class TrialsConfig(Config):
    """Recordings for the evaluation of turn-taking and understanding; times are in seconds.

    `per_pause`: turns for each length of pause. `gap`: length of all other pauses in such a turn. `tics`: number of
    coughs and throat clearings. `streams`: length of recordings in which nobody speaks. `floor`: RMS of the noise under
    everything.
    """

    seed: int = 0
    pauses: tuple[float, ...] = (0.3, 0.6, 1.0)
    per_pause: int = 80
    gap: float = 0.08
    before_pause: float = 0.8
    longest_turn: float = 20.0
    noises: int = 120
    tics: int = 40
    noise_level: Range = (0.015, 0.06)
    backchannel_db: Range = (-6.0, 0.0)
    streams: float = 300.0
    room_level: float = 0.004
    lead: float = 0.8
    floor: float = 2e-4
