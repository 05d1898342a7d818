"""Durable, indexed C-STORE of CT slices: `gemel serve` beside Orthanc 1.10 (orthanc-server.com; Debian), interleaved.

Claim: the rate of Orthanc with one association, twice its rate with four. 200 synthetic slices of 512 x 512 x 16 bits an association,
sent by `storescu` of dcmtk over loopback, TCP_NODELAY=1 at both ends; Orthanc with SyncStorageArea and without StorageCompression, each
server with a new folder on the same disk; what is acknowledged is flushed and can be queried. `--nagle`: senders without TCP_NODELAY.
"""

import argparse
import json
import os
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from pydicom import dcmwrite
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, generate_uid

SIDE, SLICES = 512, 200
STORESCU = "/usr/bin/storescu"  # pynetdicom's script of the same name may come first on PATH
ORTHANC = shutil.which("Orthanc") or "/usr/sbin/Orthanc"


@dataclass(frozen=True)
class Server:
    """A server that runs: its name, DICOM port and process."""

    name: str
    port: int
    pid: int


@dataclass(frozen=True)
class Round:
    """What one round cost: images a second, CPU of the server in ms an image, its greatest resident memory in MB."""

    rate_s: float
    cpu_ms: float
    rss_mb: float


def write_series(folder: Path, seed: int) -> None:
    """A series of slices: an elliptic body of 40 HU with noise of sd 12, air of -1000 HU."""
    rng = np.random.default_rng(seed)
    study, series, frame = generate_uid(), generate_uid(), generate_uid()
    y, x = np.mgrid[-1 : 1 : SIDE * 1j, -1 : 1 : SIDE * 1j]
    body = (x / 0.8) ** 2 + (y / 0.6) ** 2 < 1
    for number in range(1, SLICES + 1):
        pixels = np.where(body, rng.normal(40, 12, (SIDE, SIDE)), -1000).astype("<i2")
        write_slice(folder / f"{number:04d}.dcm", (study, series, frame), number, pixels)


def write_slice(path: Path, uids: tuple[str, str, str], number: int, pixels: np.ndarray) -> None:
    """One slice as a scanner might write it."""
    ct, meta = Dataset(), FileMetaDataset()
    ct.SOPClassUID, ct.SOPInstanceUID = CTImageStorage, generate_uid()
    ct.StudyInstanceUID, ct.SeriesInstanceUID, ct.FrameOfReferenceUID = uids
    ct.PatientID, ct.PatientName, ct.PatientBirthDate, ct.PatientSex = "BENCH", "Bench^Mark", "19600101", "O"
    ct.StudyDate, ct.StudyTime, ct.AccessionNumber, ct.StudyDescription = "20260101", "120000", "A1", "bench"
    ct.Modality, ct.Manufacturer, ct.InstanceNumber, ct.SeriesNumber = "CT", "none", number, 1
    ct.ImagePositionPatient, ct.ImageOrientationPatient = [-255.5, -255.5, 2.0 * number], [1, 0, 0, 0, 1, 0]
    ct.PixelSpacing, ct.SliceThickness, ct.RescaleSlope, ct.RescaleIntercept = [1, 1], 2, 1, 0
    ct.Rows, ct.Columns, ct.SamplesPerPixel, ct.PhotometricInterpretation = *pixels.shape, 1, "MONOCHROME2"
    ct.BitsAllocated, ct.BitsStored, ct.HighBit, ct.PixelRepresentation = 16, 16, 15, 1
    ct.PixelData = pixels.tobytes()
    meta.TransferSyntaxUID, meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID = (
        ExplicitVRLittleEndian,
        CTImageStorage,
        ct.SOPInstanceUID,
    )
    ct.file_meta = meta
    dcmwrite(path, ct, enforce_file_format=True)


def free_port() -> int:
    """A port that was free a moment ago."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


@contextmanager
def running(name: str, folder: Path, receivers: int) -> Iterator[Server]:
    """A server over a new folder."""
    port = free_port()
    command = orthanc(folder, port) if name == "Orthanc" else gemel(folder, port, receivers)
    environment = os.environ | {"TCP_NODELAY": "1"}
    with (folder / "log").open("wb") as log, subprocess.Popen(command, env=environment, stdout=log, stderr=log) as process:
        try:
            wait_for(port, folder / "log")
            yield Server(name, port, process.pid)
        finally:
            process.terminate()


def orthanc(folder: Path, port: int) -> list[str]:
    """Orthanc's command, with a configuration that makes it write before it answers."""
    told = {
        "StorageDirectory": str(folder / "storage"),
        "IndexDirectory": str(folder / "storage"),
        "StorageCompression": False,
        "SyncStorageArea": True,
        "HttpServerEnabled": False,
        "DicomPort": port,
        "DicomAlwaysAllowStore": True,
        "DicomCheckCalledAet": False,
        "Plugins": [],
    }
    (folder / "orthanc.json").write_text(json.dumps(told), encoding="utf-8")
    return [ORTHANC, str(folder / "orthanc.json")]


def gemel(folder: Path, port: int, receivers: int) -> list[str]:
    """The command of `gemel serve`, with so many receiving processes (0: as many as it takes itself)."""
    ports = ["--port", str(free_port()), "--dicom-port", str(port)]
    (folder / "gemel.toml").write_text(f"[node.limits]\nreceivers = {receivers}\n" if receivers else "", encoding="utf-8")
    told = ["--store", str(folder / "twins.db"), *ports, "--config", str(folder / "gemel.toml")]
    return [sys.executable, "-c", "from gemel.cli import app; app()", "serve", *told]


def wait_for(port: int, log: Path) -> None:
    """Until the server answers an echo."""
    for _ in range(300):
        if subprocess.run(["/usr/bin/echoscu", "127.0.0.1", str(port)], capture_output=True).returncode == 0:
            return
        time.sleep(0.1)
    raise SystemExit(f"no server at port {port}: {log.read_text(errors='replace')[-500:]}")


def processes(pid: int) -> list[int]:
    """A process and its children."""
    tasks = list(Path(f"/proc/{pid}/task").iterdir())
    return [pid, *(int(child) for task in tasks for child in (task / "children").read_text().split())]


def cpu_s(pid: int) -> float:
    """CPU time of a process and its children so far."""
    stats = [Path(f"/proc/{one}/stat").read_text().rpartition(")")[2].split() for one in processes(pid)]
    return sum(int(fields[11]) + int(fields[12]) for fields in stats) / os.sysconf("SC_CLK_TCK")


def rss_mb(pid: int) -> float:
    """Sum of the greatest resident memory of each process so far; what they share is counted in each."""
    return sum(int(Path(f"/proc/{one}/status").read_text().partition("VmHWM:")[2].split()[0]) for one in processes(pid)) / 1024


def send(server: Server, folders: Sequence[Path], environment: dict[str, str]) -> Round:
    """All folders at once, an association each."""
    before_s, start_s = cpu_s(server.pid), time.perf_counter()
    senders = [subprocess.Popen([STORESCU, "127.0.0.1", str(server.port), "+sd", str(folder)], env=environment) for folder in folders]
    if any(sender.wait() for sender in senders):
        raise SystemExit(f"{server.name} refused an image")
    wall_s, images = time.perf_counter() - start_s, SLICES * len(folders)
    return Round(images / wall_s, 1e3 * (cpu_s(server.pid) - before_s) / images, rss_mb(server.pid))


def measure(place: Path, folders: Sequence[Path], asked: argparse.Namespace) -> dict[tuple[str, int], list[Round]]:
    """Rounds of both servers in turn, each in a new folder, with one association and with all."""
    environment = {key: value for key, value in os.environ.items() if key != "TCP_NODELAY"}
    environment |= {} if asked.nagle else {"TCP_NODELAY": "1"}
    found: dict[tuple[str, int], list[Round]] = {}
    for number in range(asked.rounds):
        for name in ("Orthanc", "gemel") if number % 2 else ("gemel", "Orthanc"):
            for count in (1, len(folders)):
                folder = place / f"{name}-{number}-{count}"
                folder.mkdir()
                with running(name, folder, asked.receivers) as server:
                    found.setdefault((name, count), []).append(send(server, folders[:count], environment))
                shutil.rmtree(folder)
                os.sync()
    return found


def report(found: dict[tuple[str, int], list[Round]], counts: Sequence[int]) -> None:
    """Medians, ranges and ratios."""
    for count in counts:
        rates = {}
        for name in ("Orthanc", "gemel"):
            rounds = found[name, count]
            rates[name] = statistics.median(one.rate_s for one in rounds)
            low, high = min(one.rate_s for one in rounds), max(one.rate_s for one in rounds)
            cpu, rss = statistics.median(one.cpu_ms for one in rounds), max(one.rss_mb for one in rounds)
            told = f"{rates[name]:6.0f} images/s ({low:.0f} to {high:.0f}), {cpu:.2f} ms CPU an image, {rss:.0f} MB"
            print(f"{count} associations, {name:8s} {told}")
        each = [ours.rate_s / theirs.rate_s for ours, theirs in zip(found["gemel", count], found["Orthanc", count], strict=True)]
        print(
            f"{count} associations, ratio of medians {rates['gemel'] / rates['Orthanc']:.2f}, of rounds {min(each):.2f} to {max(each):.2f}"
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--associations", type=int, default=4)
    parser.add_argument("--receivers", type=int, default=0, help="receiving processes of gemel; as many as it takes itself unless stated")
    parser.add_argument("--nagle", action="store_true", help="senders without TCP_NODELAY, as dcmtk leaves it")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        place = Path(name)
        folders = [place / f"series{number}" for number in range(asked.associations)]
        for seed, folder in enumerate(folders):
            folder.mkdir()
            write_series(folder, seed)
        before = os.getloadavg()
        found = measure(place, folders, asked)
    report(found, (1, asked.associations))
    load = f"load average before {before[0]:.1f}, after {os.getloadavg()[0]:.1f}; {os.cpu_count()} cores"
    print(f"{load}; TCP_NODELAY at the sender: {not asked.nagle}")


if __name__ == "__main__":
    main()
