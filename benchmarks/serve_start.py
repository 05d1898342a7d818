"""How soon `gemel serve` answers, and how much memory it has then: ≤ 3 s and ≤ 250 MB on a machine that is not shared.

Prints each round with the machine's load; the record is empty unless one is named.
"""

import argparse
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path

UP_S, MOST_MIB, DOWN_S = 3.0, 250.0, 3.0


def once(store: str) -> tuple[float, float, float, float]:
    """Seconds until it answers, CPU seconds until then, MiB resident after two idle seconds, and seconds to end."""
    ports = [free_port(), free_port()]
    command = [
        str(Path(sys.executable).with_name("gemel")),
        "serve",
        "--store",
        store,
        "--port",
        str(ports[0]),
        "--dicom-port",
        str(ports[1]),
    ]
    began = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while not answers(f"http://127.0.0.1:{ports[0]}/healthz"):
        time.sleep(0.02)
    up_s, cpu_s = time.perf_counter() - began, cpu(process.pid)
    time.sleep(2.0)
    found = re.search(r"VmRSS:\s+(\d+) kB", Path(f"/proc/{process.pid}/status").read_text())
    told = time.perf_counter()
    process.terminate()
    process.wait(30.0)
    return up_s, cpu_s, int(found[1]) / 1024 if found else float("nan"), time.perf_counter() - told


def free_port() -> int:
    """A port that nobody has."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def answers(url: str) -> bool:
    """Whether it answers."""
    try:
        with urllib.request.urlopen(url, timeout=5.0) as answer:
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False


def cpu(pid: int) -> float:
    """CPU seconds of a process so far (proc_pid_stat(5), fields 14 and 15)."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def main() -> None:
    """Several rounds, each in a folder of its own."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--store", type=Path, help="a record to copy; an empty one unless stated")
    told = parser.parse_args()
    rounds = []
    for n in range(told.rounds):
        with tempfile.TemporaryDirectory() as folder:
            if told.store:
                shutil.copy(told.store, Path(folder) / "twins.db")
                if (beside := told.store.with_name(f"{told.store.name}.artefacts")).is_dir():
                    shutil.copytree(beside, Path(folder) / "twins.db.artefacts")
            up_s, cpu_s, resident_MiB, down_s = once(str(Path(folder) / "twins.db"))
        load = os.getloadavg()[0]
        print(f"round {n}: up {up_s:.2f} s (CPU {cpu_s:.2f} s), {resident_MiB:.0f} MiB, down {down_s:.2f} s, load {load:.1f}")
        rounds.append((up_s, resident_MiB, down_s))
    up_s, resident_MiB, down_s = (sorted(column)[len(rounds) // 2] for column in zip(*rounds, strict=True))
    print(f"median: up {up_s:.2f} s, {up_s / UP_S:.2f} of the limit; {resident_MiB:.0f} MiB, {resident_MiB / MOST_MIB:.2f} of the limit")
    print(f"        down {down_s:.2f} s, {down_s / DOWN_S:.2f} of the limit")


if __name__ == "__main__":
    main()
