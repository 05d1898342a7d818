"""Visits of segmented images as files, spoilt in the ways that are refused; used by the tests of several systems."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np

from gemel import io
from gemel.core.image import Image
from gemel.core.structures import Structures, labelled
from gemel.core.time import iso

Change = Callable[[np.ndarray], object]
Spoil = Callable[[Path], object]


def beside(path: Path) -> Path:
    """The sidecar."""
    return path.with_name(path.name.removesuffix(".nii.gz") + ".json")


def written(folder: Path, seen: Structures, t_s: float) -> Path:
    labels, names = labelled(seen)
    path = folder / f"mri_{int(t_s)}.nii.gz"
    io.write_nifti(path, Image(labels, seen.grid.affine_mm))
    beside(path).write_text(json.dumps({"AcquisitionDateTime": iso(t_s), "PatientID": "P", "labels": names}))
    return path


def written_map(path: Path, image: Image, change: Change = np.copy, cut: int = 0) -> Path:
    """A map, changed, and without its last planes."""
    values = np.array(image.array)
    change(values)
    io.write_nifti(path, Image(values[: values.shape[0] - cut], image.affine_mm))
    return path


def copied(begun: Path, folder: Path) -> Path:
    """The record of a folder in another."""
    shutil.copytree(begun / "twins.db.artefacts", folder / "twins.db.artefacts")
    return Path(shutil.copy(begun / "twins.db", folder / "twins.db"))


def relabelled(change: Change) -> Spoil:
    def spoil(path: Path) -> None:
        image = io.read_nifti(path)
        labels = np.array(image.array)
        change(labels)
        io.write_nifti(path, Image(labels, image.affine_mm))

    return spoil


def cleared(value: float) -> Change:
    def change(labels: np.ndarray) -> None:
        labels[labels == value] = 1.0

    return change


def at_the_border(value: float) -> Change:
    def change(labels: np.ndarray) -> None:
        labels[0, labels.shape[1] // 2, labels.shape[2] // 2] = value

    return change


def renamed(path: Path) -> None:
    """The second label is of another organ."""
    held = json.loads(beside(path).read_text())
    beside(path).write_text(json.dumps(held | {"labels": {**held["labels"], "2": "kidney"}}))


def negative(values: np.ndarray) -> None:
    values[3, 3, 3] = -0.1


def hundredfold(values: np.ndarray) -> None:
    values *= 100.0


def not_a_number(values: np.ndarray) -> None:
    values[2, 2, 2] = np.nan
