"""`duplex doctor`: can this machine run a conversation?"""

from pathlib import Path
from typing import Annotated

import typer

from configs.base import ConfigError
from configs.runtime.serve import ServeConfig
from runtime.cli.common import Model, out
from runtime.cli.doctor.checks import Wanted
from runtime.cli.doctor.machine import examine

SIGNS = {"ok": ("ok  ", "green"), "warn": ("warn", "yellow"), "fail": ("FAIL", "red")}


def command(
    model: Model = "mini",
    port: Annotated[int, typer.Option(help="Port of the server.")] = ServeConfig().port,
    sessions: Annotated[int, typer.Option(min=1, help="Conversations that should fit into memory.")] = 1,
    device: Annotated[str | None, typer.Option(help="auto, cpu, cuda, cuda:1; default: the model's.")] = None,
    dtype: Annotated[str | None, typer.Option(help="bfloat16 or float32; default: the model's.")] = None,
    detokenizer: Annotated[str | None, typer.Option(help="Folder or hub id, where the model names none.")] = None,
    speakers: Annotated[Path | None, typer.Option(help="File of voices, where the detokenizer has none.")] = None,
) -> None:
    """Check the machine and the files of a model, without loading its weights; exit code 1 if something is missing."""
    if dtype not in (None, "bfloat16", "float32"):
        raise ConfigError(f"--dtype '{dtype}': choose bfloat16 or float32")
    checks = examine(model, port, wanted=Wanted(sessions, device, dtype, detokenizer, speakers))
    for check in checks:
        sign, style = SIGNS[check.level]
        mend = f" -> {check.mend}" if check.mend else ""
        out().print(f"{sign}  {check.name:<11} {check.found}{mend}", style=style)
    if any(check.level == "fail" for check in checks):
        raise typer.Exit(1)
