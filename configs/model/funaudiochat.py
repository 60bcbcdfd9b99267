"""Fun-Audio-Chat by its sizes, how it listens and how it answers.

Knows keys and values; knows nothing of weights, or of the file in which the authors write the same
(`duplex.model.funaudiochat.released` reads that).
"""

from typing import Any, Final, Literal, Self

from pydantic import PositiveInt, model_validator

from configs.audio import AUDIO
from configs.base import Config, ConfigError, exact_div
from configs.model.ears import MelConfig


class ExpertsConfig(Config):
    """Mixture of experts in place of a feed-forward: `chosen` of `count`, each `width` wide."""

    count: int
    chosen: int
    width: int
    normalised: bool = True
    every: int = 1


class BackboneConfig(Config):
    """A stack of Qwen3 layers, by the names of transformers' configuration."""

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
    """Whisper's encoder on chunks of `chunk_frames` spectrum frames that do not see each other."""

    bands: int = 128
    width: int = 1280
    layers: int = 32
    heads: int = 20
    ffn: int = 5120
    positions: int = 1500
    chunk_frames: int = 200

    @property
    def mel(self) -> MelConfig:
        """The spectrum it was trained on, without a floor: that depends on the loudest value of a turn."""
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
        """Ids below this are sound; the others are not for the detokenizer."""
        return min(self.bos, self.eos, self.pad)


class TextIdsConfig(Config):
    """Text ids with a meaning of their own: a user group, begin and end of speech, text that has run out."""

    audio: int = 151669
    audio_bos: int = 151670
    audio_eos: int = 151671
    sil: int = 151673


class FunAudioChatConfig(Config):
    """One checkpoint. `heard`: whether the user's groups replace the vector of padding tokens or are added to it.

    `refined` is None for a checkpoint that only writes. `tied`: the text head shares the text table.
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
        """Groups of a whole chunk (10); fails where a chunk would end inside a group."""
        return exact_div(self.encoder.chunk_frames, self.group_frames)


class StepConfig(Config):
    """How a step runs on a GPU; elsewhere it has no effect.

    Attributes:
        graphs: record the step as CUDA graphs when a model is given its conversations, and replay them.
        buckets: places that a graph sees, ascending; a step takes the smallest that its longest conversation fits in.
            The largest is always the whole cache.
    """

    graphs: bool = True
    buckets: tuple[PositiveInt, ...] = (256, 512, 1024)

    @model_validator(mode="after")
    def _ascend(self) -> Self:
        if list(self.buckets) != sorted(set(self.buckets)):
            raise ConfigError(f"step: buckets {list(self.buckets)} do not ascend; sort them")
        return self


class TurnsConfig(Config):
    """How conversations are kept and how they listen.

    Attributes:
        places: elements of a conversation (text tokens and groups): 2048 is what the released model was trained on.
        unfinished: "wait" encodes a chunk when it is full, or at the end of the turn: the vectors of the whole turn.
            "slot" encodes the unfinished chunk at every slot and keeps its newest group, so that the LLM is never more
            than a slot behind; such a group has not seen the rest of its chunk.
        refined_hears: "conversation" lets the refined head hear every element, as the authors do; it takes five times
            the places, most of a conversation's memory. "answer" starts it anew with every answer.
        answer_places: elements of an answer, for the refined head that hears only the answer.
        step: how a step runs on a GPU.
    """

    places: int = 2048
    unfinished: Literal["wait", "slot"] = "wait"
    refined_hears: Literal["conversation", "answer"] = "conversation"
    answer_places: int = 512
    step: StepConfig = StepConfig()

    @property
    def refined_places(self) -> int:
        """Elements that the refined head has room for."""
        return self.places if self.refined_hears == "conversation" else self.answer_places


TURNS: Final = TurnsConfig()


class ChoiceConfig(Config):
    """How a token is chosen: the likeliest at temperature 0, else drawn; the authors' values are the defaults."""

    temperature: float = 0.8
    top_p: float = 0.9
    repetition_penalty: float = 1.2


LIKELIEST: Final = ChoiceConfig(temperature=0.0, top_p=1.0, repetition_penalty=1.0)


class AnswerConfig(Config):
    """How an answer is made.

    Attributes:
        speech: False writes only (the refined head does not run).
        text, tokens: choice of text and of speech tokens; text is the likeliest, as in the authors' examples.
        opened: the first text token is set to the begin of speech, as in the authors' examples.
        never_silent: forbids silence right after the begin of speech, as in the authors' demo.
        max_steps: an answer that is longer is ended.
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
"""The same over Qwen3-30B-A3B's sizes; the authors report on it and have not released it."""

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
"""The same form at an eighth of the width, for measurements where there is no GPU: bytes as text."""

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
"""Small enough for tests of everything around a model: bytes as text, chunks of 0.4 s."""

SHAPES: Final = {
    shape.name: shape for shape in (FUNAUDIOCHAT_8B, FUNAUDIOCHAT_30B_A3B, FUNAUDIOCHAT_REDUCED, FUNAUDIOCHAT_TINY)
}
"""All of them by name."""
