"""The papers' families as configurations of the TDM model: `drvoice` and `omnidrca`, and their tiny twins.

DrVoice (arXiv 2506.09349 v3) hears with Whisper's encoder and speaks CosyVoice's tokens; OmniDRCA (v1) hears and speaks
HuBERT units. Both use Qwen2.5 as the language model and a refined head with the architecture of Qwen2.5-0.5B. Values
that the papers leave open (state head, silence, the text's lead) are ours.
"""

from typing import Any, Final

from configs.audio import AUDIO
from configs.model.core import AssistantSideConfig, CoreConfig, LlmConfig, UserSideConfig
from configs.model.cosyvoice import COSYVOICE3, COSYVOICE3_TINY, CosyVoiceConfig
from configs.model.ears import EncoderConfig, MelConfig, WhisperShape, WordsConfig
from configs.model.family import (
    FamilyConfig,
    FamilyMindConfig,
    HubertShape,
    RefinedHeadConfig,
    SpeechCodesConfig,
    SpeechVoiceConfig,
    UnitEarsConfig,
)
from configs.model.model import EarsConfig, ModelConfig
from configs.model.speech_tokens import HubertConfig, TokenWindowConfig, UnitVocoderConfig
from configs.model.tiny import TINY, TINY_CTC
from configs.schedule import ScheduleConfig


def _qwen2(
    hidden: int, ffn: int, layers: int, heads: int, shared: int, *, vocabulary: int = 151_936, tied: bool = True
) -> LlmConfig:
    values: dict[str, Any] = {"rms_norm_eps": 1e-6, "max_position_embeddings": 32_768, "tie_word_embeddings": tied}
    return LlmConfig(
        model_type="qwen2",
        vocab_size=vocabulary,
        hidden_size=hidden,
        intermediate_size=ffn,
        num_hidden_layers=layers,
        num_attention_heads=heads,
        num_key_value_heads=shared,
        rope_theta=1e6,
        values=values,
    )


QWEN25_7B: Final = _qwen2(3584, 18_944, 28, 28, 4, vocabulary=152_064, tied=False)
QWEN25_1_5B: Final = _qwen2(1536, 8960, 28, 12, 2)
QWEN25_0_5B: Final = _qwen2(896, 4864, 24, 14, 2)
_TINY_LLM: Final = _qwen2(32, 48, 2, 2, 1, vocabulary=64)
_TINY_HEAD: Final = _qwen2(32, 48, 1, 2, 1, vocabulary=1)

WHISPER_LARGE_V3: Final = WhisperShape(
    dim=1280, heads=20, ffn=5120, encoder_layers=32, decoder_layers=32, mel=MelConfig(bands=128)
)
UNITS_25_HZ: Final = UnitVocoderConfig(rates=(5, 4, 4, 4, 2), kernels=(11, 8, 8, 8, 4))
"""Unit vocoder for 1,000 units at 25 Hz, the papers' rate; published units at 50 Hz come in groups of ten."""

_PROMPT: Final = "You are a helpful assistant and asked to generate both text and speech tokens at the same time."
_SCHEDULE: Final = ScheduleConfig(prefix_places=128, window_slots=600)
_SHORT: Final = ScheduleConfig(prefix_places=32, window_slots=20)
_NO_WORDS: Final = WordsConfig(source="none")


def drvoice(
    name: str,
    llm: LlmConfig,
    head: RefinedHeadConfig,
    encoder: EncoderConfig,
    detokenizer: CosyVoiceConfig,
    schedule: ScheduleConfig = _SCHEDULE,
) -> FamilyConfig:
    """Whisper's encoder and an adapter on the user's side, CosyVoice's tokens on the assistant's."""
    user = UserSideConfig(frames=encoder.block_frames, feature_dim=encoder.shape.dim, words=0, source="none")
    return FamilyConfig(
        family="drvoice",
        mind=_mind(name, llm, user, head, schedule),
        ears=EarsConfig(encoder=encoder, words=_NO_WORDS),
        voice=SpeechVoiceConfig(head=head, detokenizer=detokenizer),
    )


def omnidrca(
    name: str,
    llm: LlmConfig,
    head: RefinedHeadConfig,
    ears: UnitEarsConfig,
    vocoder: UnitVocoderConfig,
    heard: int,
    silence: int = 0,
    schedule: ScheduleConfig = _SCHEDULE,
) -> FamilyConfig:
    """Grouped speech tokens on both sides; `heard` tokens of the user make a slot."""
    user = UserSideConfig(
        frames=heard, feature_dim=llm.hidden_size, words=0, source="none", units=ears.vocabulary
    )  # fmt: skip
    return FamilyConfig(
        family="omnidrca",
        mind=_mind(name, llm, user, head, schedule),
        ears=ears,
        voice=SpeechVoiceConfig(head=head, detokenizer=vocoder, source="vocoder.safetensors", silence=silence),
    )


def _mind(
    name: str, llm: LlmConfig, user: UserSideConfig, head: RefinedHeadConfig, schedule: ScheduleConfig
) -> FamilyMindConfig:
    assistant = AssistantSideConfig(tokens=head.group, digits=1, codes=head.codes.size)
    core = CoreConfig(llm=llm, user=user, assistant=assistant)
    return FamilyMindConfig(name=name, system_prompt=_PROMPT, schedule=schedule, core=core)


def _drvoice(name: str, llm: LlmConfig) -> FamilyConfig:
    return drvoice(name, llm, RefinedHeadConfig(llm=QWEN25_0_5B), EncoderConfig(shape=WHISPER_LARGE_V3), COSYVOICE3)


def _omnidrca(name: str, llm: LlmConfig) -> FamilyConfig:
    head = RefinedHeadConfig(llm=QWEN25_0_5B, codes=SpeechCodesConfig(codebook=UNITS_25_HZ.units))
    shape = HubertShape(kernels=(10, 3, 3, 3, 3, 2, 2, 2), strides=(5, 2, 2, 2, 2, 2, 2, 2))
    ears = UnitEarsConfig(tokens=HubertConfig(), vocabulary=UNITS_25_HZ.units, source="hubert", shape=shape)
    return omnidrca(name, llm, head, ears, UNITS_25_HZ, AUDIO.tokens_per_slot)


DRVOICE_7B: Final = _drvoice("drvoice-7b", QWEN25_7B)
DRVOICE_SMALL: Final = _drvoice("drvoice-small", QWEN25_1_5B)
OMNIDRCA_7B: Final = _omnidrca("omnidrca-7b", QWEN25_7B)
OMNIDRCA_SMALL: Final = _omnidrca("omnidrca-small", QWEN25_1_5B)


def _tiny(config: FamilyConfig) -> FamilyConfig:
    """The family in float32, with a short prompt."""
    mind = config.mind.model_copy(update={"system_prompt": "Be kind."})
    return config.model_copy(update={"mind": mind, "dtype": "float32"})


def _tiny_head(codebook: int) -> RefinedHeadConfig:
    codes = SpeechCodesConfig(codebook=codebook)
    return RefinedHeadConfig(llm=_TINY_HEAD, codes=codes, lead_slots=1, tail_slots=8, window_slots=4)


_TINY_COSYVOICE: Final = COSYVOICE3_TINY.model_copy(
    update={"flow": COSYVOICE3_TINY.flow.model_copy(update={"steps": 2, "noise_frames": 1500})}
)

DRVOICE_TINY: Final = _tiny(
    drvoice(
        "drvoice-tiny",
        _TINY_LLM,
        _tiny_head(COSYVOICE3_TINY.flow.vocabulary),
        EncoderConfig(
            shape=WhisperShape(dim=16, heads=2, ffn=24, encoder_layers=2, mel=MelConfig(bands=128)), left_frames=20
        ),
        _TINY_COSYVOICE,
        _SHORT,
    )
)
OMNIDRCA_TINY: Final = _tiny(
    omnidrca(
        "omnidrca-tiny",
        _TINY_LLM,
        _tiny_head(20),
        UnitEarsConfig(
            tokens=HubertConfig(layer=1, window=TokenWindowConfig(left_ms=200, right_ms=200)),
            vocabulary=20,
            source="hubert",
            shape=HubertShape(
                width=16, layers=1, heads=2, ffn=24, channels=8, kernels=(10, 8, 8), strides=(10, 8, 8)
            ),
        ),
        UnitVocoderConfig(
            units=20, embedding=8, channels=16, rates=(10, 8, 8), kernels=(20, 16, 16), block_kernels=(3,),
            block_dilations=((1, 3),),
        ),
        AUDIO.tokens_per_slot,
        schedule=_SHORT,
    )
)  # fmt: skip

TWINS: Final[dict[str, ModelConfig | FamilyConfig]] = {
    twin.mind.name: twin for twin in (TINY, TINY_CTC, DRVOICE_TINY, OMNIDRCA_TINY)
}
"""Models with random weights by name, for tests of the whole engine."""
