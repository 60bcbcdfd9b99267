"""The shared language model between the ears and the voice: its size, its inputs and its heads."""

from typing import Any, Literal

from pydantic import Field, SerializerFunctionWrapHandler, model_serializer

from configs.audio import AUDIO
from configs.base import Config, exact_div


class Sparse(Config):
    """A configuration whose absent values (None) are not written."""

    @model_serializer(mode="wrap")
    def _without_absent(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        return {key: value for key, value in handler(self).items() if value is not None}


class LlmConfig(Sparse):
    """A causal LM with rotary positions, by its transformers model type and the values of its own configuration.

    `values`: anything else that differs from the type's defaults, by transformers' names; unless it says otherwise, the
    text head is tied to the text embedding.
    """

    model_type: str = "llama"
    vocab_size: int = 4096
    hidden_size: int = 320
    intermediate_size: int = 864
    num_hidden_layers: int = 6
    num_attention_heads: int = 5
    num_key_value_heads: int = 5
    rope_theta: float = 10_000.0
    values: dict[str, Any] | None = None

    @property
    def head_dim(self) -> int:
        """Width of one attention head."""
        given = (self.values or {}).get("head_dim")
        return int(given) if given else exact_div(self.hidden_size, self.num_attention_heads)

    @property
    def rope(self) -> dict[str, Any]:
        """The kind of rotary positions, as transformers' `rope_parameters`."""
        return {"rope_type": "default", "rope_theta": self.rope_theta, **(self.values or {}).get("rope_parameters", {})}

    @property
    def tied(self) -> bool:
        """Whether the text head shares the weights of the text embedding."""
        return bool((self.values or {}).get("tie_word_embeddings", True))


class UserSideConfig(Sparse):
    """U_t: `frames` encoder frames of `feature_dim` values, and at most `words` text tokens that became known.

    `source`: where the user's words come from. `units`: the frames are speech tokens of a codebook of this size, each
    embedded in `feature_dim` values (OmniDRCA); if it is None, they are vectors (DrVoice).
    """

    frames: int = 10
    feature_dim: int = 384
    words: int = 4
    source: Literal["none", "ctc", "transcriber"] = "transcriber"
    units: int | None = None


class AssistantSideConfig(Sparse):
    """A_t: the text token and the group of speech tokens played in slot t.

    `digits`: number of values of one speech token, each in -digit_range..digit_range (finite scalar quantization,
    Mentzer et al. 2023). `codes`: a speech token is one id below this, embedded with the width of the LLM; if it is
    None, the token is its digits.
    `group`: how k token vectors become one (OmniDRCA eq. 3 concatenates and projects; Fun-Audio-Chat averages).
    `fuse`: how text and speech embeddings are combined (the papers add them; Fun-Audio-Chat's code averages).
    `since_slots`: the number of slots since the last change of state is an input up to this value.
    """

    tokens: int = AUDIO.tokens_per_slot
    digits: int = 15
    digit_range: int = 2
    group: Literal["concat", "mean"] = "concat"
    fuse: Literal["sum", "average"] = "sum"
    since_slots: int = 64
    codes: int | None = None


class HeadsConfig(Config):
    """Heads. `readout`: what the text head and the refined head read; the state head always reads both elements of a
    slot."""

    readout: Literal["assistant", "pair"] = "pair"
    projection_windows: int = Field(default=5, description="voice activity windows of the auxiliary head")
    projection_ends: int = Field(default=6, description="classes of the time to the end of the user's turn")


class CoreConfig(Config):
    """The shared LLM with its two inputs and its heads."""

    llm: LlmConfig = LlmConfig()
    user: UserSideConfig = UserSideConfig()
    assistant: AssistantSideConfig = AssistantSideConfig()
    heads: HeadsConfig = HeadsConfig()
