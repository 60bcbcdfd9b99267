"""What keeps long-lived programs from collecting garbage in the middle of a conversation."""

import atexit
import gc


def settle_heap() -> None:
    """Exclude all existing objects from garbage collection, once a program has started.

    A full collection of the objects of torch and transformers takes longer than a slot (240 ms, 380,000 objects), and
    one of the web server's modules longer than a packet (30 ms); both would happen in the middle of a conversation. At
    exit the objects are included again: cycles would otherwise never be freed, and soxr reports that as a leak.
    """
    gc.collect()
    gc.freeze()
    atexit.unregister(gc.unfreeze)
    atexit.register(gc.unfreeze)
