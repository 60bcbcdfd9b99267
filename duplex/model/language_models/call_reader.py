"""Takes the calls of functions out of what a local model writes. Knows the form of the text; knows no tokens."""

import json

from duplex.model.language_models.interface import RequestedCall
from duplex.model.tools.calls import CallParser
from duplex.model.tools.records import BrokenCall, ToolCall


class CallReader:
    """Reads one answer. Nothing between the tags of a call is text, and neither is what stands behind a call, because
    the model has no result yet.

    Attributes:
        calls: so far.
        over: the model went on behind a call, which only makes results up.
    """

    def __init__(self) -> None:
        self.calls: tuple[RequestedCall, ...] = ()
        self.over = False
        self._parser = CallParser()

    @property
    def inside(self) -> bool:
        """A call has begun and not ended."""
        return self._parser.inside

    def feed(self, text: str) -> str:
        """What of the next text is to be spoken."""
        return self._take(self._parser.feed(text))

    def finish(self) -> str:
        """The answer is over: the text that waited."""
        return self._take(self._parser.end())

    def _take(self, found: list[str | ToolCall | BrokenCall]) -> str:
        spoken = ""
        for item in found:
            if not isinstance(item, str):
                self.calls += (_request(item, len(self.calls)),)
            elif self.calls:
                self.over |= bool(item.strip())
            else:
                spoken += item
        return spoken


def _request(call: ToolCall | BrokenCall, number: int) -> RequestedCall:
    """A call that cannot be read has no name, and its text in place of the arguments."""
    if isinstance(call, BrokenCall):
        return RequestedCall(f"call_{number}", "", call.text)
    return RequestedCall(f"call_{number}", call.name, json.dumps(call.arguments, ensure_ascii=False))
