"""`duplex train ...`: the recipe of the embedded model, one command per step, in the order in which they are run.

    hearing                 Whisper from its package            -> runs/mini
    vocabulary              tokenizer and truecasing            -> runs/mini
    voice                   lexicon, tokenizer, refined head, detokenizer -> runs/mini
    text                    the core reads and writes           -> runs/text
    speech                  users' voices                       -> runs/speech
    errors                  how the ears mishear them           -> runs/errors.jsonl
    text --start            the core learns to cope with that   -> runs/text_more
    dialogues               simulated two-channel dialogues     -> runs/dialogues/NAME
    tracks                  the assistant's answers, spoken     -> runs/tracks/tracks.npz
    core                    the core hears and takes turns      -> runs/core
    mix                     the weights of several cores, averaged -> one file of them
    mind                    the mind as it ships                -> runs/mini
    voice-hidden            the refined head reads the core     -> runs/mini
    trials, knowledge       recordings and texts for evaluation
    ctc, sources            another source of the user's words  -> runs/ctc, and both compared
    hearing-report, voice-report   figures of a model's ears and voice alone

Steps that need a model read `--model`: the embedded one, unless a folder is named. Only `--out` (and `--work`) are
written. Every step resumes where it was stopped. The steps themselves are in their own packages.
"""

from pathlib import Path
from typing import Annotated, Final, TypeVar

import typer

from configs.base import Config
from configs.recipes import recipe_file

app = typer.Typer(
    help="The recipe of the embedded model, step by step.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

_Kind = TypeVar("_Kind", bound=Config)
_RUNS: Final = Path("runs")
_TRAINED: Final = _RUNS / "mini"
_EMBEDDED: Final = "mini"
_DATA: Final = Path("../shared/data")
_MEASURED_ANSWERS: Final = 130
CORE: Final = "core.safetensors"

ConfigFile = Annotated[
    Path | None, typer.Option("--config", help="YAML file of the step, or the name of a shipped recipe.")
]
Model = Annotated[str, typer.Option("--model", help="Model that the step reads: name, folder or hub id.")]
VocabularyOf = Annotated[
    str | None, typer.Option("--model", help="Model whose vocabulary is used; default: the recipe's.")
]
Out = Annotated[Path, typer.Option("--out", help="Folder for the step's results.")]
OutFile = Annotated[Path, typer.Option("--out", help="File that the step writes.")]
ModelOut = Annotated[Path, typer.Option("--out", help="Folder of the model that is made.")]
Work = Annotated[Path, typer.Option("--work", help="Folder of the step's own files, from which it resumes.")]
Bank = Annotated[Path, typer.Option("--bank", help="Folder of the clip bank.")]
Weights = Annotated[Path, typer.Option("--weights", help="File of a trained core.")]
Tracks = Annotated[Path, typer.Option("--tracks", help="Output of `duplex train tracks`.")]
Pairs = Annotated[Path | None, typer.Option("--pairs", help="Output of `duplex train errors`.")]
Shards = Annotated[list[Path], typer.Argument(metavar="SHARD...", help="Folders of simulated dialogues.")]
Data = Annotated[Path, typer.Option("--data", help="Folder of the test audio.")]
Share = Annotated[list[float] | None, typer.Option("--share", help="Share of each file, in order.", min=0.0, max=1.0)]


def _read(kind: type[_Kind], given: Path | None, name: str) -> _Kind:
    """Read the configuration that was given, or else the shipped recipe `name`.

    Raises:
        ConfigError: a file is missing or wrong.
    """
    return kind.from_yaml(recipe_file(given, name))


def _folder(model: str) -> Path:
    """
    Raises:
        ConfigError: there is no such model.
    """
    from duplex.model.weights.checkpoint_folder import checkpoint_folder

    return checkpoint_folder(model)


@app.command()
def hearing(config: ConfigFile = None, out: ModelOut = _TRAINED) -> None:
    """Export Whisper tiny.en, int8, with a pruned vocabulary."""
    from configs.model.ears import WhisperExport
    from duplex.train.hearing import export

    export.run(_read(WhisperExport, config, "hearing_export"), out)


@app.command()
def vocabulary(config: ConfigFile = None, out: ModelOut = _TRAINED) -> None:
    """Learn the tokenizer and the truecasing table from the corpus."""
    from configs.model.language import VocabularyConfig
    from duplex.train.text import vocabulary as step

    step.run(_read(VocabularyConfig, config, "vocabulary"), out)


@app.command()
def voice(config: ConfigFile = None, work: Work = _RUNS / "voice", out: ModelOut = _TRAINED) -> None:
    """Train the voice: lexicon, speech tokenizer, refined head, detokenizer."""
    from configs.train.voice_training import VoiceTraining
    from duplex.train.voice import pipeline

    pipeline.run(_read(VoiceTraining, config, "voice"), work, out)


@app.command()
def text(
    config: ConfigFile = None,
    out: Out = _RUNS / "text",
    pairs: Pairs = None,
    start: Annotated[Path | None, typer.Option(help="Weights of an earlier run, instead of fresh ones.")] = None,
    model: VocabularyOf = None,
) -> None:
    """Pre-train the core on the corpus as text, with the vocabulary of a model."""
    from configs.model.language import PretrainConfig
    from duplex.train.text import pretrain

    settings = _read(PretrainConfig, config, "text")
    pretrain.run(settings, out, _folder(model or settings.vocabulary), pairs, start)


@app.command()
def speech(
    config: ConfigFile = None,
    out: Out = _RUNS / "speech",
    part: Annotated[list[str] | None, typer.Option(help="Only this part of the bank; give several.")] = None,
) -> None:
    """Synthesize the users' speech with every available engine."""
    from configs.model.language import CorpusConfig
    from configs.train.speech_bank import SpeechBankConfig
    from duplex.corpus.corpus import Corpus
    from duplex.train.speech import synthesize

    synthesize.run(_read(SpeechBankConfig, config, "speech"), out, Corpus.build(CorpusConfig()), part or ())


@app.command()
def dialogues(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Name of the shard.")],
    config: ConfigFile = None,
    bank: Bank = _RUNS / "speech",
    model: Model = _EMBEDDED,
    out: Out = _RUNS / "dialogues",
    validation: Annotated[
        bool, typer.Option("--validation", help="Use lines and voices that are held out of training.")
    ] = False,
) -> None:
    """Simulate a shard NAME of two-channel dialogues, and encode the sound of the user's side."""
    from configs.train.simulation import SimulationConfig
    from duplex.model.layouts.tdm.ears import EmbeddedEars
    from duplex.train.dialogue import simulate

    ear = EmbeddedEars.load(_folder(model)).encoder
    simulate.run(_read(SimulationConfig, config, "dialogue"), out / name, bank, ear, validation)


@app.command()
def tracks(
    shard: Annotated[list[Path] | None, typer.Option(help="Folder of simulated dialogues; give several.")] = None,
    model: Model = _EMBEDDED,
    out: OutFile = _RUNS / "tracks" / "tracks.npz",
) -> None:
    """Speak every answer of the corpus and of the SHARDs with the live voice, slot by slot."""
    from configs.model.language import CorpusConfig
    from configs.schedule import ScheduleConfig
    from duplex.corpus.corpus import Corpus
    from duplex.model.layouts.tdm.mind import TOKENIZER
    from duplex.model.layouts.tdm.voice import EmbeddedVoice
    from duplex.model.text.tokenizer import TextTokenizer
    from duplex.train.dialogue import speak
    from duplex.train.dialogue.shards import Shard

    given = speak.answers_of(Shard(folder) for folder in shard or ())
    answers = sorted({*Corpus.build(CorpusConfig()).answers(), *given})
    out.parent.mkdir(parents=True, exist_ok=True)
    folder = _folder(model)
    speak.run(
        answers, out, EmbeddedVoice.load(folder).head, TextTokenizer.from_file(folder / TOKENIZER), ScheduleConfig()
    )


@app.command()
def core(
    shard: Shards,
    config: ConfigFile = None,
    start: Annotated[Path, typer.Option(help="Weights of the text pre-training.")] = _RUNS / "text" / CORE,
    tracks: Tracks = _RUNS / "tracks" / "tracks.npz",
    pairs: Pairs = None,
    out: Out = _RUNS / "core",
    model: VocabularyOf = None,
) -> None:
    """Train the core on the dialogues of SHARDs, with text mixed in, and with the vocabulary of a model."""
    from configs.train.core_training import CoreTrainingConfig
    from duplex.train.core import train_core

    settings = _read(CoreTrainingConfig, config, "core")
    train_core.run(settings, start, shard, tracks, out, _folder(model or settings.text.vocabulary), pairs)


@app.command()
def mix(
    weights: Annotated[list[Path], typer.Argument(metavar="WEIGHTS...", help="Files of trained cores.")],
    share: Share = None,
    out: OutFile = _RUNS / "core" / CORE,
) -> None:
    """Average the WEIGHTS of cores that were trained one from another; equally without SHARE."""
    from duplex.train.core import mix as step

    step.run(weights, share or (), out)


@app.command()
def mind(
    config: ConfigFile = None,
    weights: Weights = _RUNS / "core" / CORE,
    model: Model = _EMBEDDED,
    out: ModelOut = _TRAINED,
) -> None:
    """Write the trained core as it ships, with the vocabulary of a model."""
    from configs.model.model import MindConfig
    from duplex.train.core import export

    export.run(_read(MindConfig, config, "mind"), weights, _folder(model), out)


@app.command()
def voice_hidden(
    config: ConfigFile = None,
    work: Work = _RUNS / "voice_hidden",
    model: Model = _EMBEDDED,
    out: ModelOut = _TRAINED,
    codec: Annotated[
        Path | None,
        typer.Option(help="Folder of the run that trained the voice; without it an encoder is fitted first."),
    ] = None,
) -> None:
    """Fine-tune the refined head of a model on its core's hidden vectors."""
    from configs.train.voice_training import HiddenTraining
    from duplex.train.voice import hidden

    hidden.run(_read(HiddenTraining, config, "voice_hidden"), _folder(model), work, out, codec)


@app.command()
def errors(
    config: ConfigFile = None,
    bank: Bank = _RUNS / "speech",
    model: Model = _EMBEDDED,
    out: OutFile = _RUNS / "errors.jsonl",
) -> None:
    """Recognise lines of the clip bank, and write what was said and what was heard, for the PAIRS of text and core."""
    from configs.train.hearing import RecognitionConfig
    from duplex.train.hearing import recognition_errors as step

    step.run(_read(RecognitionConfig, config, "errors"), bank, _folder(model), out)


@app.command()
def trials(config: ConfigFile = None, bank: Bank = _RUNS / "speech", out: Out = _RUNS / "trials") -> None:
    """Make the recordings that `duplex evaluate` plays, from lines and voices that are held out of training."""
    from configs.train.simulation import TrialsConfig
    from duplex.train.dialogue import trials as step

    step.run(_read(TrialsConfig, config, "trials"), out, bank)


@app.command()
def knowledge(
    out: Annotated[Path, typer.Argument(metavar="OUT", help="File to write.")],
    config: ConfigFile = None,
    folder: Annotated[Path, typer.Option(help="Folder of the pre-training.")] = _RUNS / "text",
    data: Annotated[
        Path | None, typer.Option(help="Folder of the test audio, whose questions are asked as well.")
    ] = None,
    model: VocabularyOf = None,
) -> None:
    """Ask a pre-trained core questions as text, and write the shares of right answers and refusals to OUT."""
    from configs.model.language import PretrainConfig
    from duplex.train.text import knowledge_report as report

    settings = _read(PretrainConfig, config, "text")
    report.run(settings, folder, out, _folder(model or settings.vocabulary), data)


@app.command()
def ctc(
    config: ConfigFile = None, bank: Bank = _RUNS / "speech", model: Model = _EMBEDDED, out: Out = _RUNS / "ctc"
) -> None:
    """Train CTC ears on the model's speech encoder; OUT becomes a folder of ears that takes its words from them.

    To use them in a model, copy `ctc.safetensors` to its folder and set `words.source: ctc` in its `ears.yaml`.
    """
    from configs.train.ctc_training import CtcTrainingConfig
    from duplex.train.hearing import ctc as step

    step.run(_read(CtcTrainingConfig, config, "ctc"), bank, _folder(model), out)


@app.command()
def sources(
    ears: Annotated[list[str], typer.Argument(metavar="EARS...", help="Models or folders of ears.")],
    config: ConfigFile = None,
    bank: Bank = _RUNS / "speech",
    data: Data = _DATA,
    out: OutFile = _RUNS / "ctc" / "sources.json",
) -> None:
    """Compare the sources of words in the folders EARS on voices that none of them were trained on."""
    from configs.train.ctc_training import SourcesConfig
    from duplex.train.hearing import word_sources as step

    step.run(_read(SourcesConfig, config, "sources"), [_folder(one) for one in ears], bank, data, out)


@app.command()
def hearing_report(
    config: ConfigFile = None, model: Model = _EMBEDDED, data: Data = _DATA, out: OutFile = _RUNS / "hearing.json"
) -> None:
    """Measure a model's ears on real audio: word errors whole and live, false words, speed."""
    from configs.train.hearing import HearingEvaluation
    from duplex.train.hearing import evaluate

    settings = _read(HearingEvaluation, config, "hearing_evaluate")
    out.parent.mkdir(parents=True, exist_ok=True)
    evaluate.run(settings, data, _folder(model), out)


@app.command()
def voice_report(
    model: Model = _EMBEDDED,
    questions: Annotated[
        Path | None,
        typer.Option(
            help="questions.json of `duplex train voice-hidden`, with held-out answers; default: from the corpus."
        ),
    ] = None,
    out: Out = _RUNS / "voice_report",
) -> None:
    """Measure a model's voice on answers of its core: how well it is understood, how clean it sounds, how fast it
    is."""
    from configs.train.voice_training import QuestionConfig
    from duplex.train.voice import evaluate
    from duplex.train.voice.answers import map_questions
    from duplex.train.voice.thinking import Questions

    folder, texts = _folder(model), map_questions(questions, _MEASURED_ANSWERS)
    evaluate.run(folder, list(texts), out, think=Questions(folder, texts, QuestionConfig()))
