"""The vocabulary of the schedule: state and segment."""

from enum import IntEnum


class State(IntEnum):
    """What the assistant does in a slot."""

    MUTE = 0
    SPEAK = 1


class Segment(IntEnum):
    """One side of a slot. The order of the members is that of the two elements in the sequence."""

    USER = 0
    ASSISTANT = 1
