"""The material of simulated dialogues: spoken lines, short sounds, noise beds, rooms.

This module decides which part of the clip bank is used for what, not what happens in a dialogue.
"""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from configs.train.simulation import SimulationConfig
from duplex.model.interface import Samples
from duplex.train.speech.bank import BankError, BankPart, Line, Piece, ReadingScript
from duplex.train.speech.beds import bed
from duplex.train.speech.rooms import impulse_response
from duplex.train.speech.short_noises import event

TRAINING = {
    "talks": ("questions", "dialogues", "slow_questions", "slow_dialogues"),
    "turns": ("turns", "slow_turns"),
    "backchannels": ("backchannels",),
    "commands": ("commands",),
}
VALIDATION = {
    "talks": ("test_frame", "test_voice_frame", "test_voice"),
    "turns": ("test_turns",),
    "backchannels": ("test_backchannels", "backchannels"),
    "commands": ("test_commands", "commands"),
}
_BABBLE_CLIPS = 200


@dataclass(frozen=True)
class BankScript:
    """A script of the bank with the part that contains its samples."""

    bank: BankPart
    script: ReadingScript

    @property
    def line(self) -> Line:
        """The only or first line."""
        return self.script.lines[0]

    def samples(self) -> Samples:
        """Speech of the first line's first piece."""
        return self.bank.samples(self.line.pieces[0])


@dataclass(frozen=True)
class Library:
    """What scenes draw from; `answers` are spoken by the assistant's voice, for its echo."""

    talks: Sequence[BankScript]
    turns: Sequence[BankScript]
    backchannels: Sequence[BankScript]
    commands: Sequence[BankScript]
    answers: Sequence[BankScript]
    fillers: Sequence[tuple[BankPart, Piece]]
    events: Sequence[Samples]
    beds: Sequence[Samples]
    rooms: Sequence[Samples]


def open_library(folder: Path, config: SimulationConfig, parts: dict[str, tuple[str, ...]]) -> Library:
    """Open a library of the bank's `parts`; parts that were not spoken are left out.

    Raises:
        BankError: nothing was spoken for a purpose that dialogues require.
    """
    spoken = {use: read_parts(folder, names) for use, names in parts.items()}
    rng = np.random.default_rng(config.seed)
    voices = [clip.samples() for clip in random.Random(config.seed).choices(spoken["talks"], k=_BABBLE_CLIPS)]
    return Library(
        **spoken,
        answers=read_part(folder, "answers"),
        fillers=[(turn.bank, piece) for turn in spoken["turns"] for piece in turn.line.pieces if piece.mark == "f"],
        events=[event(rng) for _ in range(config.noises.events)],
        beds=[bed(rng, config.noises, voices) for _ in range(config.noises.beds)],
        rooms=[impulse_response(rng, config.rooms) for _ in range(config.rooms.rooms)],
    )


def read_parts(folder: Path, parts: Sequence[str]) -> list[BankScript]:
    """All scripts of the parts that were spoken.

    Raises:
        BankError: none was spoken.
    """
    spoken = [clip for part in parts for clip in read_part(folder, part)]
    if not spoken:
        raise BankError(f"{folder}: nothing was spoken for {', '.join(parts)}; run 'duplex train speech' first")
    return spoken


def read_part(folder: Path, part: str) -> list[BankScript]:
    """Scripts of one part; none if it was not spoken."""
    try:
        bank = BankPart(folder, part)
    except BankError:
        return []
    return [BankScript(bank, script) for script in bank.scripts if _audible(script)]


def _audible(script: ReadingScript) -> bool:
    return all(any(piece.length for piece in line.pieces) for line in script.lines)
