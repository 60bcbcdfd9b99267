"""The recipe `duplex train trials`: makes recordings with known event times from held-out material.

    OUT/trials.jsonl    one `TrialRecording` per line
    OUT/*.wav           16 kHz, 16 bit

This module uses the test parts of the clip bank; it does not depend on the model or on how the trials are judged.
"""

import random
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from configs.audio import AUDIO
from configs.train.simulation import TrialsConfig
from duplex.io.sound_file import write_wav
from duplex.io.whole_files import write_json_lines
from duplex.model.interface import Samples
from duplex.train.dialogue.library import BankScript, read_part, read_parts
from duplex.train.speech.bank import Line
from duplex.train.speech.beds import colour_noise
from duplex.train.speech.short_noises import cough, event, throat

QUESTIONS = ("test_voice", "test_frame", "test_voice_frame", "test_robot")
PARTS = (*QUESTIONS, "test_turns", "test_backchannels", "test_commands")
_RATE = AUDIO.input_rate


@dataclass(frozen=True)
class TrialRecording:
    """One recording.

    Attributes:
        name: the file is called `name`.wav.
        test: `question_*` (answer it), `pause` (wait in the pause, answer after the end), `backchannel`, `noise` and
            `vocal_tic` (keep speaking when it is played over the assistant), `command` (stop), `silence`, `room`
            (stay mute).
        start, end: of the speech or noise in the recording, seconds.
        text, answer, kind, key, long: as in the corpus, if there is a turn.
        voice: who speaks.
        pause, pause_start: length and start of the tested pause, seconds.
        ask: name of a question with a long answer that has to be asked first, for trials that are played over the
            assistant's speech.
    """

    name: str
    test: str
    start: float
    end: float
    text: str = ""
    answer: str = ""
    kind: str = ""
    key: str = ""
    long: bool = False
    voice: str = ""
    pause: float = 0.0
    pause_start: float = 0.0
    ask: str = ""


Made = tuple[TrialRecording, Samples]


def run(config: TrialsConfig, out: Path, bank: Path) -> None:
    """Write all recordings to `out`, the same ones for the same seed and bank.

    Raises:
        BankError: no test part was spoken.
    """
    out.mkdir(parents=True, exist_ok=True)
    index = []
    for trial, samples in make_trials(config, bank):
        write_wav(out / f"{trial.name}.wav", samples, _RATE)
        index.append(asdict(trial))
    write_json_lines(out / "trials.jsonl", index)


def make_trials(config: TrialsConfig, bank: Path) -> Iterator[Made]:
    """Yield all trials with their samples at 16 kHz; parts that were not spoken are left out."""
    rng = random.Random(config.seed)
    long_ones: list[str] = []
    read_parts(bank, PARTS)
    for part in QUESTIONS:
        for number, spoken in enumerate(read_part(bank, part)):
            trial, samples = _question(config, spoken, f"{part}_{number:03d}", part, rng)
            if trial.long:
                long_ones.append(trial.name)
            yield trial, samples
    yield from _pauses(config, read_part(bank, "test_turns"), rng)
    yield from _while_speaking(config, bank, long_ones, rng)
    yield from _streams(config, rng)
    yield from _tics(config, random.Random(f"{config.seed}/tics"))


def _question(config: TrialsConfig, spoken: BankScript, name: str, part: str, rng: random.Random) -> Made:
    line = spoken.line
    samples = np.concatenate([spoken.bank.samples(piece) for piece in line.pieces])
    test = part.replace("test_", "question_")
    return _record(config, name, test, samples, rng, **_of(line), voice=spoken.script.voice)


def _pauses(config: TrialsConfig, turns: Sequence[BankScript], rng: random.Random) -> Iterator[Made]:
    """Turns with one pause of a given length; the other gaps are short."""
    for pause in config.pauses:
        count = 0
        for turn in turns:
            cuts = _cuts(config, turn)
            if count == config.per_pause or not cuts:
                continue
            cut = rng.choice(cuts)
            samples, place = _with_pause(config, turn, cut, pause)
            if len(samples) > config.longest_turn * _RATE:
                continue
            name = f"pause_{round(pause * 1000)}_{count:03d}"
            more = {"voice": turn.script.voice, "pause": pause, "pause_start": config.lead + place}
            yield _record(config, name, "pause", samples, rng, **_of(turn.line), **more)
            count += 1


def _cuts(config: TrialsConfig, turn: BankScript) -> list[int]:
    """Pieces after which the pause may be: clauses and sentences, late enough in the turn."""
    pieces = turn.line.pieces
    said = np.cumsum([piece.length for piece in pieces]) / _RATE
    return [i for i in range(len(pieces) - 1) if pieces[i].mark in "cs" and said[i] > config.before_pause]


def _with_pause(config: TrialsConfig, turn: BankScript, cut: int, pause: float) -> tuple[Samples, float]:
    """The turn, and the time at which the pause begins, seconds."""
    sounds: list[Samples] = []
    place = 0
    for number, piece in enumerate(turn.line.pieces):
        sounds.append(turn.bank.samples(piece))
        if number == cut:
            place = sum(map(len, sounds))
        sounds.append(np.zeros(int((pause if number == cut else config.gap) * _RATE), np.float32))
    return np.concatenate(sounds[:-1]), place / _RATE


def _while_speaking(config: TrialsConfig, bank: Path, asks: Sequence[str], rng: random.Random) -> Iterator[Made]:
    """Sounds to be played while the assistant gives a long answer."""
    for test in ("backchannel", "command"):
        for number, spoken in enumerate(read_part(bank, f"test_{test}s")):
            gain = np.float32(10 ** (rng.uniform(*config.backchannel_db) / 20)) if test == "backchannel" else 1
            more = {**_of(spoken.line), "voice": spoken.script.voice, "ask": rng.choice(asks) if asks else ""}
            yield _record(config, f"{test}_{number:03d}", test, spoken.samples() * gain, rng, **more)
    for number in range(config.noises):
        noise = event(np.random.default_rng(rng.randrange(1 << 30))) * np.float32(rng.uniform(*config.noise_level))
        yield _record(config, f"noise_{number:03d}", "noise", noise, rng, ask=rng.choice(asks) if asks else "")


def _streams(config: TrialsConfig, rng: random.Random) -> Iterator[Made]:
    """Long recordings in which nobody speaks."""
    count = int(config.streams * _RATE)
    yield _record(config, "silence", "silence", np.zeros(count, np.float32), rng)
    room = colour_noise(np.random.default_rng(rng.randrange(1 << 30)), count) * np.float32(config.room_level)
    yield _record(config, "room", "room", room, rng)


def _tics(config: TrialsConfig, rng: random.Random) -> Iterator[Made]:
    """Coughs and throat clearings."""
    for number in range(config.tics):
        tic = (cough, throat)[number % 2](np.random.default_rng(rng.randrange(1 << 30)))
        samples = tic * np.float32(rng.uniform(*config.noise_level))
        yield _record(config, f"vocal_tic_{number:03d}", "vocal_tic", samples, rng)


def _of(line: Line) -> dict[str, object]:
    return {"text": line.text, "answer": line.answer, "kind": line.kind, "key": line.key, "long": line.long}


def _record(config: TrialsConfig, name: str, test: str, samples: Samples, rng: random.Random, **more: object) -> Made:
    """The sound after a short silence, on the noise floor."""
    lead = np.zeros(int(config.lead * _RATE), np.float32)
    floor = np.random.default_rng(rng.randrange(1 << 30)).standard_normal(len(lead) + len(samples), np.float32)
    whole = np.concatenate([lead, samples]) + floor * np.float32(config.floor)
    values = {"name": name, "test": test, "start": config.lead, "end": config.lead + len(samples) / _RATE, **more}
    return TrialRecording(**values), whole  # type: ignore[arg-type]
