"""Watches the descriptor of the engine on the event loop; each engine that is started has one of its own."""

import asyncio
from collections.abc import Callable


class EngineWatch:
    """Calls `pump` whenever the engine has something."""

    def __init__(self, pump: Callable[[], None]) -> None:
        self._pump = pump
        self._watched: int | None = None

    def follow(self, descriptor: int | None) -> None:
        """Watch `descriptor` from now on, instead of the one before; None watches nothing."""
        if descriptor == self._watched:
            return
        loop = asyncio.get_running_loop()
        if self._watched is not None:
            loop.remove_reader(self._watched)
        if descriptor is not None:
            loop.add_reader(descriptor, self._pump)
        self._watched = descriptor
