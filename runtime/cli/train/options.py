"""Options that several steps of `duplex train` have, their defaults, and how a recipe and a model are found."""

from pathlib import Path
from typing import Annotated, Final, TypeVar

import typer

from configs.base import Config
from configs.recipes import recipe_file
from runtime.cli.paths import file, new_file, new_folder

RUNS: Final = Path("runs")
TRAINED: Final = RUNS / "mini"
EMBEDDED: Final = "mini"
DATA: Final = Path("../shared/data")
CORE: Final = "core.safetensors"

ConfigFile = Annotated[
    Path | None, typer.Option("--config", help="YAML file of the step, or the name of a shipped recipe.")
]
Model = Annotated[str, typer.Option("--model", help="Model that the step reads: name, folder or hub id.")]
VocabularyOf = Annotated[
    str | None, typer.Option("--model", help="Model whose vocabulary is used; default: the recipe's.")
]
Out = Annotated[Path, new_folder("--out", help="Folder for the step's results.")]
OutFile = Annotated[Path, new_file("--out", help="File that the step writes.")]
ModelOut = Annotated[Path, new_folder("--out", help="Folder of the model that is made.")]
Work = Annotated[Path, new_folder("--work", help="Folder of the step's own files, from which it resumes.")]
Bank = Annotated[Path, typer.Option("--bank", help="Folder of the clip bank.")]
Weights = Annotated[Path, typer.Option("--weights", help="File of a trained core.")]
Tracks = Annotated[Path, typer.Option("--tracks", help="Output of `duplex train tracks`.")]
Pairs = Annotated[Path | None, file("--pairs", help="Output of `duplex train errors`.")]
Shards = Annotated[list[Path], typer.Argument(metavar="SHARD...", help="Folders of simulated dialogues.")]
Data = Annotated[Path, typer.Option("--data", help="Folder of the test audio.")]
Share = Annotated[list[float] | None, typer.Option("--share", help="Share of each file, in order.", min=0.0, max=1.0)]

_Kind = TypeVar("_Kind", bound=Config)


def read_recipe(kind: type[_Kind], given: Path | None, name: str) -> _Kind:
    """Read the configuration that was given, or else the shipped recipe `name`.

    Raises:
        ConfigError: a file is missing or wrong.
    """
    return kind.from_yaml(recipe_file(given, name))


def find_folder(model: str) -> Path:
    """Folder of a model that is a name, a folder or a hub id.

    Raises:
        ConfigError: there is no such model.
    """
    from duplex.model.weights.checkpoint_folder import checkpoint_folder

    return checkpoint_folder(model)
