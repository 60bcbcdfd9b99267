"""`duplex talk` on a virtual sound card: real PortAudio, real time, the loudspeaker leaks into the microphone."""

import json
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile
import soxr

from tests.runtime.sound.talking import SPEECH
from tests.tools.virtual_sound_card import VirtualSoundCard, missing_program

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


def run_talk(folder: Path, said: dict[float, str], seconds: float) -> list[str]:
    """Events of a conversation on the virtual card; skips where the sound system loses sound: no echo canceller can
    follow an echo that jumps."""
    wav = microphone(folder, said)
    with VirtualSoundCard(folder / "card", echo=True) as card, (folder / "output.txt").open("wb") as output:
        command = [sys.executable, "-m", "tests.runtime.sound.talk_fake", str(folder / "kept"), str(seconds)]
        environment = {**card.environment, "COLUMNS": "200"}
        talk = subprocess.Popen(command, env=environment, cwd=REPOSITORY, stdout=output, stderr=output)
        try:
            while not list(folder.glob("kept/*/slots.jsonl")) and not ended(talk, 0.1):
                pass
            card.say(wav)
            assert ended(talk, 90)
        finally:
            talk.terminate()
            talk.wait()
    told = (folder / "output.txt").read_text()
    assert talk.returncode == 0, told
    if lost := re.search(r"xruns \d+", told):
        pytest.skip(f"the machine is too busy for its sound system: {lost[0]}")
    (log,) = folder.glob("kept/*/slots.jsonl")
    slots = [line for line in map(json.loads, log.read_text().splitlines()) if line["kind"] == "slot"]
    return [slot["event"] for slot in slots if slot["event"]]


def ended(process: "subprocess.Popen[bytes]", patience_s: float) -> bool:
    """Whether the process ends within `patience_s`."""
    try:
        process.wait(patience_s)
    except subprocess.TimeoutExpired:
        return False
    return True


def test_a_conversation_with_an_interruption_in_an_echoing_room(tmp_path: Path) -> None:
    """The first answer is heard out: while the canceller learns the room, it takes away who speaks at the same time."""
    said = {0.5: "tell_me_a_story", 4.8: "tell_me_a_story", 6.8: "capital_of_norway"}
    seen = run_talk(tmp_path, said, 12.0)
    assert seen[:4] == ["start", "end", "start", "cut"]
    assert "start" in seen[4:]
    (recording,) = tmp_path.glob("kept/*/dialogue.wav")
    audio, rate = soundfile.read(recording)
    assert len(audio) / rate > 12
    assert np.abs(audio[:, 1]).max() > 0.1
