"""Conditions of a run: parsed from the command line, with the sound files they need, and made into channels of
dialogues.

    for condition in parse(("snr=20,10", "mulaw")):                  # a run each
        conditions = Conditions.of(condition, data, config.conditions)
        user = conditions.user(example.script, config, seed)         # a `User`, seeded per dialogue
        conditions.facts()                                           # for the report's settings

This module handles names, files and the order of stages; it does not depend on how a stage sounds.
"""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import product
from pathlib import Path
from random import Random
from typing import Any, Self, cast

import numpy as np

from configs.audio import AUDIO
from configs.base import ConfigError
from configs.eval.conditions import EXAMPLES, NO_CONDITION, Condition, ConditionsConfig
from configs.eval.evaluation import EvaluationConfig
from duplex.eval.errors import EvaluationError
from duplex.eval.users.channel import Channel, ChannelStage
from duplex.eval.users.clip import read_sound
from duplex.eval.users.data_folder import DataFile, DataFolder
from duplex.eval.users.microphone import Bed, Echo, Room, direct_on, energy_gain, speech_level
from duplex.eval.users.packet_loss import MuLaw, PacketLoss
from duplex.eval.users.sounds import Sound
from duplex.eval.users.user import EventKind, Script, SimulatedUser, User
from duplex.model.interface import Samples

CLEAN = "clean"
_SPEECH: tuple[EventKind, ...] = ("turn", "interrupt", "backchannel", "pause")
"""Kinds of the user's own speech, which set the level that noise is relative to."""


def parse(texts: Sequence[str]) -> tuple[Condition, ...]:
    """Parse conditions from the command line: every combination of the given values, with the last one changing
    fastest.

    Args:
        texts: NAME or NAME=VALUE[,VALUE...]; the value "clean" leaves the condition out. Empty means one clean run.

    Raises:
        EvaluationError: a name is unknown or given twice, or a value is not possible.
    """
    given: dict[str, tuple[str, ...]] = {}
    for text in texts:
        name, _, values = text.partition("=")
        if name not in EXAMPLES:
            raise EvaluationError(f"--condition {text}: there is no '{name}'; choose among {', '.join(EXAMPLES)}")
        if name in given:
            raise EvaluationError(f"--condition {text}: '{name}' is given twice; list its values: {name}=VALUE,VALUE")
        given[name] = tuple(values.split(",")) if text != name else ("",)
    found = (_condition(dict(zip(given, values, strict=True))) for values in product(*given.values()))
    return tuple(dict.fromkeys(found))


@dataclass(frozen=True)
class Conditions:
    """A condition with the files it needs; picklable.

    Attributes:
        condition: the requested condition. config: its numbers.
        noises, rooms: files from which a dialogue's noise and room are drawn.
    """

    condition: Condition
    config: ConditionsConfig
    noises: tuple[DataFile, ...] = ()
    rooms: tuple[DataFile, ...] = ()

    @classmethod
    def of(cls, condition: Condition, data: Path, config: ConditionsConfig) -> Self:
        """Find the files in the data folder, which is needed only for `snr` and `rir`.

        Raises:
            EvaluationError: there are no such files, or one cannot be used.
        """
        noises = () if condition.snr is None else tuple(_beds(DataFolder(data), config.noise.least_s))
        rooms = () if condition.rir is None else _rooms(DataFolder(data), condition.rir)
        return cls(condition, config, noises, rooms)

    def user(self, script: Script, config: EvaluationConfig, seed: int) -> User:
        """The user of one dialogue.

        Args:
            script: what the user does; the clips' rates are changed here.
            config: configuration of the user.
            seed: seed of noise, room and lost packets.
        """
        script = at_rate(script, self.condition.rate or 1.0)
        return Channel(SimulatedUser(script, config), tuple(self._stages(script, config, seed)))

    def facts(self) -> dict[str, Any]:
        """Plain values for the settings of a report: the condition, its numbers, the files' SHA-256."""
        return {
            "name": self.condition.name,
            "values": self.condition.model_dump(mode="json"),
            "definitions": self.config.model_dump(mode="json"),
            "files_sha256": {file.name: _sha256(file.path) for file in (*self.noises, *self.rooms)},
        }

    def _stages(self, script: Script, config: EvaluationConfig, seed: int) -> Iterator[ChannelStage]:
        """Make the stages; each has its own random numbers, so that adding another condition does not change it."""
        condition, numbers = self.condition, self.config
        if condition.echo is not None:
            yield Echo(condition.echo, numbers)
        if self.rooms:
            yield self._room(_collect_speech(script), Random(f"rir/{seed}"))
        if condition.snr is not None:
            level = speech_level(_collect_speech(script), config.clips) or 10 ** (numbers.noise.nominal_db / 20)
            rng = Random(f"snr/{seed}")
            noise = read_sound(rng.choice(self.noises).path)
            yield Bed(noise, level * 10 ** (-condition.snr / 20), numbers.noise, rng)
        if condition.mulaw:
            yield MuLaw(numbers)
        if condition.loss is not None:
            yield PacketLoss(condition.loss, Random(f"loss/{seed}"))

    def _room(self, spoken: Sequence[Samples], rng: Random) -> Room:
        response = direct_on(read_sound(rng.choice(self.rooms).path), self.config.room)
        return Room(response, energy_gain(spoken, response))


NO_CONDITIONS = Conditions(NO_CONDITION, ConditionsConfig())
"""No condition: nothing lies between the user and the system."""


def at_rate(script: Script, rate: float) -> Script:
    """The same script with every clip at `rate` times its tempo; `PlayedClip.at` converts times in the clip."""
    return replace(script, events=tuple(replace(event, clip=_faster(event.clip, rate)) for event in script.events))


def _faster(clip: Sound, rate: float) -> Sound:
    faster: Sound = replace(cast(Any, clip), rate=clip.rate * rate)  # every sound is a dataclass
    return faster


def _condition(texts: dict[str, str]) -> Condition:
    values = {name: _value(name, text) for name, text in texts.items() if text != CLEAN}
    try:
        return Condition.from_mapping(values, "condition")
    except ConfigError as error:
        hints = ", ".join(EXAMPLES[name] for name in values if f"'{name}" in str(error))
        raise EvaluationError(f"{error}; write it like {hints}") from None


def _value(name: str, text: str) -> Any:
    """The value as `Condition` reads it."""
    if name == "mulaw" and text == "":
        return True
    if name == "rir" and text == "":
        return 0
    if name == "loss":
        rate, slash, burst = text.partition("/")
        return {"rate": rate, "burst": burst} if slash else {"rate": rate}
    return text


def _beds(data: DataFolder, least_s: float) -> Iterator[DataFile]:
    files = [file for file in data.files("noise") if len(read_sound(file.path)) >= least_s * AUDIO.input_rate]
    if not files:
        raise EvaluationError(f"{data.folder}/noise: no file has {least_s:g} s; add longer ones, or set noise.least_s")
    for file in files:
        if not np.any(read_sound(file.path)):
            raise EvaluationError(f"{file.path}: is silent, so it cannot be used as noise; remove it from the manifest")
        yield file


def _rooms(data: DataFolder, number: int) -> tuple[DataFile, ...]:
    """The room with this number, or all rooms for 0."""
    files = tuple(data.files("rir"))
    if number > len(files):
        raise EvaluationError(f"rir={number}: {data.folder} has rooms 1 to {len(files)}; choose one of them, or rir")
    return files[number - 1 : number] if number else files


def _collect_speech(script: Script) -> list[Samples]:
    return [event.clip.samples() for event in script.events if event.kind in _SPEECH]


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
