"""The application, whose commands are loaded when they are asked for, so that the service starts without the models and their numerics."""

from importlib import import_module
from typing import Any

import typer
from typer.core import TyperGroup
from typer.main import get_group

from gemel.core.notice import NOTICE

LIGHT = {"serve": "gemel.cli.serve", "user": "gemel.cli.user", "audit": "gemel.cli.audit", "mcp": "gemel.cli.mcp"}
LIGHT |= dict.fromkeys(("send", "pull", "route"), "gemel.cli.node") | {"node": "gemel.cli.node_status"}
ALL = "gemel.cli.main"


class Late(TyperGroup):
    """The group of all commands."""

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """The command of that name, its module loaded first."""
        import_module(LIGHT.get(cmd_name, ALL))
        return get_group(app).commands.get(cmd_name)

    def list_commands(self, ctx: Any) -> list[str]:
        """Names of all commands, all loaded."""
        for module in (ALL, *LIGHT.values()):
            import_module(module)
        return list(get_group(app).commands)


app = typer.Typer(
    cls=Late,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_show_locals=False,
    help=f"Digital twins made from medical images. {NOTICE}",
)
