"""Patients of the QIN-Breast collection, as the archive hands them out and a converter writes them, as visits.

    QIN-BREAST-01-0001/
        03-13-1994-NA-BREAST MRI-12345/     one folder a study, its name begins with the date, month first
            anything_dwi.nii.gz, .bval      diffusion-weighted images, the last axis by b-value, and the b-values in s/mm2
            tumour.nii.gz                   an outline on the same grid: the collection has none, the user draws it
            supply.nii.gz, tissue.nii.gz    where there are any

Li et al. 2016, Data from QIN-Breast, The Cancer Imaging Archive, doi 10.7937/K9/TCIA.2016.21JUebH0; Clark et al. 2013,
J Digit Imaging 26:1045.
"""

import re
from pathlib import Path

import nibabel as nib
import numpy as np
from jaxtyping import Float

from gemel.core.diffusion import DiffusionVisit
from gemel.core.errors import InputError
from gemel.core.image import Array, Image, require_same_grid
from gemel.core.time import seconds
from gemel.io.files import digest, read_bytes
from gemel.io.nifti import read_nifti
from gemel.io.orientation import along_lps

_STUDY = re.compile(r"(?P<month>\d\d)-(?P<day>\d\d)-(?P<year>\d{4})\b.*")
_RAS_LPS = np.diag([-1.0, -1.0, 1.0, 1.0])
NOON = "T12:00:00"
"""The archive keeps the day of a study alone."""
LEAST_CONTRAST_s_mm2 = 100.0


def read_qin_breast(patient: str | Path) -> tuple[DiffusionVisit, ...]:
    """The visits of a patient's folder by date. Raises InputError for a folder without studies, two of one day, a study without images or
    b-values or outline, and what a visit refuses."""
    patient = Path(patient)
    found = sorted((seconds(date + NOON), path) for path in _folders(patient) if (date := study_date(path.name)))
    if not found:
        raise InputError("no study", where=str(patient), remedy="give the folder of one patient; studies begin with MM-DD-YYYY")
    days = [t_s for t_s, _ in found]
    if len(set(days)) < len(days):
        raise InputError("two studies of one day", where=str(patient), remedy="keep the one with the diffusion images")
    return tuple(_visit(path, t_s) for t_s, path in found)


def study_date(name: str) -> str:
    """`1994-03-13` of `03-13-1994-NA-BREAST MRI-12345`; empty for a folder that is no study."""
    found = _STUDY.fullmatch(name)
    return f"{found['year']}-{found['month']}-{found['day']}" if found else ""


def adc_mm2_s(signal: Float[Array, "x y z b"], b_s_mm2: Float[Array, "b"]) -> Float[Array, "x y z"]:
    """Slope of −ln S over b by least squares, 0 where any signal is missing or it rises. Stejskal & Tanner 1965, J Chem Phys 42:288.

    Raises InputError unless there are two b-values at least, LEAST_CONTRAST apart.
    """
    b = np.asarray(b_s_mm2, dtype=np.float64)
    if signal.shape[-1] != len(b) or len(b) < 2 or np.ptp(b) < LEAST_CONTRAST_s_mm2:
        found = f"{signal.shape[-1]} images at b = {b.tolist()} s/mm2"
        raise InputError(found, where="diffusion", remedy="give two b-values at least, 100 s/mm2 apart, one image each")
    seen = (signal > 0).all(axis=-1)
    ln = np.log(np.where(np.expand_dims(seen, -1), signal, 1.0), dtype=np.float64)
    slope = -(ln @ (b - b.mean())) / np.square(b - b.mean()).sum()
    return np.where(seen, np.maximum(slope, 0.0), 0.0)


def _folders(patient: Path) -> list[Path]:
    if not patient.is_dir():
        raise InputError("no such folder", where=str(patient), remedy="give the folder of one patient")
    return [path for path in patient.iterdir() if path.is_dir()]


def _visit(study: Path, t_s: float) -> DiffusionVisit:
    images = sorted(study.glob("*dwi*.nii*"))
    if len(images) != 1:
        raise InputError(
            f"{len(images)} diffusion images", where=str(study), remedy="convert the series to one *_dwi.nii.gz with its .bval"
        )
    outline_file = study / "tumour.nii.gz"
    if not outline_file.is_file():
        raise InputError("no outline", where=str(study), remedy="draw the tumour on the diffusion images: tumour.nii.gz")
    adc = _adc(images[0])
    outline = read_nifti(outline_file)
    require_same_grid(adc, outline, str(outline_file))
    parts = {name: read_nifti(path) for name in ("supply", "tissue") if (path := study / f"{name}.nii.gz").is_file()}
    made = digest(read_bytes(images[0]) + read_bytes(outline_file))
    source = f"{study.parent.name}/{study.name[:10]}#{made[:16]}"
    return DiffusionVisit(adc, np.rint(outline.array) > 0, t_s, parts.get("supply"), parts.get("tissue"), source)


def _adc(path: Path) -> Image:
    beside = path.with_name(path.name.removesuffix(".gz").removesuffix(".nii") + ".bval")
    if not beside.is_file():
        raise InputError("no b-values", where=str(beside), remedy="keep the .bval that the converter writes")
    volume = nib.Nifti1Image.from_filename(path)
    found = adc_mm2_s(np.asarray(volume.dataobj, dtype=np.float32), _b_values(beside))
    array, affine_mm = along_lps(found.astype(np.float32), _RAS_LPS @ np.asarray(volume.affine))
    return Image(array, affine_mm)


def _b_values(path: Path) -> Float[Array, "b"]:
    try:
        return np.array([float(word) for word in read_bytes(path).decode().split()])
    except (UnicodeDecodeError, ValueError) as error:
        raise InputError("b-values that are no numbers", where=str(path), remedy="write them in s/mm2, separated by blanks") from error
