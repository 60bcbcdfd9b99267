"""Children of a server start whole, whenever Ctrl-C comes."""

import signal
from multiprocessing.process import BaseProcess

import pytest

from runtime.child_processes import start_shielded


class Starting(BaseProcess):
    """Ctrl-C comes while it is being started."""

    def __init__(self) -> None:
        self.blocked: set[int] = set()
        self.whole = False

    def start(self) -> None:
        """See `BaseProcess`."""
        if hasattr(signal, "pthread_sigmask"):
            self.blocked = set(signal.pthread_sigmask(signal.SIG_BLOCK, ()))
        signal.getsignal(signal.SIGINT)(signal.SIGINT, None)  # type: ignore[operator, misc] - another thread took it
        self.whole = True


def test_ctrl_c_counts_once_the_child_has_all_it_needs() -> None:
    process, before = Starting(), signal.getsignal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt):
        start_shielded(process)
    assert process.whole
    assert signal.getsignal(signal.SIGINT) is before
    if hasattr(signal, "pthread_sigmask"):
        assert signal.SIGINT in process.blocked
        assert signal.SIGINT not in signal.pthread_sigmask(signal.SIG_BLOCK, ())
