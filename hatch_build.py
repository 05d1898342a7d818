"""Builds the workbench's page with npm before gemel is packed; without Node, or when npm fails, the rest is packed, and says so."""

import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

BUILT = Path("src/gemel/service/page/built/index.html")
COMMANDS = (("ci", "--no-audit", "--no-fund"), ("run", "build"))
SKIP = "GEMEL_NO_WORKBENCH"


class WorkbenchHook(BuildHookInterface):  # type: ignore[type-arg]
    """`npm ci` by the lock file, then `npm run build`, in `workbench/`; a page that is there is kept without Node, or when editable."""

    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Before the files are collected; `version` is "editable" or "standard"."""
        source = Path(self.root, "workbench")
        if os.environ.get(SKIP) or self.target_name != "wheel" or not source.is_dir():
            return
        npm, built = shutil.which("npm"), Path(self.root, BUILT).is_file()
        if built and (version == "editable" or npm is None):
            return  # what is built already is kept where it was asked for, or where nothing else can be had
        reason = "Node is not installed" if npm is None else _build(npm, source)
        if reason:
            self.app.display_warning(f"gemel without the workbench's page: {reason}. Everything else works; later: make workbench")


def _build(npm: str, source: Path) -> str:
    """Why there is no page; empty when there is."""
    for command in COMMANDS:
        done = subprocess.run([npm, *command], cwd=source, capture_output=True, text=True)
        if done.returncode:
            return f"npm {' '.join(command)} said: {(done.stderr or done.stdout).strip()[-400:]}"
    return ""
