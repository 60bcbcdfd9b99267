"""Kinds of input that are files: sounds, labels, slot logs, configurations, reports."""

import json
import re
from base64 import b64decode
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Any, Final

import numpy as np
import soundfile

from configs.base import Config
from configs.eval.scoring import ScoringConfig
from configs.eval.statistics import ComparisonConfig, StatisticsConfig
from configs.model.descriptions import MODELS, read_description
from configs.model.tools import ToolsConfig
from configs.policy import PolicyConfig
from configs.runtime.runtime import RuntimeConfig
from configs.runtime.serve import ServeConfig
from duplex.eval.exchange.label_files import read_labels
from duplex.eval.exchange.sound import read_dialogue
from duplex.eval.reports.compare import compare as compare_reports
from duplex.eval.reports.schema import SCHEMA, read_report
from duplex.model.tools.load_tools import load_tools
from runtime.audio_file import load_audio
from runtime.cli.common import changes
from runtime.converse import converse
from runtime.errors import USER_ERRORS
from runtime.replay import compare, load_logged, replay
from runtime.session.recording import repair_recording
from runtime.session.slot_log import chain
from tests.fuzz.edits import almost, example, pieces
from tests.fuzz.kind import Kind, Reader
from tests.runtime.fakes import FakeGenerator
from tests.runtime.user_audio import talking

RATE: Final = 16_000
SECONDS: Final = 2.0
_FORMATS: Final = {
    "WAV": ("PCM_16", "PCM_24", "PCM_U8", "FLOAT", "ULAW", "IMA_ADPCM", "MS_ADPCM", "GSM610"),
    "FLAC": ("PCM_16",),
    "MP3": ("MPEG_LAYER_III",),
    **dict.fromkeys(("AIFF", "AU", "W64", "RF64", "CAF", "NIST"), ("PCM_16",)),
}
_MONO_ONLY: Final = "GSM610"


@dataclass(frozen=True)
class Form:
    """A form of file: its name, good contents, pieces that its readers look for, and what reads it."""

    name: str
    good: tuple[bytes, ...]
    pieces: tuple[bytes, ...]
    read: Callable[[Path], object]


def kind_of(name: str, *forms: Form) -> Kind:
    """A kind of input with several forms; an input is the name of its form, a line feed and the content."""
    by_name = {form.name: form for form in forms}

    def make(rng: Random) -> bytes:
        form = rng.choice(forms)
        return form.name.encode() + b"\n" + almost(rng, form.good, form.pieces)

    @contextmanager
    def reading(folder: Path) -> Iterator[Reader]:
        def read(data: bytes) -> bool:
            head, _, content = data.partition(b"\n")
            path = folder / head.decode()
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
            by_name[head.decode()].read(path)
            return True

        yield read

    return Kind(name, make, reading)


def sounds() -> Kind:
    """Wavs and other sound files."""
    good = [
        _write(tone[:, :channels], name, subtype)
        for tone in (np.stack([np.sin(np.arange(1600) / 5), np.cos(np.arange(1600) / 7)], axis=1).astype(np.float32),)
        for name, subtypes in _FORMATS.items()
        for subtype in subtypes
        for channels in ((1,) if subtype == _MONO_ONLY else (1, 2))
    ]
    large = [_write(np.zeros((1 << 19, 1), np.float32), "FLAC", "PCM_16", rate) for rate in (1_000, 48_000)]
    coded = [
        b64decode(example(f"example.{name}.base64")) for name in ("vorbis", "opus")
    ]  # their streams have random ids
    return kind_of("sounds", Form("a.wav", (*good, *large, *coded), pieces("chunks"), _hear))


def _write(samples: Any, name: str, subtype: str, rate: int = RATE) -> bytes:
    file = BytesIO()
    soundfile.write(file, samples, rate, format=name, subtype=subtype)
    data = file.getvalue()
    peak = data.find(b"PEAK")
    return data if peak < 0 else data[: peak + 12] + bytes(4) + data[peak + 16 :]  # the time of writing


def _hear(path: Path) -> None:
    """What `converse`, `evaluate score` and `repair` do with a file; at least one of them must accept it."""
    config = ScoringConfig().sound
    refused: list[Exception] = []
    for read in (load_audio, lambda path: read_dialogue(path, None, config), repair_recording):
        try:
            read(path)
        except USER_ERRORS as error:
            refused.append(error)
    if len(refused) == 3:
        raise refused[0]


def _lines(*rows: Any) -> bytes:
    return b"".join(json.dumps(row).encode() + b"\n" for row in rows)


_LABEL: Final = {"session": "a", "channel": "user", "start": 0.2, "end": 1.0, "type": "turn", "text": "hi"}
_TIMES: Final = {"user_start": 0.1, "user_end": 1.0, "pause_start": 0.3, "pause_end": 0.5}
_ENTRY: Final = {"dialogue_id": "a", "round_num": 1, "scenario": "x", "timestamp": _TIMES}
_JSON_LABELS: Final = {
    "pause.json": _lines([{"text": "[PAUSE]", "timestamp": [0.5, 0.9]}]),
    "turn_taking.json": _lines([{"text": "[TURN-TAKING]", "timestamp": [0.5, 0.9]}]),
    "interrupt.json": _lines([{"context": "a", "interrupt": "b", "timestamp": [0.5, 0.9]}]),
    "user_interruption/metadata.json": _lines({"context_text": "a", "timestamps": [0.5, 0.9]}),
    "scenarios.json": _lines([_ENTRY, {**_ENTRY, "round_num": 2}]),
    "one.json": _lines(_LABEL),
    "labels.jsonl": _lines(_LABEL, {**_LABEL, "channel": "agent"}),
}


def labels() -> Kind:
    """Labels of a recording, in all their formats."""
    config = ScoringConfig().labels

    def read(path: Path) -> object:
        return read_labels(path, Path("a.wav"), SECONDS, config)

    grid = example("example.TextGrid")
    return kind_of(
        "labels",
        Form("labels.rttm", (example("example.rttm"),), pieces("text"), read),
        Form("labels.TextGrid", (grid, grid.decode().encode("utf-16")), pieces("text"), read),
        *(Form(name, (good,), pieces("json"), read) for name, good in _JSON_LABELS.items()),
    )


def slot_logs() -> Kind:
    """Slot logs, most of them with a chain that is right."""
    with TemporaryDirectory() as kept:
        folder = Path(kept)
        converse(FakeGenerator(), talking(0.8, [(0.2, 0.6)]), tail_s=0.6, folder=folder)
        lines, sound = ((folder / name).read_bytes() for name in ("slots.jsonl", "user.wav"))
    tail = len(',"chain":""}') + 64
    bare = b"\n".join(line[:-tail] + b"}" for line in lines.splitlines())
    bare = re.sub(rb'"session":"\w+"', b'"session":"0123"', bare)
    bare = re.sub(rb'"versions":{[^}]*}', b'"versions":{"python":"3.11"}', bare)
    good = _add_chain(bare)

    def make(rng: Random) -> bytes:
        whole = rng.random() < 0.7
        return _add_chain(almost(rng, (bare,), pieces("json"))) if whole else almost(rng, (good,), pieces("json"))

    @contextmanager
    def reading(place: Path) -> Iterator[Reader]:
        def read(data: bytes) -> bool:
            (place / "slots.jsonl").write_bytes(data)
            (place / "user.wav").write_bytes(sound)
            logged = load_logged(place / "slots.jsonl")
            return compare(logged.rows, replay(logged, FakeGenerator()).rows).equal

        yield read

    return Kind("slot-logs", make, reading)


def _add_chain(data: bytes) -> bytes:
    """Lines with a chain of their own, as if the program had written them."""
    whole, previous = b"", ""
    for line in data.split(b"\n"):
        previous = chain(previous, line.decode("utf-8", errors="surrogateescape"))
        whole += line[:-1] + f',"chain":"{previous}"}}\n'.encode()
    return whole


def configurations() -> Kind:
    """Configurations and descriptions of models (YAML), definitions of functions (JSON), and values of `--set`."""
    about = {"type": "object", "properties": {"place": {"type": "string"}}}
    tool = {"type": "function", "function": {"name": "time_in", "description": "Tell the time.", "parameters": about}}
    configs: dict[str, Config] = {
        "runtime.yaml": RuntimeConfig(),
        "serve.yaml": ServeConfig(),
        "scoring.yaml": ScoringConfig(),
        "policy.yaml": PolicyConfig(),
    }
    shipped = tuple(path.read_bytes() for path in sorted(MODELS.glob("*.yaml")))
    values = (b"device=cuda", b"llm.answers=all", b"policy={start: {probability: 0.5}}")
    return kind_of(
        "configurations",
        *(Form(name, (one.to_yaml().encode(),), pieces("yaml"), one.from_yaml) for name, one in configs.items()),
        Form("model.yaml", shipped, pieces("yaml"), read_description),
        Form("tools.json", (_lines([tool]),), pieces("json"), lambda path: load_tools([str(path)], ToolsConfig())),
        Form("set.txt", values, pieces("yaml"), lambda path: changes([path.read_bytes().decode(errors="replace")])),
    )


def reports() -> Kind:
    """Reports of evaluations."""
    trace: dict[str, Any] = {key: [] for key in ("user", "assistant", "answers", "heard")}
    trace |= {"seconds": 1, "state": "SM", "p_speak": [0.1, 0.9], "decisions": [[0.2, "start"]]}
    events = [{"side": "user", "kind": "turn", "name": "n", "start": 0.1, "end": 0.5}]
    row = {"id": "a", "group": "g", "measures": {"x": 1}, "worst": 0.0, "events": events, "trace": trace}
    head = {"schema": SCHEMA, "suite": "s", "settings": {}, "machine": {}, "figures": [], "dialogues": [row]}
    report = head | {"statistics": StatisticsConfig().model_dump()}

    def read(path: Path) -> object:
        read_one = read_report(path)
        return compare_reports(read_one, read_one, ComparisonConfig())

    return kind_of("reports", Form("report.json", (_lines(report),), pieces("json"), read))
