"""Reads recordings of a dialogue: one stereo file (user left, assistant right) or two mono files on one clock.

This module handles sound files and rejects those that cannot be scored; it does not depend on speech.
"""

import hashlib
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import soxr
from numpy.typing import NDArray

from configs.eval.scoring import SoundConfig
from duplex.eval.errors import EvaluationError
from duplex.io.sound_file import SoundFile, SoundFileError, is_silent, read_sound_file

ChannelSamples = NDArray[np.float32]
_TWO_WAYS = "give a stereo file (left the user, right the assistant), or the user's file and --assistant FILE"


@dataclass(frozen=True)
class DialogueSound:
    """Both sides of a dialogue.

    Attributes:
        user, assistant: [n] each at `rate` Hz.
        files: path and SHA-256 of what was read, by "user" and "assistant".
        notes: what was changed to make it so, for the user.
    """

    user: ChannelSamples
    assistant: ChannelSamples
    rate: int
    files: dict[str, dict[str, str]]
    notes: tuple[str, ...] = ()

    @property
    def seconds(self) -> float:
        """Length in seconds."""
        return len(self.user) / self.rate


def read_dialogue(path: Path, assistant: Path | None, config: SoundConfig) -> DialogueSound:
    """Read the recording from a stereo file or from two files.

    Args:
        path: both sides, or the user's side. assistant: the assistant's side.

    Raises:
        EvaluationError: a file is missing, is not a sound file, is empty, or has values that are not numbers; one side
            is missing; both sides are one mix; two files differ in length.
    """
    sound = _of_one(path) if assistant is None else _of_two(path, assistant, config)
    _refuse_mix(sound, path, assistant, config)
    sides = (("user", sound.user), ("assistant", sound.assistant))
    silent = [name for name, side in sides if is_silent(side, config.silent_db)]
    notes = (f"{path if name == 'user' else assistant or path}: the {name}'s channel is silent" for name in silent)
    return replace(sound, notes=(*sound.notes, *notes))


def _of_one(path: Path) -> DialogueSound:
    found = _read(path)
    channels = found.samples.shape[1]
    if channels == 1:
        raise EvaluationError(f"{path}: is mono; a mix of both sides cannot be scored; {_TWO_WAYS}")
    if channels > 2:
        raise EvaluationError(f"{path}: has {channels} channels and it is not known whose each is; {_TWO_WAYS}")
    file = _file(path)
    files = {"user": file, "assistant": file}
    return DialogueSound(found.samples[:, 0], found.samples[:, 1], found.rate, files, _notes(found, path))


def _of_two(user: Path, assistant: Path, config: SoundConfig) -> DialogueSound:
    sides: list[ChannelSamples] = []
    rates: list[int] = []
    notes: list[str] = []
    for path in (user, assistant):
        found = _read(path)
        if found.samples.shape[1] > 1:
            raise EvaluationError(
                f"{path}: has {found.samples.shape[1]} channels, but each of two files must hold one side; "
                "give mono files, or one stereo file without --assistant"
            )
        sides.append(found.samples[:, 0])
        rates.append(found.rate)
        notes += _notes(found, path)
    highest = max(rates)
    for at, path in enumerate((user, assistant)):
        if rates[at] != highest:
            sides[at] = np.asarray(soxr.resample(sides[at], rates[at], highest), np.float32)
            notes.append(f"{path}: resampled from {rates[at]} Hz to {highest} Hz, the rate of the other file")
    notes += _same_length(sides, (user, assistant), highest, config)
    files = {"user": _file(user), "assistant": _file(assistant)}
    return DialogueSound(sides[0], sides[1], highest, files, tuple(notes))


def _same_length(sides: list[ChannelSamples], paths: tuple[Path, Path], rate: int, config: SoundConfig) -> list[str]:
    """Pad the shorter side; returns notes if the difference is more than a sample or two of resampling."""
    longest = max(len(side) for side in sides)
    at = 0 if len(sides[0]) < longest else 1
    missing = (longest - len(sides[at])) / rate
    if missing > config.padding_s:
        lengths = " and ".join(f"{path} {len(side) / rate:.2f} s" for path, side in zip(paths, sides, strict=True))
        why = f"differ by {missing:.2f} s, so they are not on one clock"
        raise EvaluationError(f"{lengths}: {why}; give files that begin and end together")
    sides[at] = np.pad(sides[at], (0, longest - len(sides[at])))
    padded = missing > 2 / rate
    return [
        f"{paths[at]}: is {missing * 1000:.0f} ms shorter than the other file; its end is taken as silence"
    ] * padded


def _refuse_mix(sound: DialogueSound, path: Path, assistant: Path | None, config: SoundConfig) -> None:
    first, second = (side - np.median(side) for side in (sound.user, sound.assistant))
    energy = float(np.sqrt(np.dot(first, first) * np.dot(second, second)))
    if energy and abs(float(np.dot(first, second))) >= config.mix_correlation * energy:
        name = f"{path}: both channels are" if assistant is None else f"{path} and {assistant}: both files are"
        raise EvaluationError(f"{name} the same mix; it cannot be told who speaks; record each side on its own")


def _read(path: Path) -> SoundFile:
    try:
        return read_sound_file(path)
    except SoundFileError as error:
        raise EvaluationError(str(error)) from None


def _notes(sound: SoundFile, path: Path) -> tuple[str, ...]:
    return tuple(f"{path}: {note}" for note in sound.notes)


def _file(path: Path) -> dict[str, str]:
    return {"path": str(path), "sha256": hashlib.sha256(path.read_bytes()).hexdigest()}
