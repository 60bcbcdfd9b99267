"""One answer of the assistant while it is generated and spoken: its words, when they sound, and what was heard of it.

Speech tokens come slot by slot; their sound comes `delay_ms` later, so an answer of n slots of tokens sounds from
`delay_ms` to n * 200 ms + `delay_ms`. This module is pure Python and does not depend on tensors, models or turns.
"""

from collections.abc import Sequence

from configs.audio import AUDIO
from configs.model.live_turns import LiveTurnsConfig
from duplex.model.interface import SpokenWord
from duplex.model.text.sounding_word import SoundingWord, measure_played
from duplex.model.text.word_clock import WordClock
from duplex.model.text.word_stream import WordStream


class SoundingAnswer:
    """One answer. `made`: the model has generated all of it."""

    def __init__(self, index: int, speaks: bool, delay_ms: float, config: LiveTurnsConfig) -> None:
        """`index` is the number of the answer in the conversation; one that does not speak is read as it is written."""
        self.index = index
        self.speaks = speaks
        self.made = False
        self._config = config
        self._delay_ms = delay_ms
        self._text = WordStream()
        self._clock = WordClock(config.clock)
        self._pieces: dict[int, list[tuple[float, float, float]]] = {}
        self._token_slots = 0
        self._slots = 0

    def write(self, piece: str) -> tuple[str, ...]:
        """Add text that became known; returns the words that it completes."""
        return self._know(self._text.push(piece))

    def end(self) -> tuple[str, ...]:
        """End the text; returns the last word if it was not complete."""
        self.made = True
        return self._know(self._text.end())

    def prime(self) -> None:
        """Speak a slot of tokens before the first slot of sound, which shortens the delay by one slot."""
        self._token_slots += 1
        self._delay_ms -= AUDIO.slot_ms

    def sound(self, speaking: bool, spoken: tuple[SoundingWord, ...] | None = None) -> tuple[SpokenWord, ...]:
        """Take the next slot of sound; returns the words in it.

        Args:
            speaking: the slot has speech tokens; otherwise delayed sound is played.
            spoken: its words if the model knows them; otherwise they are estimated.
        """
        if not self.speaks:
            new = range(len(self._pieces), len(self._text.words))
            return self._say([SoundingWord(word, 0.0, 0.0, 1.0) for word in new])
        if not (self.sounds or speaking):
            return ()
        begin = self._delay_ms - self._slots * AUDIO.slot_ms
        self._slots += 1
        self._token_slots += speaking
        end = min(AUDIO.slot_ms + self._left_ms, AUDIO.slot_ms) if self.made else AUDIO.slot_ms
        parts = spoken
        if parts is None:
            parts = self._clock.slot(max(begin, 0.0), end)
            parts += self._clock.end(end) if self.over else ()
        return self._say(parts)

    @property
    def sounds(self) -> bool:
        """Whether it has begun to sound."""
        return self._token_slots > 0

    @property
    def over(self) -> bool:
        """Whether everything has been generated and has sounded, except for less than a packet."""
        return self.made and (self._left_ms < AUDIO.packet_ms or not self.sounds)

    def find_heard_text(self, unheard_ms: float = 0.0) -> str:
        """The text up to the last word of which enough was heard, if the newest `unheard_ms` of the sound were not
        heard."""
        until = self._slots * AUDIO.slot_ms - unheard_ms
        shares = {word: measure_played(pieces, until) for word, pieces in self._pieces.items()}
        heard = [word for word, share in shares.items() if share >= self._config.heard_fraction]
        return self._text.until(max(heard) + 1 if heard else 0)

    @property
    def text(self) -> str:
        """All text that is known."""
        return self._text.text.strip()

    @property
    def complete_words(self) -> str:
        """The text that is known, up to the end of its last complete word."""
        return self._text.until(len(self._text.words))

    @property
    def begun(self) -> int:
        """Number of words that have begun to sound."""
        return max(self._pieces, default=-1) + 1

    def count_heard_slots(self, unheard_ms: float = 0.0) -> int:
        """Number of slots of speech tokens that were heard; a slot counts if at least half of it was."""
        return max(round(self._slots - (self._delay_ms + unheard_ms) / AUDIO.slot_ms), 0)

    @property
    def _left_ms(self) -> float:
        """Length of the sound of the tokens so far that has not been played yet."""
        return (self._token_slots - self._slots) * AUDIO.slot_ms + self._delay_ms

    def _know(self, words: Sequence[str]) -> tuple[str, ...]:
        self._clock.add(words)
        return tuple(words)

    def _say(self, parts: Sequence[SoundingWord]) -> tuple[SpokenWord, ...]:
        begin = (self._slots - 1) * AUDIO.slot_ms if self.speaks else 0.0
        for part in parts:
            pieces = self._pieces.setdefault(part.item, [])
            pieces.append((begin + part.start_ms, begin + part.end_ms, part.done))
        words = self._text.words
        return tuple(
            SpokenWord(self.index, part.item, words[part.item], part.start_ms, part.end_ms, part.done) for part in parts
        )
