"""Acoustic and network conditions between a simulated user and the system: which ones exist, and their numbers.

A run asks for a `Condition`; `ConditionsConfig` says what it means in numbers. All levels are in dB.
"""

from typing import Self

from pydantic import Field, model_validator

from configs.audio import AUDIO
from configs.base import Config, exact_div


class Loss(Config):
    """Packet loss by Gilbert's two-state model (Bell System Technical Journal 39, 1960), with every packet of the bad
    state lost.

    `rate`: share of packets that are lost. `burst`: mean number of packets lost in a row; if it is None, every packet
    is lost independently.
    """

    rate: float = Field(gt=0.0, lt=1.0)
    burst: float | None = Field(default=None, ge=1.0, allow_inf_nan=False)

    @model_validator(mode="after")
    def _reachable(self) -> Self:
        if self.begins > 1.0:
            raise ValueError(
                f"a share of {self.rate:g} cannot be lost in bursts of {self.burst:g}; make the bursts longer"
            )
        return self

    @property
    def ends(self) -> float:
        """Probability that the packet after a lost one arrives; its inverse is the mean length of a burst."""
        return 1.0 - self.rate if self.burst is None else 1.0 / self.burst

    @property
    def begins(self) -> float:
        """Probability that the packet after one that arrived is lost, so that the stationary loss share is `rate`."""
        return self.rate * self.ends / (1.0 - self.rate)

    def __str__(self) -> str:
        return f"{self.rate:g}" if self.burst is None else f"{self.rate:g}/{self.burst:g}"


class Condition(Config):
    """What lies between the user and the system; None (or False) leaves a step out. The order is the physical one.

    `rate`: speed of the user's speech; 1.25 is a quarter faster. `echo`: level of the assistant in the user's
    microphone, dB relative to what it says. `rir`: number of a room impulse response, from 1; 0 picks any. `snr`: the
    user's speech over the noise, dB. `mulaw`: telephone band and mu-law code. `loss`: packet loss.
    """

    rate: float | None = Field(default=None, ge=0.5, le=2.0)
    echo: float | None = Field(default=None, ge=-80.0, le=0.0)
    rir: int | None = Field(default=None, ge=0)
    snr: float | None = Field(default=None, ge=-20.0, le=80.0)
    mulaw: bool = False
    loss: Loss | None = None

    @property
    def terms(self) -> tuple[str, ...]:
        """Terms as on the command line, in the order they take effect: ("rate=1.25", "rir=2", "mulaw"); () for none."""
        values = {name: getattr(self, name) for name in type(self).model_fields}
        return tuple(_term(name, value) for name, value in values.items() if value is not None and value is not False)

    @property
    def name(self) -> str:
        """The terms in one string; "clean" if there are none."""
        return " ".join(self.terms) or "clean"

    @property
    def file_name(self) -> str:
        """The same for file names: "rate1.25-rir2-mulaw", "" if there are none."""
        return "-".join(self.terms).replace("=", "").replace("/", "x")


NO_CONDITION = Condition()
EXAMPLES = {
    "rate": "rate=1.25",
    "echo": "echo=-30",
    "rir": "rir or rir=2",
    "snr": "snr=10 or snr=clean,20,10,5,0",
    "mulaw": "mulaw",
    "loss": "loss=0.05 or loss=0.05/3",
}
"""Every condition, as it is written on the command line."""


class NoiseBedConfig(Config):
    """The noise bed of `snr`.

    `least_s`: shorter files are not used. `loop_s`: length of the part of a file that is repeated; its level is
    measured over the whole part. `fade_s`: length of the crossfade between its ends. `nominal_db`: speech level
    (relative to full scale; the nominal level of ITU-T P.830) that is assumed where the user says nothing.
    """

    least_s: float = Field(default=3.0, gt=0.0)
    loop_s: float = Field(default=10.0, gt=0.0)
    fade_s: float = Field(default=0.05, gt=0.0)
    nominal_db: float = Field(default=-26.0, le=0.0)

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if 2 * self.fade_s > min(self.least_s, self.loop_s):
            raise ValueError("fade_s must be at most half of least_s and of loop_s")
        return self


class RoomResponseConfig(Config):
    """The rooms of `rir`: a response begins where it first comes within `onset_db` of its peak (ISO 3382-1)."""

    onset_db: float = Field(default=20.0, gt=0.0)


class EchoConfig(Config):
    """The assistant's echo, which arrives `delay_ms` after the original."""

    delay_ms: int = Field(default=60, gt=0)

    @property
    def delay_samples(self) -> int:
        """The delay in samples at the input rate."""
        return exact_div(self.delay_ms * AUDIO.input_rate, 1000)


class CodecConfig(Config):
    """The telephone of `mulaw` (ITU-T G.711). `rate`: sample rate of the code, Hz."""

    rate: int = 8_000


class ConditionsConfig(Config):
    """The numbers of all conditions.

    `context_ms`: sound on each side of a slot that resampling needs.
    """

    noise: NoiseBedConfig = NoiseBedConfig()
    room: RoomResponseConfig = RoomResponseConfig()
    echo: EchoConfig = EchoConfig()
    codec: CodecConfig = CodecConfig()
    context_ms: int = Field(default=30, ge=25)

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.echo.delay_ms < 2 * self.context_ms:
            raise ValueError(f"echo.delay_ms must be at least {2 * self.context_ms}, twice context_ms")
        return self

    @property
    def context_samples(self) -> int:
        """The context in samples at the input rate."""
        return exact_div(self.context_ms * AUDIO.input_rate, 1000)


def _term(name: str, value: object) -> str:
    if value is True or (name == "rir" and value == 0):
        return name
    return f"{name}={value:g}" if isinstance(value, float) else f"{name}={value}"
