"""Reads and writes sound files, for all commands.

Content takes precedence over headers, no sound is lost without a note, and a file that cannot be used raises one typed
error. Nothing here depends on who speaks.
"""

import re
from dataclasses import dataclass, replace
from io import BytesIO
from math import log10
from pathlib import Path
from typing import Final

import numpy as np
import soundfile
import soxr
from numpy.typing import NDArray

from duplex.io.wav_header import UNKNOWN_SIZE, wav_header
from duplex.io.whole_files import replacing

Samples = NDArray[np.float32]

LOWEST_RATE, HIGHEST_RATE = 1_000, 1_000_000
"""Hz. A file beyond these rates has no speech, or its header is damaged."""
SILENT_DB: Final = -72.0
"""A channel whose loudest sample is below it, relative to full scale, is silent."""
_BLOCK: Final = 4_096
_NO_FRAMES: Final = 1 << 48
"""libsndfile reports more frames than this if a header has no number of frames."""
_WINDOW_S: Final = 0.5
_CANCELS: Final = 0.25
"""Channels cancel if their mix has less than this share of the power that uncorrelated channels would leave."""
_CANCELLED_SHARE: Final = 0.1
"""Share of a file's power that may cancel, because some always does between two microphones."""
_TAGS: Final = 1_024
"""Bytes of tags and padding that may follow a wav file."""
_COUNTED_RATE: Final = 48_000
_FREE_SAMPLES: Final = 1 << 24
_SAMPLES_PER_BYTE: Final = 64
"""Samples, counted at 48 kHz, that a file may hold in any case, and that each of its bytes may stand for (64 in Opus at
6 kbit/s). A file of a few bytes can claim hours of one value, which nobody has recorded."""
_CODEC_S: Final = 0.2
"""How much more than its content a compressed file may claim."""
_FAULTS: Final = (soundfile.SoundFileError, RuntimeError, TypeError, ValueError, OverflowError, MemoryError)
_LOGGED: Final = re.compile(r"^ *(SSND|Data Size|riff) *: (\d+) \(should be (\d+)\)", re.MULTILINE)
_LOGGED_FRAMES: Final = re.compile(r"Calculated frame count (\d+) does not match value from 'ds64' chunk of (\d+)")


class SoundFileError(Exception):
    """A sound file cannot be used. The message says what, why and how to fix it, in one line."""


@dataclass(frozen=True)
class SoundFile:
    """The content of a sound file.

    Attributes:
        samples: [n, channels], n > 0, -1..1, all finite.
        rate: sample rate, Hz.
        notes: differences from the header and changes made, for the user.
        cut_off: whether the end of the sound is missing.
    """

    samples: Samples
    rate: int
    notes: tuple[str, ...] = ()
    cut_off: bool = False


class _Bytes(BytesIO):
    """A file in memory. libsndfile seeks to wherever a damaged header points, and its callbacks must not raise."""

    def seek(self, offset: int, whence: int = 0) -> int:
        """As in `BytesIO`, but an impossible position is ignored."""
        try:
            return super().seek(offset, whence)
        except (ValueError, OverflowError):
            return self.tell()


def read_sound_file(path: Path) -> SoundFile:
    """Read any sound file: to its end if its header has no length, and scaled down if it is louder than full scale.

    Raises:
        SoundFileError: the file is missing, is not a sound file, is empty, has an unusual rate, has values that are not
            numbers, or unpacks to far more sound than a recording of its size.
    """
    if not path.is_file():
        what = "it is a folder, not a sound file" if path.is_dir() else "there is no such file"
        raise SoundFileError(f"{path}: {what}; check the path")
    try:
        data = path.read_bytes()
    except OSError as error:
        raise SoundFileError(f"{path}: cannot be read ({error.strerror}); check the file") from None
    found = _decode(data, path)
    if not len(found.samples):
        raise SoundFileError(f"{path}: holds no audio; give a file that is longer than 0 s")
    if not np.isfinite(found.samples).all():
        raise SoundFileError(f"{path}: holds values that are not numbers; write it again as 16-bit wav")
    return _scale(found)


def mix_to_one(sound: SoundFile) -> tuple[Samples, tuple[str, ...]]:
    """Mix to one channel [n]: the mean of all, or the loudest one if they cancel out. Also returns notes on what was
    done."""
    channels = sound.samples.shape[1]
    if channels == 1:
        return sound.samples[:, 0], ()
    if not _cancels(sound.samples, max(1, round(_WINDOW_S * sound.rate))):
        return sound.samples.mean(axis=1, dtype=np.float32), (f"{channels} channels mixed to one",)
    loudest = int(np.argmax(np.square(sound.samples, dtype=np.float64).sum(axis=0)))
    note = f"{channels} channels cancel each other out when mixed; only channel {loudest + 1}, the loudest, is used"
    return np.ascontiguousarray(sound.samples[:, loudest]), (note,)


def resample_to_one(sound: SoundFile, rate: int) -> Samples:
    """The channels mixed to one, [m], at `rate` Hz."""
    mono, _ = mix_to_one(sound)
    return np.asarray(mono if sound.rate == rate else soxr.resample(mono, sound.rate, rate), np.float32)


def is_silent(channel: Samples, silent_db: float = SILENT_DB) -> bool:
    """Whether [n] samples contain only a constant and sound quieter than `silent_db`."""
    return bool(np.abs(channel - np.median(channel)).max() < 10 ** (silent_db / 20))


def write_wav(path: Path, samples: Samples, rate: int) -> None:
    """Write [n] or [n, channels] samples, -1..1, as a whole 16-bit wav file; louder ones are clipped.

    Raises:
        OSError, soundfile.SoundFileError: the file cannot be written.
    """
    with replacing(path) as beside, beside.open("wb") as file:
        soundfile.write(file, np.clip(samples, -1.0, 1.0), rate, subtype="PCM_16", format="WAV")


def _decode(data: bytes, path: Path) -> SoundFile:
    header = wav_header(data)
    if header is None:
        samples, rate, told = _read(data, path)
        cut_off = told > len(samples) + _CODEC_S * rate
        notes = (_cut_off_note(told / rate, len(samples) / rate),) if cut_off and len(samples) else ()
        return SoundFile(samples, rate, notes, cut_off)
    if header.endless:
        samples, rate, _ = _read(header.with_length(data), path)
        return SoundFile(samples, rate, ("its header tells no length; it was read to the end of the file",))
    samples, rate, _ = _read(data, path)
    held = len(samples) / rate
    if header.cut_off:
        return SoundFile(samples, rate, (_cut_off_note(held * header.claimed / max(1, header.held), held),), True)
    if header.unread > _TAGS:
        return SoundFile(samples, rate, (f"{header.unread} bytes after the end of its sound were not read",))
    return SoundFile(samples, rate)


def _cut_off_note(told: float, held: float) -> str:
    return f"it is cut off: its header tells of {told:.2f} s and it holds {held:.2f} s"


def _read(data: bytes, path: Path) -> tuple[Samples, int, float]:
    """Samples [n, channels], sample rate, and the number of frames in the header.

    Raises:
        SoundFileError: libsndfile cannot read it.
    """
    try:
        with soundfile.SoundFile(_Bytes(data)) as sound:
            _check_rate(sound.samplerate, path)
            samples = _samples(sound, _most_samples(sound.samplerate, len(data)))
            return samples, int(sound.samplerate), _count_told_frames(sound, len(samples))
    except _TooLongError:
        what = f"its {len(data)} bytes unpack to far more sound than a recording of that size holds"
        raise SoundFileError(f"{path}: {what}; write it again as wav") from None
    except _FAULTS as error:
        reason = " ".join(str(getattr(error, "error_string", error)).split()).rstrip(".")
        raise SoundFileError(f"{path}: is not a readable sound file ({reason}); give a wav or flac file") from None


class _TooLongError(Exception):
    """A file unpacks to more samples than it may."""


def _check_rate(rate: int, path: Path) -> None:
    if not LOWEST_RATE <= rate <= HIGHEST_RATE:
        limits = f"{LOWEST_RATE} to {HIGHEST_RATE} Hz"
        raise SoundFileError(f"{path}: has a sample rate of {rate} Hz; give a file with {limits}")


def _most_samples(rate: int, size: int) -> int:
    """How many samples a file of `size` bytes may hold, all channels together."""
    return max(_FREE_SAMPLES, _SAMPLES_PER_BYTE * size) * rate // max(rate, _COUNTED_RATE)


def _samples(sound: soundfile.SoundFile, most: int) -> Samples:
    """All samples [n, channels]; for a damaged file, those before the damage. The header's number is not trusted.

    Raises:
        _TooLongError: there are more than `most`.
    """
    blocks: list[Samples] = []
    while not blocks or len(blocks[-1]):
        if len(blocks) * _BLOCK * sound.channels > most:
            raise _TooLongError
        block = np.full((_BLOCK, sound.channels), np.nan, np.float32)
        try:
            blocks.append(sound.read(out=block))
        except soundfile.SoundFileError:
            # The block was filled as far as the file goes; if its length is not known, the end is also an error.
            blocks.append(block[~np.isnan(block).any(axis=1)])
            if not any(map(len, blocks)):
                raise
            break
    return np.concatenate(blocks)


def _count_told_frames(sound: soundfile.SoundFile, held: int) -> float:
    """Number of frames claimed by the header; libsndfile corrects most headers and logs their claims."""
    if sound.frames >= _NO_FRAMES:
        return 0.0
    log = sound.extra_info
    if found := _LOGGED_FRAMES.search(log):
        return float(found[2])
    sizes = [(int(told), int(there)) for name, told, there in _LOGGED.findall(log) if _is_of_data(name, sound.format)]
    by_size = [held * told / there for told, there in sizes if 0 < there < told < UNKNOWN_SIZE]
    return max([float(sound.frames), *by_size])


def _is_of_data(name: str, format_name: str) -> bool:
    """Whether a size in libsndfile's log is that of the samples; in most formats the size of the whole file is often
    wrong."""
    return name != "riff" or format_name == "W64"


def _scale(sound: SoundFile) -> SoundFile:
    """Scale to at most full scale, all channels by one factor."""
    peak = float(np.abs(sound.samples).max())
    if peak <= 1.0:
        return sound
    note = f"peaks at {peak:.3g} times full scale; scaled down by {20 * log10(peak):.1f} dB"
    samples = np.asarray(sound.samples / np.float32(peak), np.float32)
    return replace(sound, samples=samples, notes=(*sound.notes, note))


def _cancels(samples: Samples, window: int) -> bool:
    """Whether much of the power in [n, channels] is lost in the mean of the channels, by windows."""
    channels = samples.shape[1]
    starts = np.arange(0, len(samples), window)
    each = np.add.reduceat(np.square(samples, dtype=np.float64).sum(axis=1), starts)
    mixed = np.add.reduceat(np.square(samples.mean(axis=1, dtype=np.float64)), starts)
    lost = each[mixed * channels**2 < _CANCELS * each].sum()
    return bool(lost > _CANCELLED_SHARE * each.sum())
