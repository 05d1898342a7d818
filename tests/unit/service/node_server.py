"""A node in a process of its own: `python node_server.py FOLDER LIMITS` says its port, then runs until its input ends."""

import json
import sys
from pathlib import Path

from gemel.service.archive import open_archive
from gemel.service.node import start
from gemel.service.node.front_limits import Limits
from gemel.service.settings import Settings


def main(folder: Path, limits: Limits) -> None:
    """Runs it."""
    archive = open_archive(folder / "archive")
    node = start(Settings(store="unused", folder=folder, dicom_port=0), archive, limits=limits)
    sys.stdout.write(f"{node.port}\n")
    sys.stdout.flush()
    sys.stdin.read()
    node.close()
    archive.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]), Limits(**json.loads(sys.argv[2])))
