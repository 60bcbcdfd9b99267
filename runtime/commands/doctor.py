"""`duplex doctor`: can this machine run a conversation?"""

from typing import Annotated

import typer

from configs.serve import ServeConfig
from runtime.commands.common import Model, out
from runtime.doctor import examine

SIGNS = {"ok": ("ok  ", "green"), "warn": ("warn", "yellow"), "fail": ("FAIL", "red")}


def command(
    model: Model = "mini",
    port: Annotated[int, typer.Option(help="Port of the server.")] = ServeConfig().port,
) -> None:
    """Check Python, packages, processor, port, sound devices and the model; exit code 1 if something is missing."""
    checks = examine(model, port)
    for check in checks:
        sign, style = SIGNS[check.level]
        mend = f" -> {check.mend}" if check.mend else ""
        out().print(f"{sign}  {check.name:<10} {check.found}{mend}", style=style)
    if any(check.level == "fail" for check in checks):
        raise typer.Exit(1)
