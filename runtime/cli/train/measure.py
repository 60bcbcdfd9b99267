"""What measures the trained parts: recordings for evaluation, and figures of the ears, mind and voice alone."""

from pathlib import Path
from typing import Annotated, Final

import typer

from runtime.cli.paths import file_to_write
from runtime.cli.train.options import (
    DATA,
    EMBEDDED,
    RUNS,
    Bank,
    ConfigFile,
    Data,
    Model,
    Out,
    OutFile,
    VocabularyOf,
    find_folder,
    read_recipe,
)
from runtime.cli.values import make_parser

MEASURED_ANSWERS: Final = 130


def trials(config: ConfigFile = None, bank: Bank = RUNS / "speech", out: Out = RUNS / "trials") -> None:
    """Make the recordings that `duplex evaluate` plays, from lines and voices that are held out of training."""
    from configs.train.simulation import TrialsConfig
    from duplex.train.dialogue import trials as step

    step.run(read_recipe(TrialsConfig, config, "trials"), out, bank)


def knowledge(
    out: Annotated[Path, typer.Argument(metavar="OUT", parser=make_parser(file_to_write), help="File to write.")],
    config: ConfigFile = None,
    folder: Annotated[Path, typer.Option(help="Folder of the pre-training.")] = RUNS / "text",
    data: Annotated[
        Path | None, typer.Option(help="Folder of the test audio, whose questions are asked as well.")
    ] = None,
    model: VocabularyOf = None,
) -> None:
    """Ask a pre-trained core questions as text, and write the shares of right answers and refusals to OUT."""
    from configs.model.language import PretrainConfig
    from duplex.train.text import knowledge_report as report

    settings = read_recipe(PretrainConfig, config, "text")
    report.run(settings, folder, out, find_folder(model or settings.vocabulary), data)


def sources(
    ears: Annotated[list[str], typer.Argument(metavar="EARS...", help="Models or folders of ears.")],
    config: ConfigFile = None,
    bank: Bank = RUNS / "speech",
    data: Data = DATA,
    out: OutFile = RUNS / "ctc" / "sources.json",
) -> None:
    """Compare the sources of words in the folders EARS on voices that none of them were trained on."""
    from configs.train.ctc_training import SourcesConfig
    from duplex.train.ears import word_sources as step

    step.run(read_recipe(SourcesConfig, config, "sources"), [find_folder(one) for one in ears], bank, data, out)


def hearing_report(
    config: ConfigFile = None, model: Model = EMBEDDED, data: Data = DATA, out: OutFile = RUNS / "hearing.json"
) -> None:
    """Measure a model's ears on real audio: word errors whole and live, false words, speed."""
    from configs.train.ears import EarsEvaluation
    from duplex.train.ears import evaluate

    settings = read_recipe(EarsEvaluation, config, "ears_evaluate")
    out.parent.mkdir(parents=True, exist_ok=True)
    evaluate.run(settings, data, find_folder(model), out)


def voice_report(
    model: Model = EMBEDDED,
    questions: Annotated[
        Path | None,
        typer.Option(
            help="questions.json of `duplex train voice-hidden`, with held-out answers; default: from the corpus."
        ),
    ] = None,
    out: Out = RUNS / "voice_report",
) -> None:
    """Measure a model's voice on answers of its core: how well it is understood, how clean it sounds, how fast it
    is."""
    from configs.train.voice_training import QuestionConfig
    from duplex.train.voice import evaluate
    from duplex.train.voice.answers import map_questions
    from duplex.train.voice.mind_vectors import Questions

    folder, texts = find_folder(model), map_questions(questions, MEASURED_ANSWERS)
    evaluate.run(folder, list(texts), out, make_mind=Questions(folder, texts, QuestionConfig()))
