"""What makes a member of the papers' families: text tokens, speech tokens, refined head, ears, voice.

Knows keys and what must be equal; the members themselves are in `families`.
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
        before, after: what stands around a system prompt; special tokens in it count as such.
    """

    sil: str = "<|sil|>"
    eos: str = "<|im_end|>"
    before: str = "<|im_start|>system\n"
    after: str = "<|im_end|>\n"


class SpeechCodesConfig(Config):
    """Ids of speech tokens: those of the codebook, then begin and end of an answer's speech, and silence."""

    codebook: int = 6561

    @property
    def bos(self) -> int:
        """Stands before the first token of an answer."""
        return self.codebook

    @property
    def eos(self) -> int:
        """The answer has been spoken."""
        return self.codebook + 1

    @property
    def sil(self) -> int:
        """Nothing is spoken: MUTE slots, and the lead of the text."""
        return self.codebook + 2

    @property
    def size(self) -> int:
        """All ids."""
        return self.codebook + 3


class RefinedHeadConfig(Config):
    """Autoregressive speech refined head: `group` tokens a slot, each from those before it and the LLM's vector.

    Attributes:
        llm: its transformer; the sizes of its vocabulary are not used.
        lead_slots: slots of an answer before its first speech token: the text leads.
        tail_slots: slots after the text's end after which the speech ends in any case.
        window_slots: slots of speech that a token sees.
        choice: how tokens are chosen.
        clock: when words sound, which this head does not know.
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
    """Sizes of a HuBERT of random weights; one that is loaded brings its own."""

    width: int = 768
    layers: int = 12
    heads: int = 12
    ffn: int = 3072
    channels: int = 512
    kernels: tuple[int, ...] = (10, 3, 3, 3, 3, 2, 2)
    strides: tuple[int, ...] = (5, 2, 2, 2, 2, 2, 2)


class UnitEarsConfig(Config):
    """The user is heard as speech tokens. `vocabulary`: how many there are. `source` in the folder of the checkpoint:
    HuBERT's folder or the file of S3Tokenizer."""

    tokens: HubertConfig | S3Config = Field(discriminator="kind")
    vocabulary: int
    source: str
    shape: HubertShape = HubertShape()


class SpeechVoiceConfig(Config):
    """The refined head and what makes sound of its tokens.

    `source`: folder of CosyVoice or file of the unit vocoder, within the checkpoint's folder or elsewhere.
    `silence`: unit that stands for ids that are no sound within speech; CosyVoice has its own.
    """

    head: RefinedHeadConfig
    detokenizer: CosyVoiceConfig | UnitVocoderConfig
    source: str = "detokenizer"
    silence: int = 0


class FamilyMindConfig(AnyMindConfig):
    """With the text tokens of a published LLM."""

    text: ByteTextConfig = ByteTextConfig()


class FamilyConfig(Config):
    """One member of the papers' families. `dtype`: in which the core, the encoder and the head are kept."""

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
