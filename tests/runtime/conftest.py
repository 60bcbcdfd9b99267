"""Fixtures of the runtime's tests."""

import logging
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.runtime.session_world import World


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """A hub and its folder."""
    world = World(tmp_path)
    yield world
    world.hub.close_all()


@pytest.fixture(autouse=True)
def _restore_logging() -> Iterator[None]:
    """Leaves handlers and levels as they were before: `duplex serve` sends the log to a stream of its test."""
    root, ours = logging.getLogger(), logging.getLogger("runtime")
    before = root.level, list(root.handlers), ours.level
    yield
    root.setLevel(before[0])
    root.handlers[:] = before[1]
    ours.setLevel(before[2])
