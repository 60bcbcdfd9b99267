"""Voice activity by Silero VAD, live."""

from pydantic import Field

from configs.audio import AUDIO
from configs.base import Config, exact_div


class SileroActivityConfig(Config):
    """Voice begins where the probability of a window of 512 samples is `threshold`, and ends below `release`.

    Frames of `frame_ms` get what the newest complete window says.
    """

    threshold: float = Field(default=0.5, ge=0, le=1)
    release: float = Field(default=0.35, ge=0, le=1)
    frame_ms: int = 20
    window: int = 512
    context: int = 64
    """Samples before a window that the network sees."""
    memory: int = 128
    """Width of the network's memory."""

    @property
    def frame_samples(self) -> int:
        """Samples of a frame (320)."""
        return exact_div(AUDIO.input_rate * self.frame_ms, 1000)

    @property
    def frames(self) -> int:
        """Frames of a slot (10)."""
        return exact_div(AUDIO.slot_input_samples, self.frame_samples)

    @property
    def delay_ms(self) -> float:
        """What a frame says is at most this old (32)."""
        return self.window * 1000 / AUDIO.input_rate
