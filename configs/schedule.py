"""Lengths of the time-division-multiplexed sequence, in slots and elements."""

from pydantic import Field

from configs.base import Config

SEGMENTS_PER_SLOT = 2


class ScheduleConfig(Config):
    """The pinned prefix, the rolling window, and how far the text may lead the speech.

    `prefix_places`: cache places reserved for the system prompt. `window_slots`: slots that stay visible.
    `user_words_per_slot`: most text tokens of the user that enter one U element; further ones wait.
    `text_lead_units`: the next text token is held back while this many speech units are known and unspoken.
    """

    prefix_places: int = Field(default=32, ge=0)
    window_slots: int = Field(default=300, ge=1)
    user_words_per_slot: int = Field(default=4, ge=1)
    text_lead_units: int = Field(default=16, ge=1)

    @property
    def cache_places(self) -> int:
        """Number of elements the cache holds: the prefix and both segments of every slot of the window."""
        return self.prefix_places + SEGMENTS_PER_SLOT * self.window_slots
