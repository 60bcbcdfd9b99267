"""Token numbers of the embedded Whisper: text, control tokens and timestamps.

The text tokens are GPT-2's byte-level ones, of which only those that English speech needs are kept, in their old order;
end, start, no-speech and the timestamps 0.00, 0.02, ... seconds follow. Nothing here depends on the decoder.
"""

import json
from collections.abc import Iterable, Sequence
from functools import cached_property
from pathlib import Path
from typing import Final, Self

from configs.base import ConfigError
from duplex.io.whole_files import parse_json, write_text

TIME_STEP_S: Final = 0.02
TIMES: Final = 1501
"""Number of timestamp tokens from 0.00 to 30.00 s."""
_SPACE: Final = "Ġ"


def byte_alphabet() -> dict[str, int]:
    """GPT-2's printable character for each byte, as a map from character to byte (Radford et al. 2019)."""
    printable = [*range(ord("!"), ord("~") + 1), *range(ord("¡"), ord("¬") + 1), *range(ord("®"), ord("ÿ") + 1)]
    others = [byte for byte in range(256) if byte not in printable]
    alphabet = {chr(byte): byte for byte in printable}
    return alphabet | {chr(256 + place): byte for place, byte in enumerate(others)}


_BYTES: Final = byte_alphabet()


class WhisperVocabulary:
    """Text tokens by number, and the numbers of the control tokens."""

    def __init__(self, pieces: Sequence[str]) -> None:
        self.pieces = tuple(pieces)

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read the file that `save` wrote.

        Raises:
            ConfigError: the file is missing or is not a JSON list of strings.
        """
        try:
            pieces = parse_json(path.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise ConfigError(f"{path}: no vocabulary can be read ({error}); export Whisper again") from None
        if not isinstance(pieces, list) or not all(isinstance(piece, str) for piece in pieces):
            raise ConfigError(f"{path}: must be a JSON list of strings; export Whisper again")
        return cls(pieces)

    def save(self, path: Path) -> None:
        """Write the pieces as JSON."""
        write_text(path, json.dumps(self.pieces, ensure_ascii=False))

    def __len__(self) -> int:
        return self.first_time + TIMES

    @property
    def end(self) -> int:
        """End of the transcript; every smaller number is text."""
        return len(self.pieces)

    @property
    def start(self) -> int:
        """Start of the transcript."""
        return self.end + 1

    @property
    def no_speech(self) -> int:
        """The token whose probability right after the start is that of no speech."""
        return self.end + 2

    @property
    def first_time(self) -> int:
        """The token of 0.00 s."""
        return self.end + 3

    @cached_property
    def blank(self) -> int | None:
        """The token of a single space, if there is one."""
        return self.pieces.index(_SPACE) if _SPACE in self.pieces else None

    def is_text(self, token: int) -> bool:
        """Whether a token is text, not a control token or timestamp."""
        return token < self.end

    def seconds(self, token: int) -> float:
        """The time of a timestamp token, s."""
        return (token - self.first_time) * TIME_STEP_S

    def starts_word(self, token: int) -> bool:
        """Whether a token begins with a space, so that what came before is a whole word."""
        return self.is_text(token) and self.pieces[token].startswith(_SPACE)

    def text(self, tokens: Iterable[int]) -> str:
        """Text of the text tokens among `tokens`; incomplete UTF-8 at the edges is dropped."""
        characters = "".join(self.pieces[token] for token in tokens if self.is_text(token))
        return bytes(_BYTES[character] for character in characters).decode("utf-8", errors="ignore")
