"""A virtual sound card for machines without one: a PulseAudio of our own with two null sinks.

    with VirtualSoundCard(folder, echo=True) as card:
        card.environment            for programs that record from and play to it
        card.say(wav)               what the microphone hears
        card.record(wav)            what the loudspeaker plays

With `echo` the loudspeaker leaks into the microphone, as in a room without headphones.
"""

import os
import shutil
import subprocess
from pathlib import Path
from types import TracebackType
from typing import Self

from runtime.clock import Clock, SystemClock

PROGRAMS = ("pulseaudio", "pactl", "paplay", "parec")
START_S = 10.0
FIRST = ("nice", "-n", "-10") if os.geteuid() == 0 else ()
"""Before programs that play or record: a busy machine must not move the echo against the loudspeaker."""


def missing_program() -> str | None:
    """The first needed program that is not installed."""
    return next((name for name in PROGRAMS if shutil.which(name) is None), None)


class VirtualSoundCard:
    """Sinks `speaker` and `room` (what the microphone hears); all files are in `folder`."""

    def __init__(self, folder: Path, *, echo: bool, clock: Clock | None = None) -> None:
        runtime = folder / "run" / "pulse"
        runtime.mkdir(parents=True)
        (folder / ".asoundrc").write_text("pcm.!default { type pulse }\nctl.!default { type pulse }\n")
        self.environment = {
            **os.environ,
            "HOME": str(folder),
            "XDG_RUNTIME_DIR": str(folder / "run"),
            "PULSE_RUNTIME_PATH": str(runtime),
            "PULSE_SERVER": f"unix:{runtime}/native",
        }
        self._socket = runtime / "native"
        self._echo = echo
        self._clock = clock or SystemClock()
        self._running: list[subprocess.Popen[bytes]] = []

    def __enter__(self) -> Self:
        modules = [
            f"module-native-protocol-unix socket={self._socket} auth-anonymous=1",
            "module-null-sink sink_name=speaker rate=48000 channels=1",
            "module-null-sink sink_name=room rate=48000 channels=1",
            "module-remap-source source_name=microphone master=room.monitor",
        ]
        if self._echo:
            modules.append("module-loopback source=speaker.monitor sink=room latency_msec=20")
        load = [part for module in modules for part in ("-L", module)]
        self._start("pulseaudio", "-n", "--daemonize=no", "--exit-idle-time=-1", "--realtime=no", *load)
        self._await_server()
        self._control("set-default-sink", "speaker")
        self._control("set-default-source", "microphone")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for process in reversed(self._running):
            process.terminate()
            process.wait()

    def say(self, wav: Path) -> "subprocess.Popen[bytes]":
        """Play a sound file into the microphone, starting now."""
        return self._start("paplay", "-d", "room", str(wav))

    def record(self, wav: Path) -> "subprocess.Popen[bytes]":
        """Write what the loudspeaker plays until the returned process is terminated."""
        return self._start("parec", "-d", "speaker.monitor", "--file-format=wav", str(wav))

    def _await_server(self) -> None:
        begin = self._clock.now()
        while self._pactl("info").returncode:
            if self._clock.now() - begin > START_S or self._running[0].poll() is not None:
                raise RuntimeError("PulseAudio does not start; see its messages above")

    def _control(self, *arguments: str) -> None:
        answer = self._pactl(*arguments)
        if answer.returncode:
            raise RuntimeError(f"pactl {' '.join(arguments)}: {answer.stderr.decode()}")

    def _pactl(self, *arguments: str) -> "subprocess.CompletedProcess[bytes]":
        return subprocess.run(["pactl", *arguments], env=self.environment, capture_output=True, check=False)

    def _start(self, *command: str) -> "subprocess.Popen[bytes]":
        process = subprocess.Popen([*FIRST, *command], env=self.environment, stderr=subprocess.DEVNULL)
        self._running.append(process)
        return process
