"""The sound card: devices by name, and a full-duplex stream whose callback only moves samples between rings.

No other file imports sounddevice. Nothing here depends on sessions.
"""

from dataclasses import dataclass
from types import ModuleType
from typing import Any, Protocol

from configs.runtime.local import LocalConfig
from runtime.errors import AudioError
from runtime.pcm import Pcm16
from runtime.sound.ring import SampleRing


@dataclass(frozen=True)
class Device:
    """A sound device as the user can choose it. `default`: the system's choice for input, output."""

    number: int
    name: str
    inputs: int
    outputs: int
    rate: float
    default: tuple[bool, bool]


class Card(Protocol):
    """A microphone and a loudspeaker on one clock."""

    rate: int
    name: str

    def read(self) -> tuple[Pcm16, Pcm16]:
        """Read what was recorded since the last call and what was played meanwhile, both [n]."""
        ...

    def write(self, pcm: Pcm16) -> None:
        """Play samples [n] after those that are waiting."""
        ...

    @property
    def delay_ms(self) -> float:
        """Time from playing a sample to recording its echo, ms."""
        ...

    @property
    def faults(self) -> dict[str, int]:
        """Numbers of faults so far, by name."""
        ...

    def close(self) -> None:
        """Stop recording and playing."""
        ...


class SoundCard:
    """A `Card` of this machine; records and plays from its construction on."""

    def __init__(self, config: LocalConfig) -> None:
        """Open the devices.

        Raises:
            AudioError: there is no such device, it is busy, or it supports none of the rates.
        """
        sound = sounddevice()
        devices = list_devices()
        source, sink = choose(devices, config.input, "input"), choose(devices, config.output, "output")
        self.name = f"{source.name} / {sink.name}"
        self.rate = _common_rate(sound, config, source, sink)
        ring = round(self.rate * config.ring_s)
        self._near, self._far, self._out = SampleRing(ring), SampleRing(ring), SampleRing(ring)
        self._delay_s = 0.0
        self._xruns = 0
        try:
            self._stream = sound.Stream(
                samplerate=self.rate,
                device=(source.number, sink.number),
                channels=1,
                dtype="int16",
                latency=config.latency_s,
                callback=self._callback,
            )
            self._stream.start()
        except sound.PortAudioError as error:
            raise AudioError(
                f"{self.name} cannot be opened ({_reason(error)}); close other programs that use it, or choose another "
                "device with --input and --output (duplex talk --list-devices)"
            ) from None

    def read(self) -> tuple[Pcm16, Pcm16]:
        """See `Card.read`."""
        count = min(self._near.waiting, self._far.waiting)
        return self._near.read(count), self._far.read(count)

    def write(self, pcm: Pcm16) -> None:
        """See `Card.write`."""
        self._out.write(pcm)

    @property
    def delay_ms(self) -> float:
        """See `Card.delay_ms`; this is the sound system's value."""
        return self._delay_s * 1000

    @property
    def faults(self) -> dict[str, int]:
        """Interruptions reported by the sound system, and samples that were missing or did not fit."""
        return {
            "xruns": self._xruns,
            "silence": self._out.missing,
            "dropped": self._near.dropped + self._out.dropped,
        }

    def close(self) -> None:
        """Stop and free the devices."""
        self._stream.abort()
        self._stream.close()

    def _callback(self, indata: Any, outdata: Any, frames: int, time: Any, status: Any) -> None:
        """Move samples and count, in the sound system's thread."""
        played = self._out.read_exactly(frames)
        outdata[:, 0] = played
        self._near.write(indata[:, 0])
        self._far.write(played)
        self._delay_s = time.outputBufferDacTime - time.inputBufferAdcTime
        self._xruns += bool(status)


def list_devices() -> list[Device]:
    """All devices that can record or play."""
    sound = sounddevice()
    chosen = sound.default.device
    return [
        Device(
            number,
            str(info["name"]),
            int(info["max_input_channels"]),
            int(info["max_output_channels"]),
            float(info["default_samplerate"]),
            (number == chosen[0], number == chosen[1]),
        )
        for number, info in enumerate(sound.query_devices())
    ]


def choose(devices: list[Device], wanted: str | None, direction: str) -> Device:
    """Find the device that `wanted` (a number or part of a name) means; None takes the default, or else the first.

    Raises:
        AudioError: no device matches, or several do.
    """
    side = 0 if direction == "input" else 1
    usable = [device for device in devices if (device.inputs, device.outputs)[side]]
    if not usable:
        what = "microphone" if direction == "input" else "loudspeaker"
        raise AudioError(f"there is no {what}; plug one in, or use the browser page of another machine (duplex serve)")
    if wanted is None:
        return next((device for device in usable if device.default[side]), usable[0])
    matches = [d for d in usable if wanted == str(d.number)] or [d for d in usable if wanted.lower() in d.name.lower()]
    if len(matches) != 1:
        found = "no device" if not matches else f"{len(matches)} devices"
        raise AudioError(f"--{direction} {wanted!r} means {found}; give a number of duplex talk --list-devices")
    return matches[0]


def sounddevice() -> ModuleType:
    """Import the sound library.

    Raises:
        AudioError: PortAudio is not installed.
    """
    try:
        import sounddevice as module
    except OSError:
        raise AudioError(
            "PortAudio is missing; install it (apt install libportaudio2, brew install portaudio)"
        ) from None
    return module


def _common_rate(sound: ModuleType, config: LocalConfig, source: Device, sink: Device) -> int:
    rates = [*config.rates, round(source.rate), round(sink.rate)]
    reason = ""
    for rate in dict.fromkeys(rates):
        try:
            sound.check_input_settings(device=source.number, channels=1, dtype="int16", samplerate=rate)
            sound.check_output_settings(device=sink.number, channels=1, dtype="int16", samplerate=rate)
        except sound.PortAudioError as error:
            reason = _reason(error)
        else:
            return rate
    tried = ", ".join(str(rate) for rate in dict.fromkeys(rates))
    raise AudioError(
        f"{source.name} and {sink.name} share none of the sample rates {tried} Hz ({reason}); "
        "choose other devices with --input and --output"
    )


def _reason(error: Exception) -> str:
    return str(error.args[0]) if error.args else type(error).__name__
