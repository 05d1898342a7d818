"""`make lock`: requirements.lock, the versions that were tested with the hashes of their files, for this kind of machine.

Installed by `pip install --require-hashes -r requirements.lock`; pip itself tells the hashes (its installation report), for the files that
it would choose here: another kind of machine or Python makes its own lock.
"""

import json
import platform
import subprocess
import sys
from pathlib import Path
from typing import Any

from packaging.utils import canonicalize_name

from supply.closure import closure

HEAD = """# Made by `make lock` on {machine} with Python {python}: what `pip install gemel` was tested with.
# pip install --require-hashes -r requirements.lock && pip install --no-deps gemel
"""


def lines(report: dict[str, Any]) -> list[str]:
    """A line for each package: its version, and the hash of its file."""
    found = []
    for item in report["install"]:
        told, hashes = item["metadata"], item["download_info"]["archive_info"]["hashes"]
        found.append(f"{canonicalize_name(told['name'])}=={told['version']} --hash=sha256:{hashes['sha256']}")
    return sorted(found)


def asked(pins: list[str]) -> dict[str, Any]:
    """pip's report of what it would install."""
    options = ["install", "--dry-run", "--ignore-installed", "--no-deps", "--only-binary", ":all:", "--quiet", "--report", "-"]
    done = subprocess.run([sys.executable, "-m", "pip", *options, *pins], capture_output=True, check=True, text=True)
    found: dict[str, Any] = json.loads(done.stdout)
    return found


if __name__ == "__main__":
    pins = [f"{package.name}=={package.version}" for package in closure() if package.name != "gemel"]
    head = HEAD.format(machine=f"{platform.system()} {platform.machine()}", python=".".join(platform.python_version_tuple()[:2]))
    Path("requirements.lock").write_text(head + "\n".join(lines(asked(pins))) + "\n", encoding="utf-8")
