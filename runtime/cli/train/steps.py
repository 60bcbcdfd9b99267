"""The steps that make the embedded model: its ears, its voice, its mind, and what they learn from."""

from pathlib import Path
from typing import Annotated

import typer

from runtime.cli.paths import file
from runtime.cli.train.options import (
    CORE,
    EMBEDDED,
    RUNS,
    TRAINED,
    Bank,
    ConfigFile,
    Model,
    ModelOut,
    Out,
    OutFile,
    Pairs,
    Shards,
    Share,
    Tracks,
    VocabularyOf,
    Weights,
    Work,
    find_folder,
    read_recipe,
)


def hearing(config: ConfigFile = None, out: ModelOut = TRAINED) -> None:
    """Export Whisper tiny.en, int8, with a pruned vocabulary."""
    from configs.model.ears import WhisperExport
    from duplex.train.ears import export

    export.run(read_recipe(WhisperExport, config, "ears_export"), out)


def vocabulary(config: ConfigFile = None, out: ModelOut = TRAINED) -> None:
    """Learn the tokenizer and the truecasing table from the corpus."""
    from configs.model.language import VocabularyConfig
    from duplex.train.text import vocabulary as step

    step.run(read_recipe(VocabularyConfig, config, "vocabulary"), out)


def voice(config: ConfigFile = None, work: Work = RUNS / "voice", out: ModelOut = TRAINED) -> None:
    """Train the voice: lexicon, speech tokenizer, refined head, detokenizer."""
    from configs.train.voice_training import VoiceTraining
    from duplex.train.voice import pipeline

    pipeline.run(read_recipe(VoiceTraining, config, "voice"), work, out)


def text(
    config: ConfigFile = None,
    out: Out = RUNS / "text",
    pairs: Pairs = None,
    start: Annotated[Path | None, file(help="Weights of an earlier run, instead of fresh ones.")] = None,
    model: VocabularyOf = None,
) -> None:
    """Pre-train the core on the corpus as text, with the vocabulary of a model."""
    from configs.model.language import PretrainConfig
    from duplex.train.text import pretrain

    settings = read_recipe(PretrainConfig, config, "text")
    pretrain.run(settings, out, find_folder(model or settings.vocabulary), pairs, start)


def speech(
    config: ConfigFile = None,
    out: Out = RUNS / "speech",
    part: Annotated[list[str] | None, typer.Option(help="Only this part of the bank; give several.")] = None,
) -> None:
    """Synthesize the users' speech with every synthesizer at hand."""
    from configs.model.language import CorpusConfig
    from configs.train.speech_bank import SpeechBankConfig
    from duplex.corpus.corpus import Corpus
    from duplex.train.speech import synthesize

    synthesize.run(read_recipe(SpeechBankConfig, config, "speech"), out, Corpus.build(CorpusConfig()), part or ())


def dialogues(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Name of the shard.")],
    config: ConfigFile = None,
    bank: Bank = RUNS / "speech",
    model: Model = EMBEDDED,
    out: Out = RUNS / "dialogues",
    validation: Annotated[
        bool, typer.Option("--validation", help="Use lines and voices that are held out of training.")
    ] = False,
) -> None:
    """Simulate a shard NAME of two-channel dialogues, and encode the sound of the user's side."""
    from configs.train.simulation import SimulationConfig
    from duplex.model.layouts.tdm.ears import EmbeddedEars
    from duplex.train.dialogue import simulate

    encoder = EmbeddedEars.load(find_folder(model)).encoder
    simulate.run(read_recipe(SimulationConfig, config, "dialogue"), out / name, bank, encoder, validation)


def tracks(
    shard: Annotated[list[Path] | None, typer.Option(help="Folder of simulated dialogues; give several.")] = None,
    model: Model = EMBEDDED,
    out: OutFile = RUNS / "tracks" / "tracks.npz",
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
    folder = find_folder(model)
    speak.run(
        answers, out, EmbeddedVoice.load(folder).head, TextTokenizer.from_file(folder / TOKENIZER), ScheduleConfig()
    )


def core(
    shard: Shards,
    config: ConfigFile = None,
    start: Annotated[Path, typer.Option(help="Weights of the text pre-training.")] = RUNS / "text" / CORE,
    tracks: Tracks = RUNS / "tracks" / "tracks.npz",
    pairs: Pairs = None,
    out: Out = RUNS / "core",
    model: VocabularyOf = None,
) -> None:
    """Train the core on the dialogues of SHARDs, with text mixed in, and with the vocabulary of a model."""
    from configs.train.core_training import CoreTrainingConfig
    from duplex.train.core import train_core

    settings = read_recipe(CoreTrainingConfig, config, "core")
    train_core.run(settings, start, shard, tracks, out, find_folder(model or settings.text.vocabulary), pairs)


def mix(
    weights: Annotated[list[Path], typer.Argument(metavar="WEIGHTS...", help="Files of trained cores.")],
    share: Share = None,
    out: OutFile = RUNS / "core" / CORE,
) -> None:
    """Average the WEIGHTS of cores that were trained one from another; equally without SHARE."""
    from duplex.train.core import mix as step

    step.run(weights, share or (), out)


def mind(
    config: ConfigFile = None,
    weights: Weights = RUNS / "core" / CORE,
    model: Model = EMBEDDED,
    out: ModelOut = TRAINED,
) -> None:
    """Write the trained core as it ships, with the vocabulary of a model."""
    from configs.model.model import MindConfig
    from duplex.train.core import export

    export.run(read_recipe(MindConfig, config, "mind"), weights, find_folder(model), out)


def voice_hidden(
    config: ConfigFile = None,
    work: Work = RUNS / "voice_hidden",
    model: Model = EMBEDDED,
    out: ModelOut = TRAINED,
    codec: Annotated[
        Path | None,
        typer.Option(help="Folder of the run that trained the voice; without it an encoder is fitted first."),
    ] = None,
) -> None:
    """Fine-tune the refined head of a model on its core's hidden vectors."""
    from configs.train.voice_training import HiddenTraining
    from duplex.train.voice import hidden

    hidden.run(read_recipe(HiddenTraining, config, "voice_hidden"), find_folder(model), work, out, codec)


def errors(
    config: ConfigFile = None,
    bank: Bank = RUNS / "speech",
    model: Model = EMBEDDED,
    out: OutFile = RUNS / "errors.jsonl",
) -> None:
    """Recognise lines of the clip bank, and write what was said and what was heard, for the PAIRS of text and core."""
    from configs.train.ears import RecognitionConfig
    from duplex.train.ears import recognition_errors as step

    step.run(read_recipe(RecognitionConfig, config, "errors"), bank, find_folder(model), out)


def ctc(
    config: ConfigFile = None, bank: Bank = RUNS / "speech", model: Model = EMBEDDED, out: Out = RUNS / "ctc"
) -> None:
    """Train CTC ears on the model's speech encoder; OUT becomes a folder of ears that takes its words from them.

    To use them in a model, copy `ctc.safetensors` to its folder and set `words.source: ctc` in its `ears.yaml`.
    """
    from configs.train.ctc_training import CtcTrainingConfig
    from duplex.train.ears import ctc as step

    step.run(read_recipe(CtcTrainingConfig, config, "ctc"), bank, find_folder(model), out)
