"""Stages one simulated dialogue, following OmniDRCA's Appendix A: turns, answers that are heard to the end or
interrupted, backchannels and noises while the assistant speaks.

This module decides when what is said in the user's channel. It does not depend on the assistant's real past (the oracle
plays that), on slots or on features; the assistant's answers are represented only by their estimated length.
"""

import random
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

from configs.audio import AUDIO
from configs.train.simulation import AnswerLengthConfig, SimulationConfig
from duplex.model.interface import Samples
from duplex.train.dialogue.delivery import Delivery, SpokenTurn, draw_seconds
from duplex.train.dialogue.library import BankScript, Library
from duplex.train.dialogue.microphone import record
from duplex.train.dialogue.scene import Scene, SceneSound, SceneTurn, SceneWord
from duplex.train.speech.bank import BankPart, Line

_RATE = AUDIO.input_rate
_EDGE = 1.0
_NEVER = 1e9


def answer_seconds(config: AnswerLengthConfig, answer: str) -> float:
    """Estimated length of an answer's speech."""
    if not answer:
        return 0.0
    pauses = sum(answer.count(mark) for mark in ",.?!")
    return config.around + config.per_letter * sum(c.isalpha() for c in answer) + config.per_pause * pauses


@dataclass
class _Take:
    """The user's channel while it is being filled."""

    samples: Samples
    turns: list[SceneTurn] = field(default_factory=list)
    sounds: list[SceneSound] = field(default_factory=list)
    answers: list[tuple[float, float]] = field(default_factory=list)

    @property
    def seconds(self) -> float:
        return len(self.samples) / _RATE

    def put(self, samples: Samples, start: float) -> None:
        """Mix in samples at `start` seconds; what does not fit is left out."""
        first = int(start * _RATE)
        count = min(len(samples), len(self.samples) - first)
        if count > 0:
            self.samples[first : first + count] += samples[:count]


class Director:
    """Makes scenes from a library's clips."""

    def __init__(self, library: Library, config: SimulationConfig) -> None:
        self._library = library
        self._config = config
        self._delivery = Delivery(config.pauses, config.delivery, library.fillers)
        self._talks: dict[str, list[BankScript]] = {}
        for talk in library.talks:
            self._talks.setdefault(talk.script.prompt, []).append(talk)
        self._long = [talk for talk in self._talks.get("", []) if talk.line.long]

    def scene(self, name: str, rng: random.Random) -> tuple[Samples, Scene]:
        """Stage one dialogue: samples [slots * 3200] at 16 kHz as the microphone records them, and the events in it."""
        stage = self._config.stage
        take = _Take(np.zeros(stage.slots * AUDIO.slot_input_samples, np.float32))
        prompt = self._prompt(rng)
        opening, left = self._opening(rng)
        start = self._first_start(take, left, rng)
        if rng.random() < stage.nobody_share:
            self._sounds(take, _EDGE, take.seconds - _EDGE, rng)
        else:
            self._play(take, self._agenda(prompt, rng), start, left, rng)
        if rng.random() < self._config.channel.echo_share:
            self._echo(take, [(0.0, left), *take.answers], rng)
        samples = record(take.samples, self._library, self._config.channel, rng)
        turns = tuple(turn for turn in take.turns if turn.start < take.seconds)
        return samples, Scene(name, prompt, opening, left, turns, tuple(take.sounds))

    def _prompt(self, rng: random.Random) -> str:
        prompts = [prompt for prompt in self._talks if prompt]
        wanted = rng.random() < self._config.stage.prompt_share or "" not in self._talks
        return rng.choice(prompts) if prompts and wanted else ""

    def _opening(self, rng: random.Random) -> tuple[str, float]:
        """An answer that is in progress when the dialogue begins, and its remaining seconds."""
        stage = self._config.stage
        if rng.random() >= stage.opening_share:
            return "", 0.0
        answers = [rng.choice(self._library.talks).line.answer for _ in range(3)]
        answer = max(answers, key=len)
        length = answer_seconds(self._config.answers, answer)
        return answer, min(rng.uniform(*stage.opening), length * rng.uniform(0.3, 1.0))

    def _first_start(self, take: _Take, left: float, rng: random.Random) -> float:
        stage = self._config.stage
        if not left:
            return rng.uniform(*stage.first_turn)
        self._sounds(take, 0.2, left, rng)
        return rng.uniform(0.2, left) if rng.random() < 0.5 else left + rng.uniform(*stage.pause_between)

    def _agenda(self, prompt: str, rng: random.Random) -> Iterator[tuple[BankPart, Line]]:
        """Endless lines: long turns, and talks whose lines follow each other."""
        stage, own = self._config.stage, self._talks[prompt]
        talks = [*self._talks.get("", []), *(own if prompt else [])]
        while True:
            draw = rng.random()
            if draw < stage.long_turn_share:
                talk = rng.choice(self._library.turns)
            elif draw < stage.long_turn_share + stage.long_answer_share and self._long:
                talk = rng.choice(self._long)
            else:
                talk = rng.choice(own if rng.random() < stage.own_talk_share else talks)
            yield from ((talk.bank, line) for line in talk.script.lines)

    def _play(
        self,
        take: _Take,
        agenda: Iterator[tuple[BankPart, Line]],
        start: float,
        speaking_until: float,
        rng: random.Random,
    ) -> None:
        """Play turn after turn until the time is up."""
        kept: tuple[BankPart, Line] | None = None
        while start < take.seconds - _EDGE:
            bank, line = kept or next(agenda)
            kept = None
            said = self._say(bank, line, rng)
            if start < speaking_until and rng.random() < self._config.stage.command_first_share:
                command = rng.choice(self._library.commands)
                spoken = self._delivery.say(command.bank, command.line, rng)
                if rng.random() < self._config.stage.command_only_share:
                    kept, line, said = (bank, line), command.line, spoken
                else:
                    said = said.after(spoken, draw_seconds(self._config.pauses.after_command, rng))
            said = self._fitting(said, start, take, rng)
            self._place(take, said, line, start)
            start, speaking_until = self._reaction(take, line, start + said.seconds, rng)

    def _say(self, bank: BankPart, line: Line, rng: random.Random) -> SpokenTurn:
        part_of_turn = len(line.pieces) > 1 and rng.random() < self._config.stage.part_of_turn_share
        return self._delivery.say(bank, line, rng, part_of_turn)

    def _fitting(self, said: SpokenTurn, start: float, take: _Take, rng: random.Random) -> SpokenTurn:
        """Shorten a turn that would fill the dialogue by starting in its middle."""
        stage = self._config.stage
        first_too_late = not take.turns and start + said.seconds > take.seconds - _EDGE
        if said.seconds > stage.longest_turn or first_too_late:
            return said.last(min(rng.uniform(*stage.shortened_turn), take.seconds - start - _EDGE))
        return said

    def _place(self, take: _Take, said: SpokenTurn, line: Line, start: float) -> None:
        take.put(said.samples, start)
        spans = tuple((start + a, start + b) for a, b in said.spans)
        words = tuple(SceneWord(word.text, start + word.end) for word in said.words)
        end = start + said.seconds
        take.turns.append(SceneTurn(start, end, line.answer, line.kind, line.key, line.long, spans, words))

    def _reaction(self, take: _Take, line: Line, end: float, rng: random.Random) -> tuple[float, float]:
        """The reaction to a turn that ended at `end`: the next turn's start, and until when the assistant speaks."""
        stage = self._config.stage
        length = answer_seconds(self._config.answers, line.answer)
        if not length:
            return end + rng.uniform(*stage.pause_between), end
        answered = end + stage.thinking_time
        until = answered + length
        if rng.random() < (stage.interrupt_long_share if line.long else stage.interrupt_share):
            low, high = stage.interrupt_after
            stopped = answered + rng.uniform(low, max(low, min(high, length)))
            self._sounds(take, answered + 0.4, stopped - 0.5, rng)
            take.answers.append((answered, stopped))
            return stopped, until
        self._sounds(take, answered + 0.4, until, rng)
        take.answers.append((answered, until))
        following = until + rng.uniform(*stage.pause_between)
        self._lone_sounds(take, until, following, rng)
        return following, until

    def _sounds(self, take: _Take, start: float, end: float, rng: random.Random) -> None:
        """Add backchannels and noises between two times, while the assistant speaks."""
        for _ in range(rng.choice(self._config.stage.sounds_during_answer)):
            if end > start:
                backchannel = rng.random() < self._config.stage.backchannel_share
                self._sound(take, rng.uniform(start, min(end, take.seconds)), backchannel, rng)

    def _lone_sounds(self, take: _Take, start: float, end: float, rng: random.Random) -> None:
        """Sometimes add a noise or a backchannel while nobody speaks."""
        stage = self._config.stage
        if end - start < _EDGE or end > take.seconds:
            return
        if rng.random() < stage.noise_alone_share:
            self._sound(take, rng.uniform(start, end), False, rng)
        elif rng.random() < stage.backchannel_alone_share:
            self._sound(take, start + 0.2, True, rng)

    def _sound(self, take: _Take, start: float, backchannel: bool, rng: random.Random) -> None:
        stage = self._config.stage
        if backchannel:
            said = self._delivery.say(*_first(rng.choice(self._library.backchannels)), rng)
            take.put(said.samples * np.float32(10 ** (rng.uniform(*stage.backchannel_db) / 20)), start)
            words = tuple(SceneWord(word.text, start + word.end) for word in said.words)
            take.sounds.append(SceneSound("backchannel", start, start + said.seconds, words))
        else:
            noise = rng.choice(self._library.events)
            take.put(noise * np.float32(rng.uniform(*stage.event_level)), start)
            take.sounds.append(SceneSound("noise", start, start + len(noise) / _RATE))

    def _echo(self, take: _Take, answers: list[tuple[float, float]], rng: random.Random) -> None:
        """Add the assistant's faint voice to the user's microphone."""
        config = self._config.channel
        gain = np.float32(10 ** (rng.uniform(*config.echo_db) / 20))
        delay = rng.uniform(*config.echo_delay)
        for start, end in answers:
            place = start + delay
            while self._library.answers and place < end:
                clip = rng.choice(self._library.answers).samples()[: int((end - place) * _RATE)]
                take.put(clip * gain, place)
                take.sounds.append(SceneSound("echo", place, place + len(clip) / _RATE))
                place += len(clip) / _RATE + 0.1


def _first(spoken: BankScript) -> tuple[BankPart, Line]:
    return spoken.bank, spoken.line
