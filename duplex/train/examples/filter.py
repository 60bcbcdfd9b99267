"""Leaves out examples that would teach something wrong: turns that are too short or too long, other languages, and
speech whose words are not its text.

    filter = ExampleFilter(FilterConfig(most_word_errors=0.1), folder, recognise)
    kept = [example for example in folder.read("train") if filter.refuse(example) is None]

Nothing here depends on the recogniser.
"""

from collections.abc import Callable

from configs.audio import AUDIO
from configs.train.examples import FilterConfig
from duplex.eval.measures.judge import word_errors
from duplex.io.sound_file import SoundFileError, read_sound_file, resample_to_one
from duplex.model.interface import Samples
from duplex.train.examples.example import Example, Turn
from duplex.train.examples.example_folder import ExampleFolder

Recognise = Callable[[Samples], str]
"""The words of samples [n] at 24 kHz."""


class ExampleFilter:
    """Tells why an example is left out."""

    def __init__(self, config: FilterConfig, folder: ExampleFolder, recognise: Recognise) -> None:
        self._config, self._folder, self._recognise = config, folder, recognise

    def refuse(self, example: Example) -> str | None:
        """Why an example is left out, in a few words; None if it stays. What is costly is asked last."""
        if self._config.languages and example.language not in self._config.languages:
            return "another language"
        for turn in example.turns:
            seconds = self._seconds(turn)
            if seconds is not None and not self._config.shortest_s <= seconds <= self._config.longest_s:
                return "too short" if seconds < self._config.shortest_s else "too long"
        if self._config.most_word_errors is None:
            return None
        return next((why for turn in example.turns if (why := self._judge(turn))), None)

    def _seconds(self, turn: Turn) -> float | None:
        """How long a turn sounds; None if it has no sound, or nobody knows."""
        if turn.seconds:
            return turn.seconds
        tokens = self._folder.info.tokens
        return len(turn.tokens) / tokens.digits / tokens.rate if tokens and turn.tokens else None

    def _judge(self, turn: Turn) -> str | None:
        if not turn.audio or not turn.text:
            return None
        try:
            samples = resample_to_one(read_sound_file(self._folder.sound(turn)), AUDIO.output_rate)
        except SoundFileError:
            return "sound that cannot be read"
        found = word_errors(turn.text, self._recognise(samples))
        assert self._config.most_word_errors is not None
        return "word errors" if found.errors > self._config.most_word_errors * max(1, found.words) else None
