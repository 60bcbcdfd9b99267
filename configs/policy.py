"""When the assistant starts and stops speaking, as numbers."""

from typing import Literal

from pydantic import Field

from configs.base import Config, ConfigError

PolicyName = Literal["responsive", "balanced", "patient"]


class Threshold(Config):
    """A threshold that p(speak) must stay beyond: past `probability` for `slots` slots in a row."""

    probability: float = Field(ge=0.0, le=1.0)
    slots: int = Field(ge=1)


class PolicyConfig(Config):
    """Hysteresis of the state policy, with separate settings for start and stop.

    The papers describe a state head (OmniDRCA, Appendix A) but give no thresholds; these are ours.

    `start`: SPEAK when p(speak) was above the threshold long enough. `stop`: MUTE when it was below.
    `start_late`: a lower threshold that p(speak) must cross from below and stay above for longer than people pause
    within a turn; it answers users who have finished even if it did not sound like an end.
    `stop_at_once`: a single slot with p(speak) below it is enough for MUTE. A voice that takes the floor leaves no
    doubt, whereas a listener's "mm-hm" leaves p(speak) in doubt for a moment.
    `min_speak_slots`, `min_mute_slots`: shortest duration of each state. `guard_slots`: MUTE at the session's start.
    """

    start: Threshold = Threshold(probability=0.79, slots=1)
    start_late: Threshold = Threshold(probability=0.06, slots=7)
    stop: Threshold = Threshold(probability=0.3, slots=2)
    stop_at_once: float = Field(default=0.1, ge=0.0, le=1.0)
    min_speak_slots: int = Field(default=1, ge=1)
    min_mute_slots: int = Field(default=1, ge=1)
    guard_slots: int = Field(default=2, ge=0)


PRESETS: dict[str, PolicyConfig] = {
    "responsive": PolicyConfig(
        start=Threshold(probability=0.5, slots=1), stop=Threshold(probability=0.4, slots=1), stop_at_once=0.0
    ),
    "balanced": PolicyConfig(),
    "patient": PolicyConfig(
        start=Threshold(probability=0.7, slots=3),
        start_late=Threshold(probability=0.06, slots=10),
        stop=Threshold(probability=0.2, slots=2),
        stop_at_once=0.01,
    ),
}


def policy(name: str) -> PolicyConfig:
    """A preset by name.

    Raises:
        ConfigError: there is no such preset.
    """
    if name not in PRESETS:
        raise ConfigError(f"unknown policy '{name}'; choose one of {', '.join(PRESETS)}")
    return PRESETS[name]
