"""A node of its own for a test, on a port that was free."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from gemel.service.archive import open_archive
from gemel.service.node import Node, start
from gemel.service.node.front_limits import Limits
from gemel.service.settings import Settings, Tls

QUICK = Limits(receivers=1, artim_s=1.0, idle_s=3.0, rate_window_s=1.0, least_bytes_s=2000.0, free_bytes=1)


@contextmanager
def node(folder: Path, limits: Limits = QUICK, *, tls: Tls | None = None, **asked: Any) -> Iterator[Node]:
    """A running node over an archive in a folder; it hears its peers itself unless the limits say otherwise."""
    archive = open_archive(folder / "archive")
    settings = Settings(store="unused", folder=folder, dicom_port=0, tls=tls)
    running = start(replace(settings, aet="GEMEL"), archive, limits=replace(limits, receivers=limits.receivers or 1), **asked)
    try:
        yield running
    finally:
        running.close()
        archive.close()
