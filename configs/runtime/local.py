"""Settings of the microphone session on this machine's sound card."""

from pydantic import Field

from configs.audio import AUDIO
from configs.base import Config, exact_div


class EchoCancellerConfig(Config):
    """Echo cancellation. `enabled`: without it the loudspeaker is heard too. `frame_ms`: the canceller's step.

    `max_delay_ms`: upper bound of the delay between loudspeaker and microphone that the canceller is given.
    """

    enabled: bool = True
    frame_ms: int = 10
    max_delay_ms: float = Field(default=400.0, gt=0)

    @property
    def frame_samples(self) -> int:
        """Samples of a step at the input rate."""
        return exact_div(AUDIO.input_rate * self.frame_ms, 1000)


class LocalConfig(Config):
    """Which devices, how they are opened and how often the screen is drawn.

    `input`, `output`: number or part of a name; None takes the system's default. `rates`: sample rates that are
    tried, best first; then the device's own. `latency_s`: latency requested from the sound system.
    `stall_s`: a card that delivers nothing for this long is gone. `ring_s`: how much audio may wait between callback
    and loop. `lead_ms`: silence before the first packet, so that the loudspeaker never runs dry.
    """

    input: str | None = None
    output: str | None = None
    rates: tuple[int, ...] = (48_000,)
    latency_s: float = Field(default=0.1, gt=0)
    stall_s: float = Field(default=4.0, gt=0)
    ring_s: float = Field(default=2.0, gt=0)
    lead_ms: float = Field(default=80.0, ge=0)
    poll_ms: float = Field(default=4.0, gt=0)
    screen_hz: float = Field(default=12.0, gt=0)
    echo: EchoCancellerConfig = EchoCancellerConfig()
