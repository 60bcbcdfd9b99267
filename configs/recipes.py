"""Finds the recipes of the training steps, which are part of this package wherever it is installed."""

from pathlib import Path
from typing import Final

from configs.base import ConfigError

RECIPES: Final = Path(__file__).parent / "train"


def recipe(name: str) -> Path:
    """File of a shipped recipe.

    Raises:
        ConfigError: there is no recipe with this name.
    """
    path = RECIPES / f"{name}.yaml"
    if not path.is_file():
        raise ConfigError(
            f"no recipe '{name}' is installed in {RECIPES}; install the package again (there: {_names()})"
        )
    return path


def _names() -> str:
    return ", ".join(sorted(file.stem for file in RECIPES.glob("*.yaml")))


def recipe_file(given: Path | None, name: str) -> Path:
    """The file `given` as a path or as the name of a shipped recipe; without it, the shipped recipe `name`.

    Raises:
        ConfigError: there is no such recipe. A path is not checked here, but when it is read.
    """
    if given is None:
        return recipe(name)
    if given.suffix or len(given.parts) > 1 or given.exists():
        return given
    if not (RECIPES / f"{given}.yaml").is_file():
        raise ConfigError(f"--config {given}: there is no such file or recipe; choose one of {_names()}")
    return recipe(str(given))
