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


def run_talk(folder: Path, said: dict[float, str], seconds: float) -> tuple[list[str], float]:
    """Events of a conversation on the virtual card, and by how many dB the echo was cancelled."""
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
    echo = re.search(r"echo -(\d+) dB", told)
    assert echo, told
    (log,) = folder.glob("kept/*/slots.jsonl")
    slots = [line for line in map(json.loads, log.read_text().splitlines()) if line["kind"] == "slot"]
    return [slot["event"] for slot in slots if slot["event"]], float(echo[1])


def ended(process: "subprocess.Popen[bytes]", patience_s: float) -> bool:
    """Whether the process ends within `patience_s`."""
    try:
        process.wait(patience_s)
    except subprocess.TimeoutExpired:
        return False
    return True


def test_a_conversation_with_an_interruption_in_an_echoing_room(tmp_path: Path) -> None:
    """A busy machine moves the echo against the loudspeaker, and the assistant may hear itself for a moment: which
    answer is cut is therefore a matter of the simulated room's test."""
    said = {0.5: "tell_me_a_story", 4.8: "tell_me_a_story", 6.8: "capital_of_norway"}
    events, cancelled_db = run_talk(tmp_path, said, 12.0)
    assert events[0] == "start"
    assert "start" in events[events.index("cut") :]
    assert cancelled_db > 6
    (recording,) = tmp_path.glob("kept/*/dialogue.wav")
    audio, rate = soundfile.read(recording)
    assert len(audio) / rate > 12
    assert (np.abs(audio).max(axis=0) > 0.1).all()
