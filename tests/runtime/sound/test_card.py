"""Choosing devices, the ring between threads, and the errors of a machine without sound."""

import sys
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from configs.runtime.local import LocalConfig
from runtime.cli.main import run
from runtime.errors import AudioError
from runtime.sound import card
from runtime.sound.card import Device, SoundCard, choose
from runtime.sound.ring import SampleRing

BOTH = Device(0, "Built-in Audio", 2, 2, 48_000.0, (False, True))
MICROPHONE = Device(1, "USB Microphone", 1, 0, 44_100.0, (True, False))
DEVICES = [BOTH, MICROPHONE]


@pytest.mark.parametrize(
    ("wanted", "direction", "number"),
    [(None, "input", 1), (None, "output", 0), ("usb", "input", 1), ("0", "input", 0), ("Audio", "output", 0)],
)
def test_a_device_is_chosen_by_number_name_or_default(wanted: str | None, direction: str, number: int) -> None:
    assert choose(DEVICES, wanted, direction).number == number


@pytest.mark.parametrize(
    ("devices", "wanted", "direction", "text"),
    [
        ([], None, "input", "there is no microphone"),
        ([MICROPHONE], None, "output", "there is no loudspeaker"),
        (DEVICES, "bluetooth", "input", "means no device"),
        (DEVICES, "i", "input", "means 2 devices"),
        (DEVICES, "1", "output", "means no device"),
    ],
)
def test_what_cannot_be_chosen_is_named(devices: list[Device], wanted: str | None, direction: str, text: str) -> None:
    with pytest.raises(AudioError, match=text):
        choose(devices, wanted, direction)


class PortAudioError(Exception):
    """As sounddevice raises it."""


def sound_system(broken: str) -> Any:
    """A stand-in for sounddevice in which one thing fails."""

    def check(**settings: Any) -> None:
        if broken == "rate":
            raise PortAudioError("Invalid sample rate", -9997)

    def stream(**settings: Any) -> None:
        raise PortAudioError("Device unavailable", -9985)

    info = {"name": "card", "max_input_channels": 1, "max_output_channels": 1, "default_samplerate": 8000.0}
    return SimpleNamespace(
        PortAudioError=PortAudioError,
        check_input_settings=check,
        check_output_settings=check,
        Stream=stream,
        default=SimpleNamespace(device=(-1, -1)),
        query_devices=lambda: [] if broken == "none" else [info],
    )


@pytest.mark.parametrize(
    ("broken", "text"),
    [
        ("none", "there is no microphone; plug one in"),
        ("busy", r"cannot be opened \(Device unavailable\); close other programs"),
        ("rate", "share none of the sample rates 48000, 8000 Hz"),
    ],
)
def test_a_card_that_cannot_be_used_is_named(broken: str, text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(card, "sounddevice", lambda: sound_system(broken))
    with pytest.raises(AudioError, match=text):
        SoundCard(LocalConfig())


def test_talk_without_devices_is_one_line(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(card, "sounddevice", lambda: sound_system("none"))
    assert run(["talk", "--model", "no such model"]) == 1
    assert "error: there is no microphone" in capsys.readouterr().err


def test_devices_are_listed(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(card, "sounddevice", lambda: sound_system(""))
    assert run(["talk", "--list-devices"]) == 0
    assert "card" in capsys.readouterr().out


def test_a_missing_portaudio_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    class Missing:
        def find_spec(self, name: str, *rest: object) -> None:
            if name == "sounddevice":
                raise OSError("PortAudio library not found")

    monkeypatch.delitem(sys.modules, "sounddevice", raising=False)
    monkeypatch.setattr(sys, "meta_path", [Missing(), *sys.meta_path])
    with pytest.raises(AudioError, match="apt install libportaudio2"):
        card.sounddevice()


@given(st.lists(st.tuples(st.integers(0, 30), st.integers(0, 30)), max_size=40))
def test_the_ring_keeps_order_and_counts_what_it_loses(steps: list[tuple[int, int]]) -> None:
    ring = SampleRing(50)
    sent, kept, got = 0, [], []
    for write, read in steps:
        fits = min(write, 50 - ring.waiting)
        kept += list(range(sent, sent + fits))
        ring.write(np.arange(sent, sent + write, dtype=np.int16))
        sent += write
        got += ring.read(read).tolist()
    got += ring.read(50).tolist()
    assert got == kept
    assert ring.dropped == sent - len(kept)


def test_the_ring_fills_up_with_silence_and_counts_it() -> None:
    ring = SampleRing(10)
    ring.write(np.array([1, 2, 3], dtype=np.int16))
    assert ring.read_exactly(5).tolist() == [1, 2, 3, 0, 0]
    assert ring.missing == 2
