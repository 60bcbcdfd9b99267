"""Opus at the model's own rates: the user is decoded to 16 kHz, the assistant encoded from 24 kHz.

The codec converts rates itself, so there is no resampler and no resampling delay. Decoding calls the libopus that PyAV
ships, because PyAV's decoder offers neither concealment nor in-band redundancy. Nothing here depends on RTP or time.
"""

import ctypes
import ctypes.util
from collections.abc import Iterator
from fractions import Fraction
from functools import cache
from pathlib import Path

import av
import numpy as np

from configs.audio import AUDIO
from configs.runtime.serve import OpusConfig
from runtime.errors import DuplexError
from runtime.pcm import Pcm16

_MAX_PACKET_MS = 120  # RFC 6716, section 2.1.4
_CELT, _SILK_FRAME = 16, 960
"""Configurations from this number on are CELT alone, without redundancy; samples of a SILK frame at 48 kHz."""
_FRAME_48K = {"silk": (480, 960, 1920, 2880), "hybrid": (480, 960), "celt": (120, 240, 480, 960)}


class OpusMissingError(DuplexError):
    """libopus cannot be found."""

    code = "opus_missing"


class OpusError(DuplexError):
    """A packet is not Opus."""

    code = "opus"


def packet_samples(payload: bytes) -> int:
    """Length of an Opus packet in samples at 48 kHz, from its first bytes (RFC 6716, section 3.1); 0 if it has none."""
    if not payload:
        return 0
    config, code = payload[0] >> 3, payload[0] & 3
    if config < 12:
        frame = _FRAME_48K["silk"][config % 4]
    elif config < 16:
        frame = _FRAME_48K["hybrid"][config % 2]
    else:
        frame = _FRAME_48K["celt"][config % 4]
    if code == 3:
        return frame * (payload[1] & 0x3F) if len(payload) > 1 else 0
    return frame * (1, 2, 2)[code]


def has_redundancy(payload: bytes) -> bool:
    """Whether an Opus packet holds the one before it in low quality (LBRR; RFC 6716, sections 4.2.3 and 4.2.4)."""
    if len(payload) < 2 or payload[0] & 3 or payload[0] >> 3 >= _CELT:
        return False
    frames = -(-packet_samples(payload) // _SILK_FRAME)
    channels = 2 if payload[0] & 4 else 1
    flags = [payload[1] >> (7 - frames - channel * (frames + 1)) & 1 for channel in range(channels)]
    return any(flags)


class OpusDecoder:
    """Decodes one stream of packets to 16 kHz mono int16. It has the codec's state and is not thread-safe."""

    def __init__(self) -> None:
        self._lib = _libopus()
        error = ctypes.c_int()
        self._state = self._lib.opus_decoder_create(AUDIO.input_rate, 1, ctypes.byref(error))
        if error.value or not self._state:
            raise OpusMissingError(f"the Opus decoder does not start (error {error.value}); reinstall the package 'av'")
        self._buffer = (ctypes.c_int16 * (AUDIO.input_rate * _MAX_PACKET_MS // 1000))()

    def decode(self, payload: bytes) -> Pcm16:
        """Decode a packet.

        Raises:
            OpusError: the packet is corrupt.
        """
        return self._run(payload, len(self._buffer), False)

    def recover(self, following: bytes, samples: int) -> Pcm16:
        """Recover the `samples` lost right before the packet `following`, from its redundancy if it has any, else
        concealed."""
        return self._run(following, samples, True)

    def conceal(self, samples: int) -> Pcm16:
        """Conceal `samples`, a multiple of 2.5 ms, by continuing the stream plausibly."""
        return self._run(None, samples, False)

    def _run(self, payload: bytes | None, samples: int, redundancy: bool) -> Pcm16:
        length = 0 if payload is None else len(payload)
        got = self._lib.opus_decode(self._state, payload, length, self._buffer, samples, int(redundancy))
        if got < 0:
            raise OpusError(f"a packet of {length} bytes is not Opus (error {got}); it is treated as lost")
        return np.ctypeslib.as_array(self._buffer)[:got].copy()

    def __del__(self) -> None:
        if getattr(self, "_state", None):
            self._lib.opus_decoder_destroy(self._state)


class OpusEncoder:
    """Encodes 24 kHz mono int16, 20 ms at a time, to Opus packets with in-band redundancy; not thread-safe."""

    def __init__(self, config: OpusConfig) -> None:
        codec = av.CodecContext.create("libopus", "w")
        assert isinstance(codec, av.AudioCodecContext)
        codec.bit_rate = config.bit_rate
        codec.sample_rate = AUDIO.output_rate
        codec.format = av.AudioFormat("s16")
        codec.layout = av.AudioLayout("mono")
        codec.time_base = Fraction(1, AUDIO.output_rate)
        codec.options = {
            "application": "voip",
            "frame_duration": str(AUDIO.packet_ms),
            "fec": "1",
            "packet_loss": str(config.expected_loss_percent),
        }
        self._codec = codec
        self._position = 0

    def encode(self, pcm: Pcm16) -> bytes:
        """Encode one packet of 480 samples."""
        assert pcm.shape == (AUDIO.packet_output_samples,), pcm.shape
        frame = av.AudioFrame.from_ndarray(pcm[None], format="s16", layout="mono")
        frame.sample_rate = AUDIO.output_rate
        frame.pts = self._position
        frame.time_base = Fraction(1, AUDIO.output_rate)
        self._position += len(pcm)
        return b"".join(bytes(packet) for packet in self._codec.encode(frame))


@cache
def _libopus() -> ctypes.CDLL:
    for name in _candidates():
        try:
            lib = ctypes.CDLL(name)
        except OSError:
            continue
        lib.opus_decoder_create.restype = ctypes.c_void_p
        lib.opus_decoder_create.argtypes = [ctypes.c_int32, ctypes.c_int, ctypes.POINTER(ctypes.c_int)]
        lib.opus_decoder_destroy.restype = None
        lib.opus_decoder_destroy.argtypes = [ctypes.c_void_p]
        lib.opus_decode.restype = ctypes.c_int
        lib.opus_decode.argtypes = [
            ctypes.c_void_p,
            ctypes.c_char_p,
            ctypes.c_int32,
            ctypes.POINTER(ctypes.c_int16),
            ctypes.c_int,
            ctypes.c_int,
        ]
        return lib
    raise OpusMissingError("libopus is missing; install it (apt install libopus0, brew install opus) or reinstall 'av'")


def _candidates() -> Iterator[str]:
    """Possible places of libopus: inside PyAV's wheel (Linux and Windows, macOS), or in the system."""
    package = Path(av.__file__).parent
    for folder in (package.parent / "av.libs", package / ".dylibs"):
        yield from (str(path) for path in sorted(folder.glob("libopus[-.]*")))
    system = ctypes.util.find_library("opus")
    if system:
        yield system
