"""Sizes of Fun-Audio-Chat, and how it listens and answers.

This module holds keys and values only; `duplex.model.funaudiochat.released` reads the authors' own configuration
file.
"""

from typing import Any, Final, Literal, Self

from pydantic import PositiveInt, model_validator

from configs.audio import AUDIO
from configs.base import Config, ConfigError, exact_div
from configs.model.ears import MelConfig


class ExpertsConfig(Config):
    """Mixture of experts in place of a feed-forward layer: `chosen` of `count` experts, each `width` wide."""

    count: int
    chosen: int
    width: int
    normalised: bool = True
    every: int = 1


class BackboneConfig(Config):
    """A stack of Qwen3 layers; the keys have the names of transformers' configuration."""

    hidden_size: int
    intermediate_size: int
    num_hidden_layers: int
    num_attention_heads: int
    num_key_value_heads: int
    head_dim: int = 128
    rms_norm_eps: float = 1e-6
    rope_theta: float
    experts: ExpertsConfig | None = None


class ContinuousEncoderConfig(Config):
    """Whisper's encoder on chunks of `chunk_frames` mel frames that do not see each other."""

    bands: int = 128
    width: int = 1280
    layers: int = 32
    heads: int = 20
    ffn: int = 5120
    positions: int = 1500
    chunk_frames: int = 200

    @property
    def mel(self) -> MelConfig:
        """The spectrum it was trained on, without a floor, because the floor depends on the loudest value of a turn."""
        return MelConfig(bands=self.bands, floor_log10=-10.0)

    @property
    def chunk_samples(self) -> int:
        """Samples of a whole chunk (32,000)."""
        return self.chunk_frames * self.mel.hop


class FunAudioChatCodesConfig(Config):
    """Ids of speech tokens: the audible ones first, then the special ones."""

    size: int = 6565
    bos: int = 6561
    eos: int = 6562
    pad: int = 6563

    @property
    def audible(self) -> int:
        """Ids below this are sound; the others must not reach the detokenizer."""
        return min(self.bos, self.eos, self.pad)


class TextIdsConfig(Config):
    """Text ids with a special meaning: a user group, begin and end of speech, silence after the end of the text."""

    audio: int = 151669
    audio_bos: int = 151670
    audio_eos: int = 151671
    sil: int = 151673


class FunAudioChatConfig(Config):
    """Sizes of one checkpoint. `heard`: whether the user's groups replace the vector of padding tokens or are added to
    it.

    `refined` is None for a checkpoint that only writes. `tied`: the text head shares the text embedding's weights.
    """

    name: str = "funaudiochat"
    vocabulary: int
    tied: bool = False
    group: int = AUDIO.tokens_per_slot
    heard: Literal["replace", "add"] = "replace"
    ids: TextIdsConfig = TextIdsConfig()
    codes: FunAudioChatCodesConfig = FunAudioChatCodesConfig()
    encoder: ContinuousEncoderConfig = ContinuousEncoderConfig()
    llm: BackboneConfig
    refined: BackboneConfig | None

    @property
    def token_frames(self) -> int:
        """Spectrum frames in a speech token (4)."""
        return exact_div(AUDIO.input_rate * AUDIO.token_ms, 1000 * self.encoder.mel.hop)

    @property
    def group_frames(self) -> int:
        """Spectrum frames in a group (20)."""
        return self.group * self.token_frames

    @property
    def chunk_groups(self) -> int:
        """Groups in a whole chunk (10); raises ConfigError if a chunk would end inside a group."""
        return exact_div(self.encoder.chunk_frames, self.group_frames)


class StepConfig(Config):
    """How a step runs on a GPU; elsewhere this has no effect.

    Attributes:
        graphs: record the step as CUDA graphs when a model's conversations are allocated, and replay them.
        buckets: numbers of places that a graph attends to, ascending; a step takes the smallest that holds its longest
            conversation. The largest is always the whole cache.
    """

    graphs: bool = True
    buckets: tuple[PositiveInt, ...] = (256, 512, 1024)

    @model_validator(mode="after")
    def _ascend(self) -> Self:
        if list(self.buckets) != sorted(set(self.buckets)):
            raise ConfigError(f"step: buckets {list(self.buckets)} do not ascend; sort them")
        return self


class TurnsConfig(Config):
    """How conversations are stored and how they listen.

    Attributes:
        places: elements of a conversation (text tokens and groups); the released model was trained on 2048.
        unfinished: "wait" encodes a chunk when it is full or the turn ends, which gives the vectors of the whole turn.
            "slot" encodes the unfinished chunk at every slot and keeps its newest group, so that the LLM is never more
            than a slot behind; such a group has not seen the rest of its chunk.
        refined_hears: with "conversation" the refined head sees every element, as in the authors' code; it takes five
            times the places, most of a conversation's memory. "answer" restarts it with every answer.
        answer_places: elements of an answer, for a refined head that sees only the answer.
        step: how a step runs on a GPU.
    """

    places: int = 2048
    unfinished: Literal["wait", "slot"] = "wait"
    refined_hears: Literal["conversation", "answer"] = "conversation"
    answer_places: int = 512
    step: StepConfig = StepConfig()

    @property
    def refined_places(self) -> int:
        """How many elements the refined head has room for."""
        return self.places if self.refined_hears == "conversation" else self.answer_places


TURNS: Final = TurnsConfig()


class ChoiceConfig(Config):
    """How a token is chosen: the likeliest at temperature 0, otherwise sampled; the defaults are the authors'
    values."""

    temperature: float = 0.8
    top_p: float = 0.9
    repetition_penalty: float = 1.2


LIKELIEST: Final = ChoiceConfig(temperature=0.0, top_p=1.0, repetition_penalty=1.0)


class AnswerConfig(Config):
    """How an answer is made.

    Attributes:
        speech: False only writes (the refined head does not run).
        text, tokens: choice of text and of speech tokens; by default the likeliest text, as in the authors' examples.
        opened: forces begin of speech as the first text token, as in the authors' examples.
        never_silent: forbids silence right after begin of speech, as in the authors' demo.
        max_steps: a longer answer is ended.
    """

    speech: bool = True
    text: ChoiceConfig = LIKELIEST
    tokens: ChoiceConfig = ChoiceConfig()
    opened: bool = True
    never_silent: bool = False
    max_steps: int = 512


_REFINED_06B: Final = BackboneConfig(
    hidden_size=1024,
    intermediate_size=3072,
    num_hidden_layers=28,
    num_attention_heads=16,
    num_key_value_heads=8,
    rope_theta=1e6,
)

FUNAUDIOCHAT_8B: Final = FunAudioChatConfig(
    name="funaudiochat-8b",
    vocabulary=151936,
    llm=BackboneConfig(
        hidden_size=4096,
        intermediate_size=12288,
        num_hidden_layers=36,
        num_attention_heads=32,
        num_key_value_heads=8,
        rope_theta=5e6,
    ),
    refined=_REFINED_06B,
)
"""Sizes of the released checkpoint, for measurements without its weights."""

FUNAUDIOCHAT_30B_A3B: Final = FUNAUDIOCHAT_8B.model_copy(
    update={
        "name": "funaudiochat-30b-a3b",
        "llm": BackboneConfig(
            hidden_size=2048,
            intermediate_size=6144,
            num_hidden_layers=48,
            num_attention_heads=32,
            num_key_value_heads=4,
            rope_theta=5e6,
            experts=ExpertsConfig(count=128, chosen=8, width=768),
        ),
    }
)
"""The same with Qwen3-30B-A3B's sizes; the authors report results for it but have not released it."""

_SMALL_IDS: Final = TextIdsConfig(audio=258, audio_bos=259, audio_eos=260, sil=262)

FUNAUDIOCHAT_REDUCED: Final = FunAudioChatConfig(
    name="funaudiochat-reduced",
    vocabulary=8192,
    ids=_SMALL_IDS,
    encoder=ContinuousEncoderConfig(width=192, layers=4, heads=3, ffn=768),
    llm=BackboneConfig(
        hidden_size=512,
        intermediate_size=1536,
        num_hidden_layers=6,
        num_attention_heads=8,
        num_key_value_heads=2,
        head_dim=64,
        rope_theta=5e6,
    ),
    refined=BackboneConfig(
        hidden_size=128,
        intermediate_size=384,
        num_hidden_layers=4,
        num_attention_heads=4,
        num_key_value_heads=2,
        head_dim=32,
        rope_theta=1e6,
    ),
)
"""The same architecture at an eighth of the width, with bytes as text, for measurements without a GPU."""

_TINY_STACK: Final[dict[str, Any]] = {"num_hidden_layers": 2, "num_attention_heads": 4, "num_key_value_heads": 2}

FUNAUDIOCHAT_TINY: Final = FunAudioChatConfig(
    name="funaudiochat-tiny",
    vocabulary=272,
    ids=_SMALL_IDS,
    codes=FunAudioChatCodesConfig(size=65, bos=61, eos=62, pad=63),
    encoder=ContinuousEncoderConfig(bands=16, width=32, layers=2, heads=4, ffn=48, positions=100, chunk_frames=40),
    llm=BackboneConfig(hidden_size=64, head_dim=16, intermediate_size=96, rope_theta=5e6, **_TINY_STACK),
    refined=BackboneConfig(hidden_size=32, head_dim=8, intermediate_size=48, rope_theta=1e6, **_TINY_STACK),
)
"""Small enough for tests of everything around a model, with bytes as text and chunks of 0.4 s."""

SHAPES: Final = {
    shape.name: shape for shape in (FUNAUDIOCHAT_8B, FUNAUDIOCHAT_30B_A3B, FUNAUDIOCHAT_REDUCED, FUNAUDIOCHAT_TINY)
}
"""All sizes by name."""
