"""`gemel version`."""

from gemel import __version__
from gemel.cli.shell import app, out
from gemel.core.notice import NOTICE


@app.command("version")
def version() -> None:
    """Version and notice."""
    out.print(f"gemel {__version__}. {NOTICE}")
