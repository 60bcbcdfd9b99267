"""A user who talks to the page: what is said, a microphone that says it, and what the recording of it must hold."""

from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
import soxr
from playwright.sync_api import Page

from configs.audio import AUDIO

REPOSITORY = Path(__file__).parents[2]
SPEECH = REPOSITORY / "tests" / "data" / "speech"
MICROPHONE_RATE = 48_000
LOUD = 0.02


@dataclass(frozen=True)
class Script:
    """What the user says: files, each with the silence before it in seconds; then what the answers contain."""

    model: str
    files: Sequence[str]
    pauses: Sequence[float]
    second_answer: str
    patience_s: float


@dataclass(frozen=True)
class Loudness:
    """More packets of 20 ms than this must sound, and in which packets around the cut the user must be heard."""

    before_cut: int
    around_cut: tuple[int, int]
    of_user: int
    second_answer: int


FAKE = Script("fake", ("tell_me_a_story", "capital_of_norway"), (1.0, 1.1), "one two three", 15)


def microphone(path: Path, script: Script) -> tuple[Path, list[float]]:
    """Write the user's side as a sound file; returns it and when each sentence begins, in seconds."""
    parts: list[np.ndarray[Any, Any]] = []
    begins = []
    for pause, name in zip(script.pauses, script.files, strict=True):
        pcm, rate = soundfile.read(SPEECH / f"{name}.flac", dtype="float32")
        parts.append(np.zeros(round(pause * MICROPHONE_RATE), dtype=np.float32))
        begins.append(sum(map(len, parts)) / MICROPHONE_RATE)
        parts.append(soxr.resample(pcm, rate, MICROPHONE_RATE))
    parts.append(np.zeros(60 * MICROPHONE_RATE, dtype=np.float32))
    soundfile.write(path, np.concatenate(parts), MICROPHONE_RATE, subtype="PCM_16")
    return path, begins


def download(page: Page, link: str, path: Path) -> Path:
    with page.expect_download() as info:
        page.click(link)
    info.value.save_as(path)
    return path


def loud_packets(channel: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """For each 20 ms of [n] samples at 24 kHz: whether it is audible."""
    step = AUDIO.packet_output_samples
    whole = len(channel) // step * step
    return np.asarray(np.sqrt(np.mean(channel[:whole].reshape(-1, step) ** 2, axis=1)) > LOUD)


SPEAKER = """() => {
  const context = new AudioContext({ sampleRate: 48000 });
  const stream = context.createMediaStreamDestination();
  const quiet = new ConstantSourceNode(context, { offset: 0 });
  quiet.connect(stream);
  quiet.start();
  window.say = async (base64) => {
    const bytes = Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
    const node = new AudioBufferSourceNode(context, { buffer: await context.decodeAudioData(bytes.buffer) });
    node.connect(stream);
    node.start();
  };
  navigator.mediaDevices.getUserMedia = async () => {
    await context.resume();
    return stream.stream;
  };
}"""
"""A microphone in the page that says a sound file when told, so that the user can react to the assistant.

Between the files it is quiet, as a microphone is; without a source Chromium would send no packets.
"""


def say(page: Page, name: str) -> None:
    """Play a sentence into the page's microphone."""
    page.evaluate("(sound) => window.say(sound)", b64encode((SPEECH / f"{name}.flac").read_bytes()).decode())


def check_recording(path: Path, log: Sequence[dict[str, Any]], least: Loudness) -> None:
    """The assistant speaks, falls silent after the user cuts in, and speaks again after the user has finished.

    The last cut counts: a pause within a sentence may have brought an answer of its own.
    """
    audio, rate = soundfile.read(path, dtype="float32")
    assert (rate, audio.shape[1]) == (AUDIO.output_rate, 2)
    user, assistant = loud_packets(audio[:, 0]), loud_packets(audio[:, 1])
    slots = [line for line in log if line["kind"] == "slot"]
    starts = [slot["slot"] * AUDIO.packets_per_slot for slot in slots if slot["event"] == "start"]
    cuts = [slot["slot"] * AUDIO.packets_per_slot for slot in slots if slot["event"] == "cut"]
    cut = max(cut for cut in cuts if cut < max(starts))
    begin = min(start for start in starts if start > cut)
    first, last = (cut + packets for packets in least.around_cut)
    assert assistant[:cut].sum() > least.before_cut
    assert user[first:last].sum() > least.of_user
    assert not assistant[cut + 2 * AUDIO.packets_per_slot : begin].any()
    assert assistant[begin : begin + 100].sum() > least.second_answer
