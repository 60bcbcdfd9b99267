"""All kinds of input by name."""

from collections.abc import Callable
from typing import Final

from tests.fuzz import files, network
from tests.fuzz.kind import Kind

KINDS: Final[dict[str, Callable[[], Kind]]] = {
    "requests": network.requests,
    "offers": network.offers,
    "messages": network.messages,
    "sounds": files.sounds,
    "labels": files.labels,
    "slot-logs": files.slot_logs,
    "configurations": files.configurations,
    "reports": files.reports,
}
