"""One answer of the assistant while it is made and spoken: its words, when they sound, and what was heard of it.

Speech tokens come slot by slot; their sound comes `delay_ms` later, so an answer of n slots of tokens sounds from
`delay_ms` to n * 200 ms + `delay_ms`. Pure Python: knows words and slots; knows nothing of tensors, models or turns.
"""

from collections.abc import Sequence

from configs.audio import AUDIO
from configs.model.live_turns import LiveTurnsConfig
from duplex.model.interface import SpokenWord
from duplex.model.text.sounding_word import SoundingWord, measure_played
from duplex.model.text.word_clock import WordClock
from duplex.model.text.word_stream import WordStream


class SoundingAnswer:
    """One answer. `made`: the model has come to its end."""

    def __init__(self, index: int, speaks: bool, delay_ms: float, config: LiveTurnsConfig) -> None:
        """`index` counts the answers of the conversation; one that does not speak is read as it is written."""
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
        """Text that became known; returns the words that are complete with it."""
        return self._know(self._text.push(piece))

    def end(self) -> tuple[str, ...]:
        """The model has come to its end; returns the last word, if it was not complete."""
        self.made = True
        return self._know(self._text.end())

    def prime(self) -> None:
        """A slot of tokens is spoken before the first slot of sound: the delay is shorter by so much."""
        self._token_slots += 1
        self._delay_ms -= AUDIO.slot_ms

    def sound(self, speaking: bool, spoken: tuple[SoundingWord, ...] | None = None) -> tuple[SpokenWord, ...]:
        """The next slot of sound; returns the words in it.

        Args:
            speaking: speech tokens belong to the slot; else what is delayed sounds.
            spoken: its words where the model knows them, else they are estimated.
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
        """It has begun to sound."""
        return self._token_slots > 0

    @property
    def over(self) -> bool:
        """Everything has been made and has sounded, but for less than a packet."""
        return self.made and (self._left_ms < AUDIO.packet_ms or not self.sounds)

    def find_heard_text(self, unheard_ms: float = 0.0) -> str:
        """The text up to the last word of which enough was heard; the newest `unheard_ms` of the sound were not."""
        until = self._slots * AUDIO.slot_ms - unheard_ms
        shares = {word: measure_played(pieces, until) for word, pieces in self._pieces.items()}
        heard = [word for word, share in shares.items() if share >= self._config.heard_fraction]
        return self._text.until(max(heard) + 1 if heard else 0)

    @property
    def text(self) -> str:
        """All text that is known."""
        return self._text.text.strip()

    def count_heard_slots(self, unheard_ms: float = 0.0) -> int:
        """Slots of speech tokens that were heard, to a half."""
        return max(round(self._slots - (self._delay_ms + unheard_ms) / AUDIO.slot_ms), 0)

    @property
    def _left_ms(self) -> float:
        """Sound of the tokens so far that is still to come."""
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
