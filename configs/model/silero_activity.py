"""Settings of live voice activity detection with Silero VAD."""

from pydantic import Field

from configs.audio import AUDIO
from configs.base import Config, exact_div


class SileroActivityConfig(Config):
    """Voice begins where the probability of a window of 512 samples reaches `threshold`, and ends below `release`.

    A frame of `frame_ms` takes the result of the newest complete window.
    """

    threshold: float = Field(default=0.5, ge=0, le=1)
    release: float = Field(default=0.35, ge=0, le=1)
    frame_ms: int = 20
    window: int = 512
    context: int = 64
    """Samples before a window that the network also sees."""
    memory: int = 128
    """Width of the network's recurrent state."""

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
        """Greatest age of a frame's result, ms (32)."""
        return self.window * 1000 / AUDIO.input_rate
