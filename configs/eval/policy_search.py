"""Which state policies are compared, and which of them counts as the best. Times are in seconds."""

from pydantic import Field

from configs.base import Config
from configs.policy import PolicyConfig, Threshold


class StartGridConfig(Config):
    """Starts that are tried: every probability with every number of slots; `late` adds late starts."""

    probability: tuple[float, ...] = (0.4, 0.5, 0.6, 0.7, 0.79, 0.85, 0.9, 0.95)
    slots: tuple[int, ...] = (1, 2, 3)
    late: tuple[Threshold, ...] = (Threshold(probability=0.06, slots=7),)


class StopGridConfig(Config):
    """Stops that are tried: every probability with every number of slots and every `stop_at_once` threshold."""

    probability: tuple[float, ...] = (0.1, 0.2, 0.3, 0.4)
    slots: tuple[int, ...] = (1, 2, 3)
    at_once: tuple[float, ...] = (0.0, 0.01, 0.03, 0.1)


class PolicySearchConfig(Config):
    """Both searches begin with `base`; one changes its start, the other its stop.

    The best start takes the turn in at most `takeovers` of the pauses and `clip_takeovers` of the human clips, answers
    `answered` of the turns within `answer_s`, and answers soonest (median).
    The best stop ignores at least `backchannels` of the backchannels and `noises` of the noises, and has the largest
    sum of yield rate and selectivity. Policies within `tie` of that sum cannot be told apart with this number of
    dialogues; the one that stops soonest wins.
    """

    base: PolicyConfig = PolicyConfig()
    start: StartGridConfig = StartGridConfig()
    stop: StopGridConfig = StopGridConfig()
    takeovers: float = Field(default=0.12, ge=0.0, le=1.0)
    clip_takeovers: float = Field(default=0.25, ge=0.0, le=1.0)
    answered: float = Field(default=0.97, ge=0.0, le=1.0)
    answer_s: float = Field(default=3.0, gt=0.0)
    backchannels: float = Field(default=0.92, ge=0.0, le=1.0)
    noises: float = Field(default=0.97, ge=0.0, le=1.0)
    tie: float = Field(default=0.02, ge=0.0)

    @property
    def starts(self) -> tuple[PolicyConfig, ...]:
        """`base` with every start of the grid."""
        return tuple(
            self.base.model_copy(update={"start": Threshold(probability=probability, slots=slots), "start_late": late})
            for late in self.start.late
            for slots in self.start.slots
            for probability in self.start.probability
        )

    @property
    def stops(self) -> tuple[PolicyConfig, ...]:
        """`base` with every stop of the grid."""
        return tuple(
            self.base.model_copy(
                update={"stop": Threshold(probability=probability, slots=slots), "stop_at_once": at_once}
            )
            for at_once in self.stop.at_once
            for slots in self.stop.slots
            for probability in self.stop.probability
        )
