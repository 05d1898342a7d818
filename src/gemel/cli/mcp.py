"""`gemel mcp`: a running service as tools for an assistant."""

from pathlib import Path
from typing import Annotated

import typer

from gemel.cli.shell import app, err, speaking
from gemel.core.errors import InputError, StoreError
from gemel.service.client import Client


@app.command("mcp")
def mcp(
    url: Annotated[str, typer.Option("--url", envvar="GEMEL_URL", help="Address of `gemel serve`.")] = "http://127.0.0.1:8080",
    token_file: Annotated[Path | None, typer.Option("--token-file", help="File with an API token; else the variable GEMEL_TOKEN.")] = None,
    token: Annotated[str, typer.Option("--token", envvar="GEMEL_TOKEN", hidden=True)] = "",
    authorities: Annotated[
        Path | None, typer.Option("--tls-ca", help="Authority of the service's certificate, when the system does not know it.", exists=True)
    ] = None,
    write: Annotated[bool, typer.Option("--write", help="Also the tools that compute (decide, recompute).")] = False,
) -> None:
    """Speak MCP over standard input and output: look at twins, forecasts and plans with a token's rights. Read-only unless --write."""
    with speaking():
        secret = secret_of(token_file, token)
        try:
            from gemel.service import agents
        except ImportError as error:
            raise InputError(f"no package {error.name}", where="mcp", remedy="pip install 'gemel[agents]'") from error
        with Client(url, token=secret, ca=str(authorities or "")) as client:
            look(client)
            agents.server(client, write=write).run("stdio")


def secret_of(file: Path | None, told: str) -> str:
    """The token of a file, or as it was told. Raises InputError when there is none."""
    try:
        secret = (file.read_text(encoding="utf-8") if file else told).strip()
    except (OSError, UnicodeDecodeError) as error:
        words = error.strerror if isinstance(error, OSError) else "bytes that are no text"
        raise InputError(f"a token that cannot be read ({words})", where=str(file), remedy="name the file that holds it") from error
    if not secret or not secret.isascii() or len(secret.split()) != 1:
        remedy = "make one: gemel user token NAME --scope twins:read, and give it as --token-file or GEMEL_TOKEN"
        raise InputError("no token" if not secret else "a token that is no single word", where=str(file or "mcp"), remedy=remedy)
    return secret


def look(client: Client) -> None:
    """Asks the service whose the token is: a wrong one is told at once. A service that is down is told too, and may come up later."""
    try:
        client.get("/api/session")
    except StoreError as error:
        err.print(f"gemel: {error}", soft_wrap=True, highlight=False, markup=False)
