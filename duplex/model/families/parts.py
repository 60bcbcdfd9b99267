"""Ears, mind and voice of the papers' families, with random weights or from a checkpoint's folder.

Nothing here depends on conversations. Files of a folder: family.yaml (configuration), core.safetensors, tokenizer.json,
srh.safetensors; ears.safetensors (Whisper's encoder under its own names) or the files of the speech tokenizer
(`ears.source`); the files of the detokenizer (`voice.source`). Weights keep the data type they are stored in.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypeVar

import torch
from torch import Tensor, nn

from configs.base import ConfigError
from configs.model.cosyvoice import CosyVoiceConfig
from configs.model.family import FamilyConfig, FamilyMindConfig, HubertShape, SpeechVoiceConfig, UnitEarsConfig
from configs.model.model import EarsConfig
from configs.model.speech_tokens import S3Config
from duplex.model.families.autoregressive_srh import AutoregressiveRefinedHead
from duplex.model.families.byte_text import ByteTokenizer, StreamWriting
from duplex.model.families.slot_detokenizers import CosyVoiceSlotDetokenizer, UnitSlotDetokenizer
from duplex.model.layouts.tdm.core import Core
from duplex.model.layouts.tdm.writing import Moment
from duplex.model.stages.cosyvoice import CosyVoice
from duplex.model.stages.encoder import SpeechEncoder
from duplex.model.stages.hubert_units import HubertUnits
from duplex.model.stages.s3_tokenizer import load_s3_tokenizer
from duplex.model.stages.streaming import Stage
from duplex.model.stages.token_window import ClipTokenizer, TokenStream
from duplex.model.stages.unit_vocoder import UnitDetokenizer, UnitVocoder
from duplex.model.stages.whisper_blocks import AudioEncoder
from duplex.model.stages.whisper_weights import load_audio_encoder
from duplex.model.stages.word_source import NoWords
from duplex.model.weights.safetensors import read_tensors

CONFIG: Final = "family.yaml"
CORE: Final = "core.safetensors"
EARS: Final = "ears.safetensors"
HEAD: Final = "srh.safetensors"
TOKENIZER: Final = "tokenizer.json"
CENTROIDS: Final = "centroids.safetensors"

TIED: Final = "llm.lm.lm_head.weight"
"""Name of the text head's weights, left out if it shares the text embedding."""
_DEVIATION: Final = 0.05

M = TypeVar("M", bound=nn.Module)


@dataclass(frozen=True)
class FamilyEars:
    """The speech encoder, which gives features or tokens of the user's speech, but no words."""

    encoder: Stage[Tensor, Tensor, Any]
    words: NoWords


@dataclass(frozen=True)
class FamilyMind:
    """The core in evaluation mode, and its tokenizer."""

    config: FamilyMindConfig
    core: Core
    tokenizer: ByteTokenizer

    @property
    def never(self) -> tuple[int, ...]:
        """Ids that may not occur in an answer."""
        return self.tokenizer.never

    def prompt(self, text: str) -> list[int]:
        """Ids of a system prompt."""
        return self.tokenizer.prompt(text)

    def writing(self, moment: Moment) -> StreamWriting:
        """Begin the text of a new answer."""
        return StreamWriting(self.tokenizer)


@dataclass(frozen=True)
class FamilyVoice:
    """The refined head and the detokenizer."""

    head: AutoregressiveRefinedHead
    detokenizer: CosyVoiceSlotDetokenizer | UnitSlotDetokenizer


FamilyParts = tuple[FamilyEars, FamilyMind, FamilyVoice]


def fresh(config: FamilyConfig) -> FamilyParts:
    """Parts with random weights, even where training starts from zero, and letters as text; seed torch first."""
    core = _lively(Core(config.mind.core))
    tokenizer = ByteTokenizer.of_letters(config.mind.text)
    _check_size(tokenizer, config.mind)
    ears = _fresh_ears(config.ears)
    silence = ears.encoder.silence if isinstance(ears.encoder, TokenStream) else config.voice.silence
    voice = config.voice.model_copy(update={"silence": silence})
    head = AutoregressiveRefinedHead(voice.head, config.mind.core.llm.hidden_size).eval()
    return ears, FamilyMind(config.mind, core, tokenizer), FamilyVoice(head, _fresh_mouth(voice))


def load(folder: Path) -> FamilyParts:
    """Read a checkpoint's folder.

    Raises:
        ConfigError: a file is missing or broken, or they do not belong together.
    """
    config = FamilyConfig.from_yaml(folder / CONFIG)
    tokenizer = ByteTokenizer.from_file(folder / TOKENIZER, config.mind.text)
    _check_size(tokenizer, config.mind)
    core = _fill(lambda: Core(config.mind.core), folder / CORE, {TIED} if config.mind.core.llm.tied else set())
    core.llm.complete()
    head = _fill(lambda: AutoregressiveRefinedHead(config.voice.head, config.mind.core.llm.hidden_size), folder / HEAD)
    head.transformer.complete()
    voice = FamilyVoice(head, _load_mouth(config.voice, folder))
    return FamilyEars(_load_encoder(config, folder), NoWords()), FamilyMind(config.mind, core, tokenizer), voice


def check(given: Mapping[str, Tensor], wanted: Mapping[str, Tensor], source: str) -> None:
    """Compare names and shapes.

    Raises:
        ConfigError: tensors are missing, unexpected or have the wrong shape; `source` names their origin.
    """
    wrong = [
        name
        for name in sorted(given.keys() | wanted.keys())
        if name not in given or name not in wanted or given[name].shape != wanted[name].shape
    ]
    if wrong:
        raise ConfigError(
            f"{source} does not fit its configuration: {', '.join(wrong[:3])}; create both together again"
        )


def hubert(shape: HubertShape, config: UnitEarsConfig) -> HubertUnits:
    """HuBERT and centroids with random weights."""
    from transformers import HubertConfig, HubertModel

    assert config.tokens.kind == "hubert"
    sizes = HubertConfig(
        hidden_size=shape.width,
        num_hidden_layers=shape.layers,
        num_attention_heads=shape.heads,
        intermediate_size=shape.ffn,
        conv_dim=[shape.channels] * len(shape.kernels),
        conv_kernel=list(shape.kernels),
        conv_stride=list(shape.strides),
        num_conv_pos_embedding_groups=1,
        num_conv_pos_embeddings=8,
    )
    model = HubertModel(sizes).eval().requires_grad_(False)
    return HubertUnits(config.tokens, model, torch.randn(config.vocabulary, shape.width)).eval()


def _fresh_ears(config: EarsConfig | UnitEarsConfig) -> FamilyEars:
    if isinstance(config, EarsConfig):
        encoder = SpeechEncoder(config.encoder, AudioEncoder(config.encoder.shape)).eval()
        return FamilyEars(encoder, NoWords())
    return FamilyEars(TokenStream(hubert(config.shape, config), config.tokens.window), NoWords())


def _load_encoder(config: FamilyConfig, folder: Path) -> Stage[Tensor, Tensor, Any]:
    ears = config.ears
    if isinstance(ears, EarsConfig):
        dtype: torch.dtype = getattr(torch, config.dtype)
        return SpeechEncoder(ears.encoder, load_audio_encoder(read_tensors(folder / EARS), ears.encoder.shape, dtype))
    tokenizer: ClipTokenizer
    if isinstance(ears.tokens, S3Config):
        tokenizer = load_s3_tokenizer(folder / ears.source, ears.tokens)
    else:
        tokenizer = HubertUnits.load(folder / ears.source, folder / CENTROIDS, ears.tokens)
    if tokenizer.vocabulary != ears.vocabulary:
        raise ConfigError(f"{folder}: the speech tokenizer has {tokenizer.vocabulary} tokens, not {ears.vocabulary}")
    return TokenStream(tokenizer, ears.tokens.window)


def _fresh_mouth(config: SpeechVoiceConfig) -> CosyVoiceSlotDetokenizer | UnitSlotDetokenizer:
    if isinstance(config.detokenizer, CosyVoiceConfig):
        return CosyVoiceSlotDetokenizer(CosyVoice.random(config.detokenizer))
    return UnitSlotDetokenizer(UnitDetokenizer(UnitVocoder(config.detokenizer)).eval(), config.silence)


def _load_mouth(config: SpeechVoiceConfig, folder: Path) -> CosyVoiceSlotDetokenizer | UnitSlotDetokenizer:
    source = folder / config.source
    if not source.exists():
        raise ConfigError(f"{source}: is missing, so this checkpoint has no voice; put the detokenizer's files there")
    if isinstance(config.detokenizer, CosyVoiceConfig):
        return CosyVoiceSlotDetokenizer(CosyVoice.load(source, config=config.detokenizer))
    return UnitSlotDetokenizer(UnitDetokenizer(UnitVocoder.load(source, config.detokenizer)).eval(), config.silence)


def _fill(build: Callable[[], M], path: Path, without: set[str] | None = None) -> M:
    """Build a module on the tensors of a file, without a second copy."""
    with torch.device("meta"):
        module = build()
    weights = read_tensors(path)
    wanted = {name: value for name, value in module.state_dict().items() if name not in (without or set())}
    check(weights, wanted, str(path))
    module.load_state_dict(weights, strict=False, assign=True)
    return module.eval().requires_grad_(False)


def _lively(core: Core) -> Core:
    """Randomize the weights that training starts from zero, which would be silent in a model with random weights."""
    for parameter in core.parameters():
        if not parameter.any():
            nn.init.normal_(parameter, std=_DEVIATION)
    return core.eval()


def _check_size(tokenizer: ByteTokenizer, config: FamilyMindConfig) -> None:
    rows = config.core.llm.vocab_size
    if tokenizer.size > rows:
        raise ConfigError(f"the tokenizer has {tokenizer.size} ids, the LLM {rows}; they do not belong together")
