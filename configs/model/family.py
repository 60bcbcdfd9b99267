"""The parts of a member of the papers' families: text tokens, speech tokens, refined head, ears, voice.

This module defines the keys and checks that they agree; the members themselves are in `families`.
"""

from typing import Literal, Self

from pydantic import Field, model_validator

from configs.audio import AUDIO
from configs.base import Config
from configs.model.core import LlmConfig
from configs.model.cosyvoice import CosyVoiceConfig
from configs.model.funaudiochat import ChoiceConfig
from configs.model.live_turns import WordClockConfig
from configs.model.model import AnyMindConfig, EarsConfig
from configs.model.speech_tokens import HubertConfig, S3Config, UnitVocoderConfig


class ByteTextConfig(Config):
    """Text tokens of a byte-level `tokenizer.json`.

    Attributes:
        sil: token of a slot without text.
        eos: token that ends the text of an answer; `sil` follows until the speech has ended.
        before, after: text around a system prompt; special tokens in it are recognised as such.
    """

    sil: str = "<|sil|>"
    eos: str = "<|im_end|>"
    before: str = "<|im_start|>system\n"
    after: str = "<|im_end|>\n"


class SpeechCodesConfig(Config):
    """Ids of speech tokens: those of the codebook, then begin and end of an answer's speech, then silence."""

    codebook: int = 6561

    @property
    def bos(self) -> int:
        """Id that precedes the first token of an answer."""
        return self.codebook

    @property
    def eos(self) -> int:
        """Id that says that the answer has been spoken."""
        return self.codebook + 1

    @property
    def sil(self) -> int:
        """Id for no speech: in MUTE slots, and while the text leads."""
        return self.codebook + 2

    @property
    def size(self) -> int:
        """Number of ids."""
        return self.codebook + 3


class RefinedHeadConfig(Config):
    """Autoregressive speech refined head: `group` tokens per slot, each predicted from those before it and the LLM's
    vector (OmniDRCA eq. 5-7).

    Attributes:
        llm: its transformer; the vocabulary size in it is not used.
        lead_slots: slots of an answer before its first speech token, by which the text leads.
        tail_slots: slots after the end of the text after which the speech ends in any case.
        window_slots: past slots of speech that a token sees.
        choice: how tokens are sampled.
        clock: estimates when words sound, which this head does not know.
    """

    llm: LlmConfig
    codes: SpeechCodesConfig = SpeechCodesConfig()
    group: int = AUDIO.tokens_per_slot
    lead_slots: int = Field(default=2, ge=0)
    tail_slots: int = Field(default=150, ge=1)
    window_slots: int = Field(default=150, ge=1)
    choice: ChoiceConfig = ChoiceConfig()
    clock: WordClockConfig = WordClockConfig()


class HubertShape(Config):
    """Sizes of a HuBERT with random weights; a loaded one brings its own."""

    width: int = 768
    layers: int = 12
    heads: int = 12
    ffn: int = 3072
    channels: int = 512
    kernels: tuple[int, ...] = (10, 3, 3, 3, 3, 2, 2)
    strides: tuple[int, ...] = (5, 2, 2, 2, 2, 2, 2)


class UnitEarsConfig(Config):
    """The user is heard as speech tokens. `vocabulary`: number of different tokens. `source`: HuBERT's folder or the
    file of S3Tokenizer, in the checkpoint's folder."""

    tokens: HubertConfig | S3Config = Field(discriminator="kind")
    vocabulary: int
    source: str
    shape: HubertShape = HubertShape()


class SpeechVoiceConfig(Config):
    """The refined head and the detokenizer that turns its tokens into sound.

    `source`: folder of CosyVoice or file of the unit vocoder, within the checkpoint's folder or elsewhere.
    `silence`: unit that replaces ids without sound within speech; CosyVoice has its own.
    """

    head: RefinedHeadConfig
    detokenizer: CosyVoiceConfig | UnitVocoderConfig
    source: str = "detokenizer"
    silence: int = 0


class FamilyMindConfig(AnyMindConfig):
    """A mind with the text tokens of a published LLM."""

    text: ByteTextConfig = ByteTextConfig()


class FamilyConfig(Config):
    """One member of the papers' families. `dtype`: that of the core, the encoder and the head."""

    family: Literal["drvoice", "omnidrca"]
    dtype: Literal["bfloat16", "float32"] = "bfloat16"
    mind: FamilyMindConfig
    ears: EarsConfig | UnitEarsConfig
    voice: SpeechVoiceConfig

    @model_validator(mode="after")
    def _fits(self) -> Self:
        core, head = self.mind.core, self.voice.head
        _equal("core.assistant.codes", core.assistant.codes, "the head's codes", head.codes.size)
        _equal("core.assistant.tokens", core.assistant.tokens, "the head's group", head.group)
        if isinstance(self.ears, UnitEarsConfig):
            _equal("core.user.units", core.user.units, "the ears' vocabulary", self.ears.vocabulary)
        else:
            _equal("core.user.feature_dim", core.user.feature_dim, "the encoder's dim", self.ears.encoder.shape.dim)
        detokenizer = self.voice.detokenizer
        if isinstance(detokenizer, CosyVoiceConfig):
            _equal("the head's codebook", head.codes.codebook, "CosyVoice's vocabulary", detokenizer.flow.vocabulary)
            _equal("the head's group", head.group, "CosyVoice's hop", detokenizer.stream.hop)
        else:
            _equal("the head's codebook", head.codes.codebook, "the vocoder's units", detokenizer.units)
            _equal("the head's group", head.group, "the vocoder's units of a slot", detokenizer.slot_units)
        return self


def _equal(name: str, value: int | None, other: str, wanted: int) -> None:
    if value != wanted:
        raise ValueError(f"{name} is {value}, {other} {wanted}; they must be equal")
