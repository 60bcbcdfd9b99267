"""`duplex chat`: text or a recording in, text and speech out, in turns."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Final

import typer

from configs.audio import AUDIO
from configs.base import ConfigError
from configs.model.chat import ChatConfig
from configs.model.patterns import SPOKEN_PERSONA, TRANSCRIBE, Pattern, multiple_choice
from configs.model.tools import ToolsConfig
from runtime.cli.common import JsonFile, PatternOptions, Seed, drop_missing, err, out, show_notes, write_json
from runtime.cli.option_groups import with_option_groups
from runtime.cli.paths import file, new_file
from runtime.cli.values import HOTTEST, Precision, device_name, make_parser, number

if TYPE_CHECKING:
    from duplex.model.interface import Samples
    from runtime.cli.chat_screen.partner import Partner
    from runtime.cli.chat_screen.screen import ShownTurn

LLM_LIMITS: Final = "llm.tool_limits"
LONGEST_TOOL_S, MOST_TOKENS = 3600.0, 1_000_000


@dataclass(frozen=True)
class ChatModelOptions(PatternOptions):
    """A model to chat with. A Fun-Audio-Chat checkpoint calls functions by itself; the user gives the results of those
    in FILE.json."""

    calls_itself: ClassVar[bool] = True


@with_option_groups
def command(
    chosen: ChatModelOptions,
    recording: Annotated[Path | None, file("--in", help="What the user says: wav or flac, any rate.")] = None,
    text: Annotated[str | None, typer.Option(help="What the user writes; with --in: an instruction.")] = None,
    answer: Annotated[Path | None, new_file("--out", help="Write the spoken answer to this wav file.")] = None,
    transcribe: Annotated[bool, typer.Option("--transcribe", help="Ask what is said in --in.")] = False,
    choice: Annotated[list[str] | None, typer.Option(help="An option of the question --text; give several.")] = None,
    tool_seconds: Annotated[
        float, number(0, LONGEST_TOOL_S, "Time limit of a function.", unit="s")
    ] = ToolsConfig().limit_s,
    seed: Seed = 0,
    temperature: Annotated[float | None, number(0, HOTTEST, "Temperature of the text; 0 is greedy.")] = None,
    longest: Annotated[int | None, number(1, MOST_TOKENS, "Tokens after which an answer is ended.", whole=True)] = None,
    places: Annotated[
        int | None, number(1, MOST_TOKENS, "Tokens that a conversation has room for.", whole=True)
    ] = None,
    history: Annotated[
        str, typer.Option(help="Earlier answers as text, or as text with speech: text, speech.")
    ] = "text",
    system_prompt: Annotated[str | None, typer.Option(help="System prompt instead of the pattern's.")] = None,
    spoken: Annotated[
        bool, typer.Option("--spoken", help="Add the authors' persona for spoken conversation (Chinese).")
    ] = False,
    detokenizer: Annotated[str | None, typer.Option(help="CosyVoice3: folder or hub id.")] = None,
    speakers: Annotated[Path | None, file(help="File of voices, such as spk2info.pt.")] = None,
    voice: Annotated[str | None, typer.Option(help="Name of a voice.")] = None,
    device: Annotated[
        str | None, typer.Option(parser=make_parser(device_name), help="cpu, cuda, cuda:1 or auto.")
    ] = None,
    dtype: Annotated[Precision | None, typer.Option(help="Data type of the weights.")] = None,
    json_file: JsonFile = None,
) -> None:
    """Chat in turns: once with --text or --in, else line by line (/help)."""
    if text is not None and not text.strip():
        raise ConfigError("--text is empty; write what the user says, or leave it out to chat line by line")
    once, text = recording is not None or text is not None, text or ""
    pattern = _pattern(chosen.pattern, recording, answer, transcribe)
    question = _question(text, choice or [], transcribe)
    _check(pattern, once, recording, question, answer, transcribe)
    placed = {"detokenizer": detokenizer, "speakers": speakers, "voice": voice, "device": device, "dtype": dtype}
    changes = {**chosen.changes, **drop_missing(placed)}
    has_llm = chosen.language_model is not None
    if has_llm and chosen.tools:
        changes.setdefault(LLM_LIMITS, {"limit_s": tool_seconds})
    settings = ChatConfig.from_options(
        {
            "seed": seed,
            "system_prompt": system_prompt,
            "persona": SPOKEN_PERSONA if spoken else "",
            "history": history,
            "tools": ToolsConfig(limit_s=tool_seconds),
        }
    )
    pcm = None if recording is None else _load(recording)

    from duplex.model.tools.load_tools import load_tools
    from runtime.cli.chat_screen.partner import ChatOptions, load_partner
    from runtime.cli.chat_screen.screen import Screen
    from runtime.cli.chat_screen.shell import Shell

    tools = load_tools([] if has_llm else chosen.tools or [], settings.tools)
    wanted = ChatOptions(
        chosen.model, pattern, settings, changes, tools, places, temperature, longest, heard=answer is not None
    )
    partner = load_partner(wanted)
    turns = _Turns(partner, answer, numbered=not once)
    try:
        if partner.note:
            err().print(partner.note)
        shell = Shell(partner, Screen(out(), err()), out(), turns.keep, asks=not once)
        if once:
            shell.ask(question, recording, pcm)
        else:
            shell.run()
    finally:
        partner.close()
        if json_file:
            write_json(json_file, turns.figures(chosen.model))


class _Turns:
    """Finished turns: writes their sound to files and keeps their figures."""

    def __init__(self, partner: "Partner", path: Path | None, numbered: bool) -> None:
        self._partner, self._path, self._numbered = partner, path, numbered
        self._turns: list[dict[str, Any]] = []

    def keep(self, turn: "ShownTurn", text: str, recording: Path | None) -> None:
        """Add a turn; its sound is written if a file was named."""
        written = None
        if self._path is not None and self._partner.pattern.speaks:
            written = self._write(self._path, turn.samples)
        asked = {"text": text, "in": None if recording is None else str(recording)}
        out_file = None if written is None else str(written)
        self._turns.append({"pattern": self._partner.pattern, **asked, **turn.figures(), "out": out_file})

    def figures(self, model: str) -> dict[str, Any]:
        """Plain values of all turns."""
        return {"model": model, "fingerprint": self._partner.fingerprint, **self._partner.llm, "turns": self._turns}

    def _write(self, path: Path, samples: "Samples") -> Path | None:
        if not len(samples):
            err().print(f"nothing was spoken; {path} is not written")
            return None
        from runtime.pcm import to_int16
        from runtime.session.recording import write_recording

        if self._numbered:
            path = path.with_stem(f"{path.stem}-{len(self._turns) + 1}")
        write_recording(path, to_int16(samples), AUDIO.output_rate)
        err().print(f"{path}: {len(samples) / AUDIO.output_rate:.1f} s")
        return path


def _pattern(name: str | None, recording: Path | None, answer: Path | None, transcribe: bool) -> Pattern:
    """The named pattern, or the one that fits the options."""
    if name is not None:
        return Pattern.by_name(name)
    if recording is not None:
        return Pattern.S2M if answer and not transcribe else Pattern.S2T
    return Pattern.T2M if answer else Pattern.T2T


def _question(text: str, choices: list[str], transcribe: bool) -> str:
    if choices and not text:
        raise ConfigError("--choice needs a question; give it with --text")
    if transcribe and text:
        raise ConfigError("--transcribe has its own instruction; leave out --text")
    return TRANSCRIBE if transcribe else multiple_choice(text, choices)


def _check(
    pattern: Pattern, once: bool, recording: Path | None, text: str, answer: Path | None, transcribe: bool
) -> None:
    """Report options that do not fit before anything is loaded."""
    if transcribe and (recording is None or pattern is not Pattern.S2T):
        raise ConfigError(
            "--transcribe needs a recording and pattern S2T; give --in, and leave out --pattern and --out"
        )
    if once and pattern.hears and recording is None:
        raise ConfigError(f"pattern {pattern} hears speech; give a recording with --in, or choose T2M or T2T")
    if recording is not None and not pattern.hears:
        raise ConfigError(f"pattern {pattern} reads text; leave out --in, or choose a pattern that begins with S")
    if answer is not None and not pattern.speaks and once:
        raise ConfigError(f"pattern {pattern} only writes; leave out --out, or choose S2M or T2M")
    if answer is not None and answer.suffix.lower() != ".wav":
        raise ConfigError(f"--out {answer}: is not a wav file; give a name that ends with .wav")


def _load(path: Path) -> "Samples":
    from runtime.audio_file import load_audio

    audio = load_audio(path)
    show_notes(audio.notes, path)
    return audio.samples
