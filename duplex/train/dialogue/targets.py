"""Projection targets of a scene: where the user's voice will be, and how long the turn will last.

The voice windows follow voice activity projection (Ekstedt and Skantze 2022), with fewer, coarser windows for the user
only; the time to the end is ours. Nothing here depends on the assistant.
"""

import numpy as np
from numpy.typing import NDArray

from configs.audio import AUDIO
from configs.train.simulation import ProjectionConfig
from duplex.train.dialogue.scene import Scene
from duplex.train.dialogue.word_arrival import find_voiced_frames

_FRAMES_A_SECOND = 1000 // AUDIO.packet_ms


def voice_windows(scene: Scene, slots: int, config: ProjectionConfig) -> NDArray[np.float32]:
    """[T, windows] 1 where the voice of a turn fills enough of a window after the slot (Ekstedt and Skantze 2022)."""
    frames = find_voiced_frames(scene, slots, sounds=False)
    passed = np.concatenate([[0], np.cumsum(frames)])
    ends = (np.arange(slots) + 1) * AUDIO.packets_per_slot
    columns = []
    for low, high in config.windows:
        first, last = round(low * _FRAMES_A_SECOND), round(high * _FRAMES_A_SECOND)
        clipped = [np.clip(ends + place, 0, len(frames)) for place in (first, last)]
        columns.append((passed[clipped[1]] - passed[clipped[0]]) / (last - first) > config.voiced_share)
    return np.stack(columns, axis=1).astype(np.float32)


def time_to_end(scene: Scene, slots: int, config: ProjectionConfig) -> NDArray[np.int64]:
    """Classes [T]: 0 if no turn is in progress, otherwise by the seconds until it ends."""
    classes = np.zeros(slots, np.int64)
    now = (np.arange(slots) + 1) * AUDIO.slot_seconds
    for turn in scene.turns:
        inside = (now > turn.start) & (now < turn.end)
        classes[inside] = 1 + np.digitize(turn.end - now[inside], config.ends)
    return classes


def find_known_slots(slots: int, config: ProjectionConfig) -> NDArray[np.bool_]:
    """Mask [T] of slots after which every window still lies within the dialogue."""
    reach = max(high for _, high in config.windows)
    return np.asarray((np.arange(slots) + 1) * AUDIO.slot_seconds + reach <= slots * AUDIO.slot_seconds + 1e-9)
