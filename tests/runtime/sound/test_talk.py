"""`duplex talk` on a virtual sound card: real PortAudio, real time, the loudspeaker leaks into the microphone."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
import soxr

from tests.runtime.sound.talking import SPEECH
from tests.tools.virtual_sound_card import FIRST, VirtualSoundCard, missing_program

pytestmark = pytest.mark.skipif(
    missing_program() is not None, reason=f"{missing_program()} is not installed (apt install pulseaudio-utils)"
)
REPOSITORY = Path(__file__).parents[3]
RATE = 48_000


def microphone(folder: Path, said: dict[float, str]) -> Path:
    """A sound file with sentences at given seconds."""
    track = np.zeros(20 * RATE, dtype=np.float32)
    for at, name in said.items():
        pcm, rate = soundfile.read(SPEECH / f"{name}.flac", dtype="float32")
        pcm = soxr.resample(pcm, rate, RATE)
        track[round(at * RATE) : round(at * RATE) + len(pcm)] = pcm
    soundfile.write(folder / "said.wav", track, RATE, subtype="PCM_16")
    return folder / "said.wav"


def run_talk(folder: Path, said: dict[float, str], seconds: float, aec: str) -> list[dict[str, Any]]:
    """Slots of a conversation on the virtual card."""
    wav = microphone(folder, said)
    with VirtualSoundCard(folder / "card", echo=True) as card, (folder / "output.txt").open("wb") as output:
        command = [
            *FIRST,
            sys.executable,
            "-m",
            "tests.runtime.sound.talk_fake",
            str(folder / "kept"),
            str(seconds),
            aec,
        ]
        talk = subprocess.Popen(command, env=card.environment, cwd=REPOSITORY, stdout=output, stderr=output)
        try:
            while not list(folder.glob("kept/*/slots.jsonl")) and not has_ended(talk, 0.1):
                pass
            card.say(wav)
            assert has_ended(talk, 90)
        finally:
            talk.terminate()
            talk.wait()
    assert talk.returncode == 0, (folder / "output.txt").read_text()
    (log,) = folder.glob("kept/*/slots.jsonl")
    return [line for line in map(json.loads, log.read_text().splitlines()) if line["kind"] == "slot"]


def has_ended(process: "subprocess.Popen[bytes]", patience_s: float) -> bool:
    """Whether the process ends within `patience_s`."""
    try:
        process.wait(patience_s)
    except subprocess.TimeoutExpired:
        return False
    return True


def events(slots: list[dict[str, Any]]) -> list[str]:
    return [slot["event"] for slot in slots if slot["event"]]


def test_a_conversation_with_an_interruption_in_an_echoing_room(tmp_path: Path) -> None:
    """The first answer is not interrupted: while the canceller learns the room, it also removes simultaneous speech."""
    said = {0.5: "tell_me_a_story", 4.8: "tell_me_a_story", 6.8: "capital_of_norway"}
    seen = events(run_talk(tmp_path, said, 12.3, "aec"))
    (recording,) = tmp_path.glob("kept/*/dialogue.wav")
    audio, rate = soundfile.read(recording)
    slots = audio[: len(audio) // (rate // 5) * (rate // 5)].reshape(-1, rate // 5, 2)
    heard = np.sqrt(np.mean(slots[:, :, 0] ** 2, axis=1)).round(3).tolist()
    assert seen[:4] == ["start", "end", "start", "cut"], f"levels of what was heard, by slots: {heard}"
    assert "start" in seen[4:]
    assert len(audio) / rate > 12
    assert np.abs(audio[:, 1]).max() > 0.1


@pytest.mark.parametrize(("aec", "hears_itself"), [("aec", False), ("no-aec", True)])
def test_the_assistant_hears_itself_only_without_cancelling(tmp_path: Path, aec: str, hears_itself: bool) -> None:
    seen = events(run_talk(tmp_path, {0.5: "tell_me_a_story"}, 7.0, aec))
    assert seen[0] == "start"
    assert ("cut" in seen or seen.count("start") > 1) is hears_itself
