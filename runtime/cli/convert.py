"""`duplex convert`: converts a published checkpoint to the format of this project."""

from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from configs.base import ConfigError
from runtime.cli.common import out, progress
from runtime.cli.paths import file, new_folder
from runtime.cli.values import Precision


def command(
    source: Annotated[str, typer.Argument(help="Folder or hub id of Fun-Audio-Chat, or a folder of CosyVoice3.")],
    into: Annotated[Path, new_folder("--out", help="Folder to write; must be new or empty.")],
    dtype: Annotated[
        Precision | None, typer.Option(help="Default: bfloat16; CosyVoice keeps the data types of its release.")
    ] = None,
    speakers: Annotated[Path | None, file(help="File of voices, if CosyVoice's folder has none.")] = None,
) -> None:
    """Write Fun-Audio-Chat or CosyVoice3 as safetensors with one configuration file; nothing is unpickled."""
    from duplex.model.stages.cosyvoice.checkpoint import FLOW, VOCODER

    _check_empty(into)
    folder = Path(source)
    is_voice = any((folder / f"{name}.{kind}").is_file() for name in (FLOW, VOCODER) for kind in ("pt", "safetensors"))
    if is_voice and dtype is not None:
        raise ConfigError("--dtype: CosyVoice keeps the data types of its release; leave the option out")
    with progress() as bar:
        task = bar.add_task("looking", total=3)

        def begin(what: str) -> None:
            bar.update(task, description=what, advance=1)

        found = _voice(folder, into, speakers, begin) if is_voice else _chat(source, into, dtype, begin)
    size = sum(path.stat().st_size for path in into.iterdir())
    out().print(f"{into}: {found}, {len(list(into.iterdir()))} files, {size / 1e9:.3g} GB")


def _chat(source: str, into: Path, dtype: Precision | None, begin: Callable[[str], None]) -> str:
    import torch

    from duplex.model.funaudiochat.checkpoint import Checkpoint, save
    from duplex.model.funaudiochat.memory import check_weights

    name = str(dtype or Precision.BFLOAT16)
    checkpoint, kind = Checkpoint.inspect(source), getattr(torch, name)
    check_weights(checkpoint.config, torch.device("cpu"), kind)
    begin("reading")
    chat = checkpoint.load("cpu", kind)
    begin("writing")
    try:
        save(chat, into)
    except OSError as error:
        raise ConfigError(f"{into}: cannot be written ({error.strerror}); choose another folder") from None
    return f"Fun-Audio-Chat ({chat.config.name}), {name}"


def _voice(folder: Path, into: Path, speakers: Path | None, begin: Callable[[str], None]) -> str:
    from duplex.model.stages.cosyvoice.checkpoint import convert

    begin("reading and writing")
    convert(folder, into, speakers)
    begin("done")
    return "CosyVoice detokenizer"


def _check_empty(into: Path) -> None:
    if into.exists() and (not into.is_dir() or any(into.iterdir())):
        raise ConfigError(f"{into}: already exists and is not an empty folder; choose another one with --out")
