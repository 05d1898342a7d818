"""`gemel mcp`: a running service as tools for an assistant."""

from pathlib import Path
from typing import Annotated

import typer

from gemel.cli.shell import app, speaking
from gemel.core.errors import InputError
from gemel.service.client import Client


@app.command("mcp")
def mcp(
    url: Annotated[str, typer.Option("--url", envvar="GEMEL_URL", help="Address of `gemel serve`.")] = "http://127.0.0.1:8080",
    token_file: Annotated[Path | None, typer.Option("--token-file", help="File with an API token; else the variable GEMEL_TOKEN.")] = None,
    token: Annotated[str, typer.Option("--token", envvar="GEMEL_TOKEN", hidden=True)] = "",
    write: Annotated[bool, typer.Option("--write", help="Also the tools that compute (decide, recompute).")] = False,
) -> None:
    """Speak MCP over standard input and output: look at twins, forecasts and plans with a token's rights. Read-only unless --write."""
    with speaking():
        secret = (token_file.read_text(encoding="utf-8") if token_file else token).strip()
        if not secret:
            raise InputError("no token", where="mcp", remedy="make one: gemel user token NAME, and give it as --token-file or GEMEL_TOKEN")
        try:
            from gemel.service import agents
        except ImportError as error:
            raise InputError(f"no package {error.name}", where="mcp", remedy="pip install 'gemel[agents]'") from error
        with Client(url, token=secret) as client:
            agents.server(client, write=write).run("stdio")
