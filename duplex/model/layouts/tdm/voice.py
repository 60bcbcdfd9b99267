"""The voice as one object, and how its folder of weights is read and written.

Files: voice.yaml (configuration), lexicon.xz, srh.safetensors (pointer head) and detokenizer.safetensors (band
decoder); `silence` in both is the token of silence. Nothing here depends on conversations.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

from torch import Tensor

from configs.model.voice import VoiceConfig
from duplex.io.whole_files import write_text
from duplex.model.stages.detokenizer import BandDetokenizer
from duplex.model.stages.srh import PointerRefinedHead
from duplex.model.text.lexicon import Lexicon
from duplex.model.weights.quantize import load as load_weights
from duplex.model.weights.quantize import save as save_weights

CONFIG: Final = "voice.yaml"
LEXICON: Final = "lexicon.xz"
HEAD: Final = "srh.safetensors"
DETOKENIZER: Final = "detokenizer.safetensors"


class VoiceError(ValueError):
    """A folder does not contain a usable voice. The message says what, why and how to fix it, in one line."""


@dataclass
class EmbeddedVoice:
    """Pointer head and detokenizer, in evaluation mode, with their configuration."""

    config: VoiceConfig
    head: PointerRefinedHead
    detokenizer: BandDetokenizer

    @classmethod
    def fresh(cls, config: VoiceConfig, lexicon: Lexicon) -> Self:
        """A voice with random weights; seed torch first."""
        head = PointerRefinedHead(config.srh, config.tokenizer, lexicon)
        return cls(config, head.eval(), BandDetokenizer(config).eval())

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read a folder that `save` wrote.

        Raises:
            ConfigError, LexiconError, QuantizeError: a file is missing or broken.
            VoiceError: weights and configuration do not belong together.
        """
        voice = cls.fresh(VoiceConfig.from_yaml(folder / CONFIG), Lexicon.load(folder / LEXICON))
        for module, name in ((voice.head, HEAD), (voice.detokenizer, DETOKENIZER)):
            try:
                module.load_state_dict(load_weights(folder / name))
            except RuntimeError as error:
                reason = " ".join(str(error).split())
                raise VoiceError(f"{folder / name} does not fit {CONFIG}: {reason}; export both together") from None
        return voice

    def save(self, folder: Path) -> None:
        """Write configuration, lexicon and int8 weights to `folder`; embeddings stay in float16."""
        folder.mkdir(parents=True, exist_ok=True)
        write_text(folder / CONFIG, self.config.to_yaml())
        self.head.lexicon.save(folder / LEXICON)
        save_weights(self.head.state_dict(), folder / HEAD, keep=_is_small_table)
        save_weights(self.detokenizer.state_dict(), folder / DETOKENIZER, keep=_is_small_table)

    def set_silence(self, token: Tensor) -> None:
        """Give both stages the token [15] of silence."""
        self.head.silence.copy_(token)
        self.detokenizer.silence.copy_(token)


def _is_small_table(name: str) -> bool:
    return any(part in name for part in ("window.unit", "window.stress", ".taps", "hidden.weight"))
