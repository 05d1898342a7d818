"""The application, whose commands are loaded when they are asked for, so that the service starts without the models and their numerics."""

from importlib import import_module
from typing import Any

import typer
from rich.console import Console
from typer.core import TyperGroup
from typer.main import get_group

from gemel.core import compiled
from gemel.core.notice import NOTICE

LIGHT = {name: f"gemel.cli.{name}" for name in ("serve", "user", "audit", "mcp", "verify", "version")}
LIGHT |= dict.fromkeys(("send", "pull", "route"), "gemel.cli.node") | {"node": "gemel.cli.node_erase"}
ALL = "gemel.cli.main"


def load(module: str) -> None:
    """Loads the module of a command; those that load the models need a place for what is compiled."""
    if module == ALL and not compiled.kept():
        words = f"gemel: no folder to keep compiled kernels in — set {compiled.PLACE} to one that this user may write to"
        Console(stderr=True).print(words, soft_wrap=True, highlight=False)
        raise typer.Exit(1)
    import_module(module)


class Late(TyperGroup):
    """The group of all commands."""

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """The command of that name, its module loaded first."""
        load(LIGHT.get(cmd_name, ALL))
        return get_group(app).commands.get(cmd_name)

    def list_commands(self, ctx: Any) -> list[str]:
        """Names of all commands, all loaded."""
        for module in (ALL, *LIGHT.values()):
            load(module)
        return list(get_group(app).commands)


app = typer.Typer(
    cls=Late,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_show_locals=False,
    help=f"Digital twins made from medical images. {NOTICE}",
)
