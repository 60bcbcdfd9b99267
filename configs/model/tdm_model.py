"""A TDM model with what goes with it, described by a file: `configs/models/NAME.yaml`."""

from typing import Literal

from configs.base import Config
from configs.model.language_models import LanguageModelConfig


class TdmModelConfig(Config):
    """A TDM model, and the language model that writes its answers.

    Attributes:
        name: name of the description.
        kind: "tdm".
        checkpoint: name, folder or hub id of the TDM model.
        llm: the language model; needs a TDM model that knows the user's words. Without it, the model answers by itself.
    """

    name: str
    kind: Literal["tdm"]
    checkpoint: str
    llm: LanguageModelConfig | None = None
