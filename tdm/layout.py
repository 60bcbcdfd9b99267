"""The TDM layout: the position and cache place of every element, and the elements that it sees.

Sequence: the prefix (system prompt, positions 0..P-1, causal), then for slot t = 0, 1, ... the segments U_t and A_t,
both at position P + t (OmniDRCA, Appendix A). An element of slot t sees the prefix, both segments of the earlier
slots of the window, and itself; U_t and A_t do not see each other:

    keys      P0 P1 | U0 A0 | U1 A1
    P1        x  x  | .  .  | .  .
    U1        x  x  | x  x  | x  .
    A1        x  x  | x  x  | .  x

The position (for the rotary embedding) counts slots and grows without end; the place (in the cache) counts elements
and rolls: the prefix is pinned, slot t takes the places of slot t - window_slots.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from configs.schedule import SEGMENTS_PER_SLOT, ScheduleConfig
from tdm.slots import Segment


@dataclass(frozen=True)
class Element:
    """One element of the sequence; in the prefix `slot` is None and `index` counts the tokens."""

    slot: int | None
    index: int

    @staticmethod
    def prefix(index: int) -> "Element":
        """Token `index` of the system prompt."""
        return Element(None, index)

    @staticmethod
    def of(slot: int, segment: Segment) -> "Element":
        """The element U or A of `slot`."""
        return Element(slot, int(segment))


@dataclass(frozen=True)
class SlotPlan:
    """Where slot t goes: one shared position, two cache places, and the earlier slots that both elements see.

    `visible_slots` is [first, slot); an element always sees itself as well.
    """

    slot: int
    prefix: int
    position: int
    places: tuple[int, int]
    visible_slots: range


class TdmLayout:
    """Positions, places and visibility for one prefix length (OmniDRCA, Appendix A; the rolling window is ours)."""

    def __init__(self, config: ScheduleConfig, prefix: int) -> None:
        """`prefix` is P, the number of system prompt tokens.

        Raises:
            ValueError: the prompt needs more places than the configuration pins.
        """
        if prefix > config.prefix_places:
            raise ValueError(
                f"the system prompt has {prefix} tokens, {config.prefix_places} fit; shorten it or raise prefix_places"
            )
        self.config = config
        self.prefix = prefix

    def position(self, element: Element) -> int:
        """Rotary position P + t, shared by U_t and A_t (OmniDRCA, Appendix A)."""
        return element.index if element.slot is None else self.prefix + element.slot

    def place(self, element: Element) -> int:
        """Cache place: pinned for the prefix, rolling for slots."""
        if element.slot is None:
            return element.index
        ring = element.slot % self.config.window_slots
        return self.config.prefix_places + SEGMENTS_PER_SLOT * ring + element.index

    def visible_slots(self, slot: int) -> range:
        """Earlier slots that an element of `slot` sees."""
        return range(max(0, slot - self.config.window_slots + 1), slot)

    def sees(self, query: Element, key: Element) -> bool:
        """Whether `query` attends to `key`: U_t and A_t of one slot do not see each other (OmniDRCA, Appendix A)."""
        if query.slot is None:
            return key.slot is None and key.index <= query.index
        if key.slot is None:
            return key.index < self.prefix
        return key == query or key.slot in self.visible_slots(query.slot)

    def plan(self, slot: int) -> SlotPlan:
        """The plan of one slot."""
        user, assistant = (self.place(Element.of(slot, segment)) for segment in Segment)
        return SlotPlan(slot, self.prefix, self.prefix + slot, (user, assistant), self.visible_slots(slot))

    def sequence(self, slots: int) -> Iterator[Element]:
        """All elements of a packed dialogue in order: the prefix, then U_0, A_0, U_1, A_1, ..."""
        yield from (Element.prefix(index) for index in range(self.prefix))
        yield from (Element.of(slot, segment) for slot in range(slots) for segment in Segment)
