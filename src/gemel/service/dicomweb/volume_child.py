"""One series as a NIfTI volume, in a process of its own with bounded memory and time. Run as a script: folder, modality, target."""

import json
import resource
import sys
import zlib
from pathlib import Path
from typing import Any

LEAST_BYTES, MEMORY_BYTES, LEAST_S, CPU_S, BYTES_S = 384 << 20, 3 << 30, 4, 60, 2 << 20
TIMES = 6  # values of twice the bytes that were stored, and three copies of them: what little decodes to is no reason for more


def confine(folder: Path) -> None:
    """Limits on memory and processor time, by the bytes that were sent. POSIX setrlimit."""
    sent_bytes = sum(path.stat().st_size for path in folder.iterdir())
    memory_bytes, cpu_s = min(LEAST_BYTES + TIMES * sent_bytes, MEMORY_BYTES), min(LEAST_S + sent_bytes // BYTES_S, CPU_S)
    resource.setrlimit(resource.RLIMIT_DATA, (memory_bytes, memory_bytes))
    resource.setrlimit(resource.RLIMIT_CPU, (cpu_s, cpu_s))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def volume(folder: Path, modality: str) -> Any:
    """CT in HU, a dose in Gy, others in the values that they state."""
    from gemel.io.dicom_image import read_series
    from gemel.io.rtdose import read_dose

    if modality == "RTDOSE":
        return read_dose(folder, dose_type=_stated(folder, "DoseType"), summation=(_stated(folder, "DoseSummationType"),))
    return read_series(folder, modality=modality, values=None if modality == "CT" else _rescaled).image


def _stated(folder: Path, keyword: str) -> str:
    from gemel.io.dicom_file import text
    from gemel.io.dicom_folder import scan

    entry = scan(folder)[0]
    return text(entry.header, keyword, str(entry.path))


def _rescaled(dataset: Any, where: str) -> Any:
    """Stored values times slope plus intercept, where they are stated (PS3.3 §C.11.1)."""
    import numpy as np

    from gemel.io.dicom_file import numbers
    from gemel.io.dicom_pixels import stored_values

    slope, intercept = (
        float(numbers(dataset, keyword, 1, where)[0]) if keyword in dataset else default
        for keyword, default in (("RescaleSlope", 1.0), ("RescaleIntercept", 0.0))
    )
    return (stored_values(dataset, where)[0].T * slope + intercept).astype(np.float32)


def compress(source: Path, target: Path) -> None:
    """gzip at its fastest: the reader waits."""
    packer = zlib.compressobj(1, zlib.DEFLATED, 16 + zlib.MAX_WBITS)
    with source.open("rb") as plain, target.open("wb") as packed:
        while chunk := plain.read(1 << 20):
            packed.write(packer.compress(chunk))
        packed.write(packer.flush())


def main(folder: Path, modality: str, target: Path) -> int:
    """Exit status 0 with a file, 3 with words about why there is none."""
    confine(folder)
    from gemel.core.errors import GemelError
    from gemel.io.nifti import write_nifti

    plain = target.with_suffix("") if target.suffix == ".gz" else target
    try:
        write_nifti(plain, volume(folder, modality))
    except (GemelError, MemoryError) as error:
        words = (
            (error.found, error.where, error.remedy)
            if isinstance(error, GemelError)
            else ("a series larger than can be made one volume", "", "")
        )
        sys.stdout.write(json.dumps(words))
        return 3
    if plain != target:
        compress(plain, target)
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), sys.argv[2], Path(sys.argv[3])))
