"""The recipe `duplex train speech`: speaks scripts and stores them in the clip bank.

Each script has its own seed, so a stopped run resumes where it was, and several processes may speak parts at the same
time. Nothing here depends on the use of the clips.
"""

import random
from collections.abc import Iterator, Sequence
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from configs.train.speech_bank import CastConfig, SpeechBankConfig
from duplex.model.interface import Samples
from duplex.train.speech.bank import BankWriter, ReadingScript
from duplex.train.speech.scripts import Texts, write_scripts
from duplex.train.speech.synthesizers import SynthesizerMissingError
from duplex.train.speech.voices import ENGINES, Cast, Makers, UserVoice

_ENDING = {"c": ",", "s": ".", "q": "?", "f": "...", "b": ".", "i": "!"}


def shares(cast: CastConfig, part: str) -> dict[str, float]:
    """Voices that speak a part, with their shares."""
    if part in ("test_voice", "test_voice_frame", "test_backchannels", "test_commands"):
        return cast.held_out
    if part == "test_robot":
        return cast.held_out_robot
    return cast.slow if part.startswith("slow_") else cast.training


def choose_voice(cast: Cast, part: str, rng: random.Random) -> UserVoice:
    """Choose the voice of a script; the assistant's own answers (for echo) are spoken by its own voice, unchanged."""
    if part == "answers":
        return cast.assistant()
    return cast.draw(shares(cast.config, part), rng)


def speech(script: ReadingScript, voice: UserVoice, rng: random.Random) -> list[list[Samples]]:
    """All pieces of a script, one list per line, with the intonation of their punctuation."""
    return [[voice.say(_punctuate(piece.text, piece.mark), rng) for piece in line.pieces] for line in script.lines]


def run(config: SpeechBankConfig, out: Path, texts: Texts, parts: Sequence[str] = (), makers: Makers = ENGINES) -> None:
    """Speak the scripts that the bank in `out` does not have yet.

    Args:
        config: voices and amounts.
        out: folder of the bank.
        texts: the corpus.
        parts: names in `config.amounts`; empty for all.
        makers: functions that make the synthesizers.

    A part is reported and left out if this machine has none of its voices.

    Raises:
        SynthesizerMissingError: this is so for every part.
    """
    cast = Cast(config.cast, config.manner, makers)
    amounts = config.amounts.model_dump()
    chosen = parts or tuple(amounts)
    skipped: dict[str, str] = {}
    with _progress() as progress:
        for part in chosen:
            try:
                _speak_part(config, out, texts, part, amounts[part], cast, progress)
            except SynthesizerMissingError as error:
                skipped[part] = str(error)
    if skipped and skipped.keys() >= set(chosen):
        raise SynthesizerMissingError(skipped[chosen[0]])
    for name, reason in {**cast.missing, **skipped}.items():
        Console(stderr=True).print(f"{name} was skipped: {reason}", markup=False, soft_wrap=True)


def _speak_part(
    config: SpeechBankConfig, out: Path, texts: Texts, part: str, count: int, cast: Cast, progress: Progress
) -> None:
    writer = BankWriter(out, part)
    task = progress.add_task(part, total=count)
    for script in _scripts(config, texts, part, count):
        if script.name not in writer.done:
            rng = random.Random(f"{config.seed}/{script.name}/voice")
            voice = choose_voice(cast, part, rng)
            writer.add(ReadingScript(script.name, script.prompt, script.lines, voice.name), speech(script, voice, rng))
        progress.advance(task)


def _scripts(config: SpeechBankConfig, texts: Texts, part: str, count: int) -> Iterator[ReadingScript]:
    for number, (prompt, lines) in enumerate(write_scripts(texts, part, random.Random(f"{config.seed}/{part}"), count)):
        yield ReadingScript(f"{part}/{number}", prompt, lines)


def _punctuate(text: str, mark: str) -> str:
    return text[:1].upper() + text[1:] + _ENDING[mark]


def _progress() -> Progress:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    return Progress(*columns, TimeElapsedColumn(), TimeRemainingColumn(), console=Console(stderr=True))
