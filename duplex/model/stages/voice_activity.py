"""Voice activity of the user's audio: which 20 ms frames are voiced, and how long the silence has lasted.

The detector is webrtcvad. Nothing here depends on turns or on who may speak.
"""

from dataclasses import dataclass

import torch
import webrtcvad
from torch import Tensor

from configs.audio import AUDIO
from configs.base import exact_div
from configs.model.ears import VoiceActivityConfig

_INT16 = 32767


@dataclass
class VoiceActivityState:
    """State of B conversations: a detector each, and the silence [B] in ms since the last voiced frame."""

    mode: int
    detectors: list[webrtcvad.Vad]
    silence_ms: Tensor

    def reset(self, rows: Tensor) -> None:
        """Forget the rows that are True in `rows [B]`."""
        for row in rows.nonzero()[:, 0].tolist():
            self.detectors[row] = webrtcvad.Vad(self.mode)
        self.silence_ms[rows] = 0


@dataclass(frozen=True)
class VoicedFrames:
    """One slot of B conversations.

    Attributes:
        voiced: [B, frames] bool.
        silence_ms: [B] time from the last voiced frame (or the conversation's start) to the slot's end.
    """

    voiced: Tensor
    silence_ms: Tensor

    @property
    def fraction(self) -> Tensor:
        """Voiced share [B] of the slot."""
        return self.voiced.float().mean(dim=1)


class VoiceActivity:
    """webrtcvad on every frame of a slot, with a detector of its own per row."""

    delay_ms: float = 0.0

    def __init__(self, config: VoiceActivityConfig) -> None:
        self.config = config
        self._samples = exact_div(AUDIO.input_rate * config.frame_ms, 1000)
        self.frames = exact_div(AUDIO.slot_input_samples, self._samples)

    def init_state(self, batch: int) -> VoiceActivityState:
        """Fresh state for `batch` conversations."""
        mode = self.config.mode
        return VoiceActivityState(
            mode, [webrtcvad.Vad(mode) for _ in range(batch)], torch.zeros(batch, dtype=torch.long)
        )

    def step(self, pcm: Tensor, state: VoiceActivityState, active: Tensor) -> VoicedFrames:
        """Run one slot: pcm [B, 3200] at 16 kHz, -1..1; inactive rows count as unvoiced."""
        voiced = torch.zeros(pcm.shape[0], self.frames, dtype=torch.bool)
        for row in active.nonzero()[:, 0].tolist():
            voiced[row] = self._row(pcm[row], state.detectors[row])
        newest = torch.where(voiced.any(1), voiced.flip(1).int().argmax(1), self.frames)
        passed = newest * self.config.frame_ms + torch.where(voiced.any(1), 0, state.silence_ms)
        state.silence_ms = torch.where(active, passed, state.silence_ms)
        return VoicedFrames(voiced, state.silence_ms.clone())

    def _row(self, pcm: Tensor, detector: webrtcvad.Vad) -> Tensor:
        samples = (pcm.clamp(-1, 1) * _INT16).to(torch.int16)
        frames = (frame.numpy().tobytes() for frame in samples.split(self._samples))
        return torch.tensor([detector.is_speech(frame, AUDIO.input_rate) for frame in frames])
