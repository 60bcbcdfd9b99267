"""A ring of samples between one writer and one reader in different threads."""

import numpy as np

from runtime.pcm import Pcm16


class SampleRing:
    """Holds at most `capacity` samples; never waits and never grows.

    One thread writes, one reads: each moves only its own counter, so no lock is needed.
    """

    def __init__(self, capacity: int) -> None:
        self._data = np.zeros(capacity, dtype=np.int16)
        self._written = 0
        self._read = 0
        self.dropped = 0
        self.missing = 0

    @property
    def waiting(self) -> int:
        """Number of samples that can be read."""
        return self._written - self._read

    def write(self, pcm: Pcm16) -> None:
        """Add samples [n]; those that do not fit are dropped and counted."""
        room = len(self._data) - self.waiting
        fits = pcm[:room]
        self.dropped += len(pcm) - len(fits)
        places = (self._written + np.arange(len(fits))) % len(self._data)
        self._data[places] = fits
        self._written += len(fits)

    def read(self, count: int) -> Pcm16:
        """Up to `count` samples, the oldest first."""
        count = min(count, self.waiting)
        places = (self._read + np.arange(count)) % len(self._data)
        pcm = self._data[places].copy()
        self._read += count
        return pcm

    def read_exactly(self, count: int) -> Pcm16:
        """`count` samples; missing ones are replaced by silence and counted."""
        pcm = self.read(count)
        short = count - len(pcm)
        self.missing += short
        return np.concatenate([pcm, np.zeros(short, dtype=np.int16)]) if short else pcm
