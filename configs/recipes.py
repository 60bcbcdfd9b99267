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
        known = ", ".join(sorted(file.stem for file in RECIPES.glob("*.yaml")))
        raise ConfigError(f"no recipe '{name}' is installed in {RECIPES}; install the package again (there: {known})")
    return path


def recipe_file(given: Path | None, name: str) -> Path:
    """The file `given` as a path or as the name of a shipped recipe; without it, the shipped recipe `name`.

    Raises:
        ConfigError: there is no such recipe. A path is not checked here, but when it is read.
    """
    if given is None:
        return recipe(name)
    is_name = not given.suffix and len(given.parts) == 1 and not given.exists()
    return recipe(str(given)) if is_name else given
