"""Two-channel recording on one clock, streamed to disk.

`dialogue.wav`: stereo, 24 kHz, user left, assistant right; user slot t and assistant slot t both begin at
t * 200 ms. `user.wav`: mono, 16 kHz, exactly the samples that the model heard. Both are plain 16-bit wav whose
header is updated every few slots, so what was recorded before a crash can be played, and gone on with.
"""

import os
import struct
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import BinaryIO

import numpy as np
import soxr

from configs.audio import AUDIO
from configs.runtime.runtime import RecordingConfig
from duplex.io.sound_file import HIGHEST_RATE
from duplex.io.whole_files import replacing
from duplex.model.interface import Samples
from runtime.errors import AudioError
from runtime.pcm import Pcm16, to_float, to_int16
from runtime.session.disk import disk_error

_HEADER = struct.Struct("<4sI4s4sIHHIIHH4sI")
_SAMPLE_BYTES = 2
USER_FILE, DIALOGUE_FILE = "user.wav", "dialogue.wav"


class WavWriter:
    """A 16-bit wav file that is readable at any moment."""

    def __init__(self, path: Path, rate: int, channels: int, frames: int | None = None) -> None:
        """`frames`: go on with a file behind so many samples of each channel; None creates it.

        Raises:
            AudioError: the file cannot be created or gone on with. DiskFull: there is no room for it.
        """
        self._path, self._rate, self._channels = path, rate, channels
        self._bytes = (frames or 0) * channels * _SAMPLE_BYTES
        try:
            self._file: BinaryIO = path.open("wb" if frames is None else "r+b")
        except OSError as error:
            raise disk_error(path, error, AudioError) from None
        try:
            if frames is not None:
                self._file.truncate(_HEADER.size + self._bytes)
            self.update_header()
        except OSError as error:
            self.abandon()
            raise disk_error(path, error, AudioError) from None

    def write(self, pcm: Pcm16) -> None:
        """Append samples, [n] or [n, channels]."""
        data = pcm.astype("<i2").tobytes()
        self._file.write(data)
        self._bytes += len(data)

    def flush(self) -> None:
        """Hand over to the system what was written, so that it outlives this process."""
        self._file.flush()

    def update_header(self) -> None:
        """Update the header to cover everything that was written."""
        self._file.seek(0)
        self._file.write(wav_header(self._rate, self._channels, self._bytes))
        self._file.seek(0, os.SEEK_END)
        self._file.flush()

    def close(self) -> None:
        """Finish the file; closing twice does nothing. On a full disk, the written part is finished."""
        if self._file.closed:
            return
        try:
            with self._file:
                self.update_header()
        except OSError:
            self._tell_what_is_there()
            raise

    def abandon(self) -> None:
        """Close the file as it is."""
        with suppress(OSError):
            self._file.close()

    def _tell_what_is_there(self) -> None:
        frame = self._channels * _SAMPLE_BYTES
        with suppress(OSError), self._path.open("r+b") as file:
            frames = max(0, os.fstat(file.fileno()).st_size - _HEADER.size) // frame
            file.write(wav_header(self._rate, self._channels, frames * frame))


class Recorder:
    """The two files of one conversation. Slots come in order; at most `max_slots` are kept."""

    def __init__(self, folder: Path, config: RecordingConfig, slots: int = 0) -> None:
        """`folder` must exist. `slots`: go on with the files of another process behind so many slots; what that one
        held back of the assistant is silence.

        Raises:
            AudioError: the files cannot be created, or hold fewer slots. DiskFull: there is no room for them.
        """
        self.config = config
        self._upsample = soxr.ResampleStream(AUDIO.input_rate, AUDIO.output_rate, 1, dtype="float32")
        self._left: Samples = np.zeros(0, dtype=np.float32)
        self._right: Samples = np.zeros(AUDIO.slot_output_samples, dtype=np.float32)
        self._slots = min(slots, config.max_slots)
        self._closed = False
        there = self._go_on(folder) if self._slots else None
        heard = self._slots * AUDIO.slot_input_samples if self._slots else None
        self._user = WavWriter(folder / USER_FILE, AUDIO.input_rate, 1, heard)
        with ExitStack() as undo:
            undo.callback(self._user.abandon)
            self._dialogue = WavWriter(folder / DIALOGUE_FILE, AUDIO.output_rate, 2, there)
            undo.pop_all()

    def add(self, user: Pcm16, assistant: Samples) -> None:
        """Append user slot t, [3200] at 16 kHz, and assistant slot t + 1, [4800] at 24 kHz."""
        if self._slots >= self.config.max_slots:
            return
        self._slots += 1
        self._user.write(user)
        self._left = np.concatenate([self._left, self._upsample.resample_chunk(to_float(user))])
        self._right = np.concatenate([self._right, assistant])
        self._write(min(len(self._left), len(self._right)))
        self._user.flush()
        self._dialogue.flush()
        if self._slots % self.config.header_every_slots == 0:
            self._user.update_header()
            self._dialogue.update_header()

    def close(self) -> None:
        """Write what was held back; both channels become equally long. Closing twice does nothing."""
        if self._closed:
            return
        self._closed = True
        with ExitStack() as stack:
            stack.callback(self._dialogue.close)
            stack.callback(self._user.close)
            rest = self._upsample.resample_chunk(np.zeros(0, dtype=np.float32), last=True)
            self._left = np.concatenate([self._left, rest])
            length = max(len(self._left), len(self._right))
            self._left = np.pad(self._left, (0, length - len(self._left)))
            self._right = np.pad(self._right, (0, length - len(self._right)))
            self._write(length)

    def _go_on(self, folder: Path) -> int:
        """Hold back what a recording of `slots` slots lacks; returns how many samples of each channel it has."""
        user, dialogue = read_recording(folder / USER_FILE), read_recording(folder / DIALOGUE_FILE)
        heard, played = AUDIO.slot_input_samples, AUDIO.slot_output_samples
        if len(user) < self._slots * heard:
            raise AudioError(f"{folder / USER_FILE}: is shorter than the slot log beside it; use untouched copies")
        first = max(min(len(dialogue) // played, self._slots) - 2, 0)
        left = self._upsample.resample_chunk(to_float(user[first * heard : self._slots * heard]))
        there = min(len(dialogue), first * played + len(left))
        self._left = left[there - first * played :]
        self._right = np.zeros((self._slots + 1) * played - there, dtype=np.float32)
        return there

    def _write(self, count: int) -> None:
        both = np.stack([self._left[:count], self._right[:count]], axis=1)
        self._dialogue.write(to_int16(both))
        self._left, self._right = self._left[count:], self._right[count:]


def wav_header(rate: int, channels: int, data_bytes: int) -> bytes:
    """The 44 bytes that precede 16-bit samples."""
    frame = channels * _SAMPLE_BYTES
    return _HEADER.pack(
        b"RIFF", _HEADER.size - 8 + data_bytes, b"WAVE", b"fmt ", 16, 1, channels, rate, rate * frame, frame, 16,
        b"data", data_bytes,
    )  # fmt: skip


def read_recording(path: Path) -> Pcm16:
    """Read all samples of a file of `WavWriter`, [n] or [n, channels], including those not yet in its header.

    Raises:
        AudioError: the file cannot be read or is of another kind.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise AudioError(f"{path}: cannot be read ({error.strerror}); check the path") from None
    channels = _channels(path, data)
    frames = (len(data) - _HEADER.size) // (channels * _SAMPLE_BYTES)
    pcm = np.frombuffer(data, dtype="<i2", count=frames * channels, offset=_HEADER.size).astype(np.int16)
    return pcm if channels == 1 else pcm.reshape(frames, channels)


def write_recording(path: Path, pcm: Pcm16, rate: int) -> None:
    """Write a whole file of samples, [n] or [n, channels]; creates the folder.

    Raises:
        AudioError: the file cannot be written; an existing file is untouched.
    """
    header = wav_header(rate, pcm.shape[1] if pcm.ndim > 1 else 1, pcm.size * _SAMPLE_BYTES)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with replacing(path) as beside:
            beside.write_bytes(header + pcm.astype("<i2").tobytes())
    except OSError as error:
        raise AudioError(f"{path}: cannot be written ({error.strerror}); choose another folder") from None


def repair_recording(path: Path) -> None:
    """Update the header of a file of `WavWriter` to cover all its samples, after the process was killed.

    Raises:
        AudioError: the file cannot be read or is of another kind.
    """
    pcm = read_recording(path)
    rate = _HEADER.unpack_from(path.read_bytes())[7]
    with path.open("r+b") as file:
        file.write(wav_header(rate, pcm.shape[1] if pcm.ndim > 1 else 1, pcm.size * _SAMPLE_BYTES))


def _channels(path: Path, data: bytes) -> int:
    """Number of channels in the header, after checking the parts that never change."""
    if len(data) >= _HEADER.size:
        riff, _, wave, _, _, kind, channels, rate, *_, bits, name, _ = _HEADER.unpack_from(data)
        constant = (riff, wave, kind, bits, name) == (b"RIFF", b"WAVE", 1, 16, b"data")
        if constant and channels in (1, 2) and 0 < rate <= HIGHEST_RATE:
            return int(channels)
    raise AudioError(f"{path}: is not a recording of this program; give the file that was recorded with the log")
