"""The command line."""

from gemel.cli.shell import app

__all__ = ["app"]
