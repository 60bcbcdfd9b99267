"""Groups of commands whose modules are imported only when one of their commands runs.

    class Commands(LazyGroup):
        table = {"serve": Lazy("runtime.cli.serve:command", "Serve the page.")}

    app = application(Commands, "A voice assistant.")

The help of a group names its commands without importing them, so the table repeats the first line of a command's help;
a test checks that both are equal. Nothing here depends on what the commands do.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import Any, ClassVar

import typer
from typer.core import TyperGroup

from configs.base import ConfigError

NO_COMMAND = 2
"""Exit code if a command is missing."""


@dataclass(frozen=True)
class Lazy:
    """A command that is not imported yet.

    Attributes:
        target: "module:attribute", a command's function or a typer application.
        help: first line of its help.
        of: if not empty, `attribute` is a function that makes the command's function from it.
    """

    target: str
    help: str
    of: str = ""

    def load(self, name: str) -> Any:
        """Import it and make the command called `name`."""
        module, _, attribute = self.target.partition(":")
        found = getattr(import_module(module), attribute)
        return _command(name, found(self.of) if self.of else found)

    def stub(self, name: str) -> Any:
        """A stub that help shows in its place."""

        def never() -> None:
            raise AssertionError(f"the stub of {name} was run")

        never.__doc__ = self.help
        return _command(name, never)


class LazyGroup(TyperGroup):
    """A group of `Lazy` commands, in the order of their table."""

    table: ClassVar[Mapping[str, Lazy]] = {}
    kind: ClassVar[str] = "command"
    """What the names in the table are called in the error about an unknown one."""

    def list_commands(self, ctx: Any) -> list[str]:
        """Names in the order of the table."""
        return list(self.table)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """The stub of a command for the group's help; None if there is no such command."""
        lazy = self.table.get(cmd_name)
        return None if lazy is None else lazy.stub(cmd_name)

    def load(self, name: str) -> Any:
        """Import and return the command itself."""
        return self.table[name].load(name)

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """As in typer; without any argument, help is shown and the command fails."""
        if not args and not ctx.resilient_parsing:
            typer.echo(ctx.get_help())
            raise typer.Exit(NO_COMMAND)
        return super().parse_args(ctx, args)

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """As in typer, but with the command itself.

        Raises:
            ConfigError: there is no such command.
        """
        if args and args[0] not in self.table and not args[0].startswith("-"):
            known = ", ".join(self.list_commands(ctx))
            raise ConfigError(f"there is no {self.kind} '{args[0]}'; choose one of {known}")
        name, _, rest = super().resolve_command(ctx, args)
        return name, self.load(str(name)), rest


def application(group: type[LazyGroup], help: str, callback: Callable[..., None] | None = None) -> typer.Typer:
    """A typer application of a lazy group; `callback` takes options that precede the command's name."""
    app = typer.Typer(cls=group, pretty_exceptions_enable=False, add_completion=False, help=help)
    app.callback()(callback or _nothing)
    return app


def _command(name: str, target: Any) -> Any:
    """Make a function a command; an application is not changed."""
    app = target
    if not isinstance(target, typer.Typer):
        app = typer.Typer(pretty_exceptions_enable=False, add_completion=False)
        app.command()(target)
    command = typer.main.get_command(app)
    command.name = name
    return command


def _nothing() -> None:
    return None
