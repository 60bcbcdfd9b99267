"""`duplex doctor`: checks whether this machine can run a conversation."""

from pathlib import Path
from typing import Annotated

import typer

from configs.runtime.serve import ServeConfig
from runtime.cli.common import ModelOptions, drop_missing, out
from runtime.cli.doctor.checks import ModelRequirements
from runtime.cli.doctor.machine import examine
from runtime.cli.option_groups import with_option_groups
from runtime.cli.values import LARGEST_PORT, Precision, device_name, make_parser, number

MOST_SESSIONS = 4096
SIGNS = {"ok": ("ok  ", "green"), "warn": ("warn", "yellow"), "fail": ("FAIL", "red")}


@with_option_groups
def command(
    chosen: ModelOptions,
    port: Annotated[int, number(0, LARGEST_PORT, "Port of the server.", whole=True)] = ServeConfig().port,
    sessions: Annotated[int, number(1, MOST_SESSIONS, "Conversations that should fit into memory.", whole=True)] = 1,
    device: Annotated[
        str | None,
        typer.Option(parser=make_parser(device_name), help="auto, cpu, cuda, cuda:1; default: the model's."),
    ] = None,
    dtype: Annotated[Precision | None, typer.Option(help="Data type of the weights; default: the model's.")] = None,
    detokenizer: Annotated[str | None, typer.Option(help="Folder or hub id, if the model names none.")] = None,
    speakers: Annotated[Path | None, typer.Option(help="File of voices, if the detokenizer has none.")] = None,
) -> None:
    """Check the machine and a model's files, without loading its weights, and ask a language model (--llm).

    The exit code is 1 if something is missing.
    """
    placed = drop_missing({"device": device, "dtype": dtype, "detokenizer": detokenizer, "speakers": speakers})
    checks = examine(chosen.model, port, wanted=ModelRequirements(sessions, {**chosen.changes, **placed}))
    for check in checks:
        sign, style = SIGNS[check.level]
        fix = f" -> {check.fix}" if check.fix else ""
        out().print(f"{sign}  {check.name:<14} {check.found}{fix}", style=style)
    if any(check.level == "fail" for check in checks):
        raise typer.Exit(1)
