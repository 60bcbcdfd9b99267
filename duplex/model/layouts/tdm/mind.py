"""The mind as one object: the core with its tokenizer and truecasing table, and how their folder is read and written.

Files: mind.yaml (configuration), core.safetensors, tokenizer.json and truecase.json. Nothing here depends on
conversations.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

from torch import Tensor, nn

from configs.base import ConfigError
from configs.model.model import MindConfig
from duplex.io.whole_files import write_text
from duplex.model.layouts.tdm.core import Core
from duplex.model.layouts.tdm.writing import Moment, PieceWriting
from duplex.model.text.tokenizer import TextTokenizer
from duplex.model.text.truecase import Truecase
from duplex.model.weights.quantize import load as load_weights
from duplex.model.weights.quantize import save as save_weights

CONFIG: Final = "mind.yaml"
WEIGHTS: Final = "core.safetensors"
TOKENIZER: Final = "tokenizer.json"
TRUECASE: Final = "truecase.json"


@dataclass(frozen=True)
class EmbeddedMind:
    """The core in evaluation mode, the tokenizer and the truecasing table."""

    config: MindConfig
    core: Core
    tokenizer: TextTokenizer
    truecase: Truecase

    @property
    def never(self) -> tuple[int, ...]:
        """Ids that may not occur in an answer."""
        return self.tokenizer.hold, self.tokenizer.bos

    def prompt(self, text: str) -> list[int]:
        """Ids of a system prompt."""
        return self.tokenizer.encode(text)

    def writing(self, moment: Moment) -> PieceWriting:
        """Begin the text of a new answer."""
        return PieceWriting(self.tokenizer, self.truecase, moment)

    @classmethod
    def fresh(cls, config: MindConfig) -> Self:
        """A mind with random weights, even where training starts from zero, and a vocabulary of letters; seed torch
        first."""
        tokenizer = TextTokenizer.of_letters(config.text)
        _check_size(tokenizer, config)
        core = Core(config.core).eval()
        for parameter in core.parameters():
            if not parameter.any():
                nn.init.normal_(parameter, std=_RANDOM)
        return cls(config, core, tokenizer, Truecase({}, {}))

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read a folder that `save` wrote.

        Raises:
            ConfigError, QuantizeError: a file is missing or broken, or they do not belong together.
        """
        config = MindConfig.from_yaml(folder / CONFIG)
        core = Core(config.core)
        _fill(core, load_weights(folder / WEIGHTS), folder / WEIGHTS)
        tokenizer = TextTokenizer.from_file(folder / TOKENIZER, config.text)
        _check_size(tokenizer, config)
        return cls(config, core.eval(), tokenizer, Truecase.from_file(folder / TRUECASE))

    def save(self, folder: Path) -> None:
        """Write all four files; matrices in int8, tables and small parts in float16."""
        folder.mkdir(parents=True, exist_ok=True)
        write_text(folder / CONFIG, self.config.to_yaml())
        weights = {name: value for name, value in self.core.state_dict().items() if name != _TIED}
        save_weights(weights, folder / WEIGHTS, keep=_is_sensitive)
        self.tokenizer.save(folder / TOKENIZER)
        self.truecase.save(folder / TRUECASE)


_RANDOM: Final = 0.05

_TIED: Final = "llm.lm.lm_head.weight"
"""Name of the text head's weights, which are shared with the embedding table."""


def _fill(core: Core, weights: dict[str, Tensor], source: Path) -> None:
    expected = {name: value.shape for name, value in core.state_dict().items() if name != _TIED}
    given = {name: value.shape for name, value in weights.items()}
    wrong = [name for name in expected | given if expected.get(name) != given.get(name)]
    if wrong:
        raise ConfigError(f"{source} does not fit {CONFIG}: {', '.join(wrong[:3])}; export both together")
    core.load_state_dict(weights, strict=False)


def _check_size(tokenizer: TextTokenizer, config: MindConfig) -> None:
    rows = config.core.llm.vocab_size
    if tokenizer.size > rows:
        raise ConfigError(f"the tokenizer has {tokenizer.size} ids, the LLM {rows}; raise core.llm.vocab_size")


def _is_sensitive(name: str) -> bool:
    return any(part in name for part in ("embed_tokens", "state_head", "user.words", "readout", "assistant."))
