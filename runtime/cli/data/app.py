"""`duplex data ...`: the examples that the papers' models are trained on, in the order in which they are made.

    import      training data of other projects            -> a folder of examples
    tokenize    sound becomes speech tokens
    filter      leaves out what would teach something wrong
    patterns    each example in the seven interaction patterns
    duplex      turns become dialogues of two channels
    show        what a folder of examples holds

Every step writes a new folder; sound stays where it is.
"""

from collections import Counter
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final, get_args

import typer
from rich.table import Table

from configs.base import ConfigError
from configs.model.speech_tokens import HubertConfig, S3Config
from configs.recipes import recipe_file
from configs.train.examples import FilterConfig, Split, TwoChannelConfig
from duplex.train.examples.example import Role
from runtime.cli.common import out as console
from runtime.cli.common import progress
from runtime.cli.paths import file, new_folder
from runtime.cli.values import LARGEST_SEED, number

if TYPE_CHECKING:
    from duplex.train.examples.example_folder import ExampleFolder


class Side(StrEnum):
    """Whose turns."""

    USER = "user"
    ASSISTANT = "assistant"
    BOTH = "both"


_SIDES: Final[dict[Side, tuple[Role, ...]]] = {
    Side.USER: ("user",),
    Side.ASSISTANT: ("assistant",),
    Side.BOTH: ("user", "assistant"),
}
app = typer.Typer(
    help="Training examples: import them, mix patterns, make dialogues of two channels.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
Examples = Annotated[Path, typer.Argument(metavar="EXAMPLES", help="Folder of examples.")]
Out = Annotated[Path, new_folder("--out", help="New folder for the result.")]


@app.command("import")
def import_command(
    source: Annotated[Path, typer.Argument(metavar="SOURCE", help="A .jsonl or .parquet file, or a folder of them.")],
    out: Out,
    validation: Annotated[float, number(0.0, 0.5, "Share of the examples that are only measured with.")] = 0.01,
    language: Annotated[str, typer.Option(help="Language of the examples, as in ISO 639: en, zh ...")] = "",
) -> None:
    """Import training data in Fun-Audio-Chat's or SLAM-Omni's format."""
    from duplex.train.examples.imports import import_examples

    with progress() as bar:
        task = bar.add_task("examples", total=None)
        writer = import_examples(source, out, validation, language, lambda: bar.advance(task))
    _tell(out, writer.counts)


@app.command()
def tokenize(
    examples: Examples,
    out: Out,
    s3: Annotated[Path | None, file(help="File of S3Tokenizer: speech_tokenizer_v3.onnx, or v2.")] = None,
    hubert: Annotated[Path | None, typer.Option(help="Folder of a HuBERT, in transformers' format.")] = None,
    units: Annotated[Path | None, file(help="Centroids of HuBERT's units: .npy or .safetensors.")] = None,
    layer: Annotated[int, number(1, 1000, "HuBERT's layer whose output the centroids were made from.", whole=True)] = 9,
    side: Annotated[Side, typer.Option(help="Whose turns get tokens.")] = Side.ASSISTANT,
) -> None:
    """Make speech tokens of the turns' sound; a run that was stopped goes on where it was."""
    from duplex.train.examples.example_folder import ExampleFolder
    from duplex.train.examples.shard_work import work_through
    from duplex.train.examples.tokenize import ExampleTokenizer, fingerprint_files

    source = ExampleFolder(examples)
    sides = _SIDES[side]
    if s3 is not None and hubert is None:
        from duplex.model.stages.s3_tokenizer import load_s3_tokenizer

        config = S3Config.for_generation("v2" if "v2" in s3.name else "v3")
        name = f"S3Tokenizer {config.generation}"
        made = ExampleTokenizer(load_s3_tokenizer(s3, config), config.window, name, fingerprint_files(s3), sides)
    elif hubert is not None and units is not None and s3 is None:
        from duplex.model.stages.hubert_units import HubertUnits

        shape = HubertConfig(layer=layer)
        marks = fingerprint_files(hubert, units)
        made = ExampleTokenizer(HubertUnits.load(hubert, units, shape), shape.window, "HuBERT units", marks, sides)
    else:
        raise ConfigError("choose a tokenizer: --s3 FILE, or --hubert FOLDER with --units FILE")
    info = source.info_for(out).model_copy(update={"tokens": made.info})
    with progress() as bar:
        task = bar.add_task("examples", total=_count(source))
        counts = work_through(
            source, out, info, side.value, lambda one: [made.tokenize(one, source)], lambda: bar.advance(task)
        )
    _tell(out, counts)


@app.command("filter")
def filter_command(
    examples: Examples,
    out: Out,
    shortest: Annotated[float, number(0.0, 3600.0, "Turns with less sound are left out.", unit="s")] = 0.2,
    longest: Annotated[float, number(0.1, 3600.0, "Turns with more sound are left out.", unit="s")] = 60.0,
    language: Annotated[list[str] | None, typer.Option(help="Other languages are left out; give several.")] = None,
    wer: Annotated[
        float | None,
        number(0.0, 10.0, "Most word errors of a turn's sound against its text, as a share; by an English recogniser."),
    ] = None,
) -> None:
    """Leave out examples that are too short, too long, in another language, or whose sound is not their text."""
    from duplex.eval.measures.judge import recognise
    from duplex.train.examples.example import Example
    from duplex.train.examples.example_folder import ExampleFolder
    from duplex.train.examples.filter import ExampleFilter
    from duplex.train.examples.shard_work import work_through

    source = ExampleFolder(examples)
    config = FilterConfig(shortest_s=shortest, longest_s=longest, languages=tuple(language or ()), most_word_errors=wer)
    rule = ExampleFilter(config, source, lambda samples: recognise(samples, ""))
    reasons: Counter[str] = Counter()

    def keep(example: Example) -> list[Example]:
        why = rule.refuse(example)
        if why is None:
            return [example]
        reasons[why] += 1
        return []

    with progress() as bar:
        task = bar.add_task("examples", total=_count(source))
        settings = config.model_dump_json()
        counts = work_through(source, out, source.info_for(out), settings, keep, lambda: bar.advance(task))
    _tell(out, counts)
    for why, number_left in reasons.most_common():
        console().print(f"left out: {number_left} ({why})")


@app.command()
def patterns(examples: Examples, out: Out) -> None:
    """Make of each speech-to-speech example one for every interaction pattern (CoM-mixing)."""
    from duplex.train.examples.example_folder import ExampleFolder, ExampleWriter
    from duplex.train.examples.patterns import list_patterns

    source = ExampleFolder(examples)
    with progress() as bar, ExampleWriter(out, source.info_for(out)) as writer:
        for split in get_args(Split):
            for example in bar.track(source.read(split), total=source.count(split), description=split):
                writer.add(list_patterns(example))
    _tell(out, writer.counts)


@app.command("duplex")
def duplex_command(
    examples: Examples,
    out: Out,
    config: Annotated[Path | None, typer.Option("--config", help="YAML file of how long everything takes.")] = None,
    seed: Annotated[int, number(0, LARGEST_SEED, "Seed of all random choices.", whole=True)] = 0,
) -> None:
    """Make dialogues of two channels of turns that follow each other; some answers are interrupted."""
    from duplex.train.examples.example_folder import ExampleFolder, ExampleWriter
    from duplex.train.examples.two_channels import make_two_channels

    source = ExampleFolder(examples)
    settings = TwoChannelConfig.from_yaml(recipe_file(config, "two_channels"))
    with progress() as bar, ExampleWriter(out, source.info_for(out)) as writer:
        for split in get_args(Split):
            given = bar.track(source.read(split), total=source.count(split), description=split)
            writer.add(make_two_channels(given, settings, source.tokens, seed))
    _tell(out, writer.counts)


@app.command()
def show(
    examples: Examples,
    count: Annotated[int, number(0, 1000, "Examples that are shown.", whole=True)] = 3,
) -> None:
    """Show what a folder of examples holds."""
    from duplex.train.examples.example_folder import ExampleFolder

    source = ExampleFolder(examples)
    table = Table("split", "examples", "turns", "user's hours", "speech tokens", "patterns", box=None)
    for split in get_args(Split):
        turns = tokens = 0
        seconds = 0.0
        found: Counter[str] = Counter()
        for place, example in enumerate(source.read(split)):
            turns += len(example.turns)
            tokens += sum(len(turn.tokens) for turn in example.turns)
            seconds += sum(turn.seconds for turn in example.turns if turn.role == "user")
            found["two channels" if example.has_two_channels else example.pattern or "speech to speech"] += 1
            if place < count and split == "train":
                console().print(f"{example.id}", style="bold", highlight=False)
                for turn in example.turns:
                    console().print(f"  {turn.role}: {turn.text}", markup=False, highlight=False)
        mix = ", ".join(f"{name} {number}" for name, number in sorted(found.items()))
        table.add_row(split, str(sum(found.values())), str(turns), f"{seconds / 3600:.2f}", str(tokens), mix)
    console().print(table)
    console().print(source.info.tokens.name if source.info.tokens else "no speech tokens yet")


def _count(source: "ExampleFolder") -> int:
    return sum(source.count(split) for split in get_args(Split))


def _tell(folder: Path, counts: dict[Split, int]) -> None:
    told = ", ".join(f"{number} for {split}" for split, number in counts.items())
    console().print(f"{folder}: {told}")
