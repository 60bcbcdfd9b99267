"""Speech tokens of published tokenizers (S3Tokenizer, HuBERT units) and the vocoder that speaks units.

This module holds sizes, lengths and published key names only.
"""

from math import prod
from typing import Any, Literal, Self

from pydantic import Field, model_validator

from configs.audio import AUDIO
from configs.base import Config, ConfigError, exact_div
from configs.model.ears import MelConfig


class TokenWindowConfig(Config):
    """The part of a live stream around one slot that a tokenizer hears: `left_ms` before it, `right_ms` after it.

    The published tokenizers attend to whole clips; here a slot's tokens come from a bounded clip around it. `right_ms`
    is a delay: the tokens of a step describe audio that is this much older.
    """

    left_ms: int = Field(default=2000, ge=0)
    right_ms: int = Field(default=200, ge=0)

    @property
    def left_samples(self) -> int:
        """Samples before the slot (32,000)."""
        return exact_div(self.left_ms * AUDIO.input_rate, 1000)

    @property
    def right_samples(self) -> int:
        """Samples after the slot (3,200)."""
        return exact_div(self.right_ms * AUDIO.input_rate, 1000)


class S3Config(Config):
    """S3Tokenizer (CosyVoice 2: v2, CosyVoice 3 and Fun-Audio-Chat: v3): 25 Hz, eight digits of three levels.

    Attributes:
        generation: that of the released network; `for_generation` gives its sizes.
        source: the `s3tokenizer` package, the released ONNX file with onnxruntime, or whichever of the two imports
            (the package first).
        dim, heads, layers: sizes of the network; the ONNX file carries its own.
        longest_s, overlap_s: longer clips are cut in pieces of `longest_s` that overlap; half an overlap is dropped
            on each side of a cut.
    """

    kind: Literal["s3"] = "s3"
    generation: Literal["v2", "v3"] = "v3"
    source: Literal["auto", "package", "onnx"] = "auto"
    dim: int = 1280
    heads: int = 20
    layers: int = 12
    digits: int = 8
    levels: int = 3
    mel: MelConfig = MelConfig(bands=128)
    longest_s: int = 30
    overlap_s: int = 4
    window: TokenWindowConfig = TokenWindowConfig()

    @classmethod
    def for_generation(cls, generation: Literal["v2", "v3"]) -> Self:
        """Sizes of the released network: twelve layers in v3, six in v2."""
        return cls(generation=generation, layers=12 if generation == "v3" else 6)

    @property
    def vocabulary(self) -> int:
        """Number of different tokens (6,561 = 3^8)."""
        return self.levels**self.digits

    @property
    def token_frames(self) -> int:
        """Mel frames of one token (4)."""
        return exact_div(self.token_samples, self.mel.hop)

    @property
    def token_samples(self) -> int:
        """Input samples of one token (640)."""
        return exact_div(AUDIO.input_rate * AUDIO.token_ms, 1000)


class HubertConfig(Config):
    """Units: the k-means centroid nearest to the output of a HuBERT layer (Lakhotia et al. 2021, Hsu et al. 2021).

    Attributes:
        layer: the output after this many transformer layers, as fairseq counts them (6 and 9 in the base model, 11 in
            mHuBERT).
        normalize: scale each clip to zero mean and unit variance first (large model only; the base model was trained
            without, whatever its preprocessor file says).
    """

    kind: Literal["hubert"] = "hubert"
    layer: int = Field(default=9, ge=1)
    normalize: bool = False
    window: TokenWindowConfig = TokenWindowConfig()


class DurationConfig(Config):
    """Predictor of how many frames a unit lasts, for units whose repetitions were removed."""

    hidden: int = 128
    kernel: Literal[3] = 3


class UnitVocoderConfig(Config):
    """Unit HiFi-GAN ("CodeHiFiGAN", Polyak et al. 2021); the defaults are those of the published 16 kHz vocoders of
    1,000 HuBERT units.

    Attributes:
        speakers: rows of the speaker table, 0 for a vocoder with one voice; `speaker` is the voice it speaks with.
        rates, kernels: those of the transposed convolutions; the product of the rates is the samples of one unit (320).
        block_kernels, block_dilations: those of the residual blocks after each of them.
        lookahead_ms: how much of the future a streamed sample waits for. None waits for everything the network sees, so
            that the stream equals the whole utterance. A smaller value gives sound sooner and treats what lies beyond
            as silence; it is at least `fade_ms`, the length of the fade at a cut.
    """

    kind: Literal["unit_vocoder"] = "unit_vocoder"
    units: int = 1000
    embedding: int = 128
    speakers: int = 0
    speaker: int = 0
    sample_rate: int = 16_000
    channels: int = 512
    rates: tuple[int, ...] = (5, 4, 4, 2, 2)
    kernels: tuple[int, ...] = (11, 8, 8, 4, 4)
    block_kernels: tuple[int, ...] = (3, 7, 11)
    block_dilations: tuple[tuple[int, ...], ...] = ((1, 3, 5), (1, 3, 5), (1, 3, 5))
    duration: DurationConfig | None = None
    lookahead_ms: int | None = Field(default=None, ge=0)
    fade_ms: int = 8

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if len(self.rates) != len(self.kernels):
            raise ValueError(f"rates has {len(self.rates)} values and kernels {len(self.kernels)}; give one per stage")
        if len(self.block_kernels) != len(self.block_dilations):
            raise ValueError("block_kernels and block_dilations differ in length; give one list per kernel")
        if any(kernel < rate or (kernel - rate) % 2 for rate, kernel in zip(self.rates, self.kernels, strict=True)):
            raise ValueError("a kernel must be its rate plus an even number, or the sound is longer than the units")
        if any(kernel % 2 == 0 for kernel in self.block_kernels):
            raise ValueError("block_kernels must be odd")
        if self.channels % 2 ** len(self.rates):
            raise ValueError(f"channels {self.channels} cannot be halved {len(self.rates)} times")
        if self.speaker >= max(self.speakers, 1):
            raise ValueError(f"speaker {self.speaker} is not one of {self.speakers}")
        return self

    @property
    def hop(self) -> int:
        """Samples of one unit (320)."""
        return prod(self.rates)

    @property
    def width(self) -> int:
        """Channels of the network's input (128; twice that with speakers)."""
        return self.embedding * (2 if self.speakers else 1)

    @property
    def slot_samples(self) -> int:
        """Samples of one slot at the vocoder's own rate (3,200)."""
        return exact_div(self.sample_rate * AUDIO.slot_ms, 1000)

    @property
    def slot_units(self) -> int:
        """Units of one slot (10)."""
        return exact_div(self.slot_samples, self.hop)

    @property
    def fade_samples(self) -> int:
        """Samples of the fade at a cut, at the vocoder's own rate (128)."""
        return exact_div(self.sample_rate * self.fade_ms, 1000)

    @classmethod
    def from_published(cls, values: dict[str, Any], source: str) -> Self:
        """Read a vocoder's published `config.json`; its training keys are ignored.

        Raises:
            ConfigError: the vocoder needs inputs that units do not carry (F0, speaker vectors), or a size is missing or
                wrong.
        """
        unsupported = [key for key in ("f0", "embedder_params", "f0_quantizer") if values.get(key)]
        if unsupported:
            raise ConfigError(f"{source}: a vocoder with '{unsupported[0]}' needs more than units; take one without it")
        try:
            config = cls.from_mapping(_check_published(values), source)
        except KeyError as error:
            raise ConfigError(f"{source}: {error} is missing; is this the config.json of a unit vocoder?") from None
        width = values.get("model_in_dim", config.width)
        if width != config.width:
            raise ConfigError(
                f"{source}: model_in_dim is {width}, embedding and speakers make {config.width}; correct the file"
            )
        return config


def _check_published(values: dict[str, Any]) -> dict[str, Any]:
    duration = values.get("dur_predictor_params")
    return {
        "units": values["num_embeddings"],
        "embedding": values["embedding_dim"],
        "speakers": values.get("num_speakers", 200) if values.get("multispkr") else 0,
        "sample_rate": values.get("sampling_rate", 16_000),
        "channels": values["upsample_initial_channel"],
        "rates": values["upsample_rates"],
        "kernels": values["upsample_kernel_sizes"],
        "block_kernels": values["resblock_kernel_sizes"],
        "block_dilations": values["resblock_dilation_sizes"],
        "duration": duration
        and {"hidden": duration["var_pred_hidden_dim"], "kernel": duration["var_pred_kernel_size"]},
    }
