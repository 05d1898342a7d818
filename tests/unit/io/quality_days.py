"""Folders of daily checks for tests: DICOM slices of a made-up scanner with their exposure, and the tube's log."""

from pathlib import Path
from typing import Any

import numpy as np
import pydicom

from gemel.core.image import Array
from gemel.core.quality import QualityDay
from gemel.core.time import iso
from gemel.devices.ct.twin.names import METRICS
from gemel.devices.ct.twin.virtual import images
from gemel.io import Identity, write_image

EXPOSED: dict[str, Any] = {"KVP": "120", "Exposure": "300", "SliceThickness": "5", "ConvolutionKernel": "made", "StationName": "CT1"}


def write_day(folder: Path, day: QualityDay, **tags: Any) -> Path:
    """The day's slices and log in a folder; `tags` go before EXPOSED, None leaves one out."""
    folder.mkdir(parents=True)
    at = iso(day.acquired_s).removesuffix("Z")
    for i, image in enumerate(day.slices):
        inner = folder / f"slice{i}"
        write_image(inner, image, Identity("QA", study_uid="1.2.3", frame_uid="1.2.4"), acquired=at)
        for path in inner.iterdir():
            dataset = pydicom.dcmread(path)
            for name, value in {**EXPOSED, **tags}.items():
                if value is not None:
                    setattr(dataset, name, value)
                elif name in dataset:
                    delattr(dataset, name)
            dataset.save_as(folder / f"{i}.dcm")
            path.unlink()
        inner.rmdir()
    rows = "\n".join(f"{at[:10]},{kV:.3f},{mAs:.3f}" for kV, mAs in day.tube)
    (folder / "tube_log.csv").write_text(f"date,kV,mAs\n{rows}\n", encoding="utf-8")
    return folder


def made_day(number: int, values: Array | None = None, *, seed: int = 0) -> QualityDay:
    """A check of small slices that shows some metrics, by default as they are meant to be."""
    still = np.array(
        [{"light_HU": -85.0, "dense_HU": 948.0, "ln_noise_centre_1": 1.8, "ln_noise_edge_1": 1.4}.get(n, 0.0) for n in METRICS]
    )
    return images(still if values is None else values, number, pixel_mm=1.0, rng=np.random.default_rng([seed, number]))
