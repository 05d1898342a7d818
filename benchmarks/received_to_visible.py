"""From a scanner's last slice to a volume on the screen: 512 x 512 x 200 CT into `gemel serve` and out again, over loopback.

Claim: below 10 s from the first byte sent to the last byte of the NIfTI volume received, by STOW-RS and by C-STORE (`storescu` of dcmtk,
TCP_NODELAY=1), every object durable and indexed. The volume is compared with the slices that were sent. Run it on a quiet machine.
"""

import argparse
import gzip
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import nibabel as nib
import numpy as np
import pydicom
from c_store import SIDE, SLICES, STORESCU, write_series

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from tests.hostile.abuse import HEADERS, body, cpu_s
from tests.hostile.served import Served, free_port, served

LIMIT_S = 10.0
_TOGETHER = 25


def by_stow(running: Served, files: list[Path]) -> None:
    """Slices in requests of 25."""
    for begin in range(0, len(files), _TOGETHER):
        content = body(path.read_bytes() for path in files[begin : begin + _TOGETHER])
        answer = running.client.post("/dicom-web/studies", content=content, headers=HEADERS)
        assert answer.status_code == 200, answer.text[:400]


def by_c_store(port: int, files: list[Path]) -> None:
    """One association."""
    command = [STORESCU, "-aec", "GEMEL", "-xe", "127.0.0.1", str(port), *map(str, files)]
    subprocess.run(command, check=True, env={**os.environ, "TCP_NODELAY": "1"}, capture_output=True)


def volume(running: Served, file: Path) -> bytes:
    """The series of a slice."""
    header = pydicom.dcmread(file, stop_before_pixels=True)
    answer = running.client.get(f"/dicom-web/studies/{header.StudyInstanceUID}/series/{header.SeriesInstanceUID}/volume.nii.gz")
    assert answer.status_code == 200, answer.text[:400]
    return answer.content


def compare(packed: bytes, files: list[Path]) -> None:
    """Every voxel."""
    array = np.asarray(nib.Nifti1Image.from_bytes(gzip.decompress(packed)).dataobj)
    assert array.shape == (SIDE, SIDE, len(files))
    for number, path in enumerate(files):
        assert np.array_equal(array[:, :, number], pydicom.dcmread(path).pixel_array.T), path


def main() -> int:
    """Sends, fetches, compares; exit status 1 when the claim does not hold."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--rounds", type=int, default=3)
    given, slowest_s = asked.parse_args(), 0.0
    with tempfile.TemporaryDirectory() as folder:
        port = free_port()
        with served(Path(folder) / "service", dicom_port=port) as running:
            for number in range(2 * given.rounds):
                sent = Path(folder) / f"series{number}"
                sent.mkdir()
                write_series(sent, number)
                files, way = sorted(sent.iterdir()), ("STOW-RS", "C-STORE")[number % 2]
                begun, used_s = time.perf_counter(), cpu_s(running.process.pid)
                by_stow(running, files) if number % 2 == 0 else by_c_store(port, files)
                received_s = time.perf_counter() - begun
                packed = volume(running, files[0])
                took_s = time.perf_counter() - begun
                used_s = cpu_s(running.process.pid) - used_s
                compare(packed, files)
                slowest_s = max(slowest_s, took_s)
                words = f"{took_s:.1f} s ({received_s:.1f} s to receive); processor time of the service {used_s:.1f} s"
                size = f"{len(packed) / 2**20:.0f} MiB; load {os.getloadavg()[0]:.1f}"
                print(f"{way}: {SLICES} slices visible after {words}; {size}")
    print(f"slowest {slowest_s:.1f} s (claim: {LIMIT_S:g} s)")
    return int(slowest_s >= LIMIT_S)


if __name__ == "__main__":
    sys.exit(main())
