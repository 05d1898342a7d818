"""The command line."""

from gemel.cli.main import app

__all__ = ["app"]
