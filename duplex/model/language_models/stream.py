"""The pieces of one answer between the thread that produces them and the one that takes them."""

import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import replace

from duplex.model.language_models.interface import AnswerPiece

_LONGEST_WAIT_S = 60.0
"""Of one wait; there is a longest one that the platform takes."""


class PieceStream:
    """`Generation` that a producer fills with `put`. Times are counted from when it was made."""

    def __init__(self, cancel: Callable[[], None] = lambda: None, now: Callable[[], float] = time.monotonic) -> None:
        """`cancel`: tells the producer to stop, at most once. `now`: seconds of a monotonic clock."""
        self._stop, self._now = cancel, now
        self._began = now()
        self._changed = threading.Condition()
        self._pieces: deque[AnswerPiece] = deque()
        self._over = False

    def put(self, piece: AnswerPiece) -> None:
        """Add a piece, with the present time; after the last one, or once cancelled, it is dropped."""
        with self._changed:
            if self._over:
                return
            self._pieces.append(replace(piece, at_ms=self._age_ms()))
            self._over = bool(piece.finish)
            self._changed.notify_all()

    def fail(self, error: str) -> None:
        """End the answer with an error, one line."""
        self.put(AnswerPiece(finish="error", error=error))

    @property
    def over(self) -> bool:
        """The answer is over or was cancelled."""
        with self._changed:
            return self._over

    def take(self, until_ms: float | None = None) -> list[AnswerPiece]:
        """See `Generation.take`."""
        with self._changed:
            while until_ms is not None and not self._over and (left := until_ms - self._age_ms()) > 0:
                self._changed.wait(min(left / 1000, _LONGEST_WAIT_S))
            taken = []
            while self._pieces and (until_ms is None or self._pieces[0].at_ms <= until_ms):
                taken.append(self._pieces.popleft())
            return taken

    def cancel(self) -> None:
        """See `Generation.cancel`."""
        with self._changed:
            stop, self._over = not self._over, True
            self._pieces.clear()
            self._changed.notify_all()
        if stop:
            self._stop()

    def _age_ms(self) -> float:
        return (self._now() - self._began) * 1000
