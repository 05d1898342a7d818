"""A dynamic PET through files: rates that a phantom was made with come out of DICOM and of BIDS, by region and by voxel."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from pydicom.dataset import Dataset

from gemel.core.activity import ActivityImage
from gemel.core.dynamic import BloodCurve, DynamicImage
from gemel.core.errors import GemelError, GeometryError, InputError, RangeError, UnitError
from gemel.core.image import Image
from gemel.core.structures import Structures
from gemel.core.time import iso, seconds
from gemel.devices.nuclear.dynamic import curves_of_regions, input_of, parametric
from gemel.engines.kinetics.input_function import InputFunction
from gemel.engines.kinetics.input_function_feng import Feng
from gemel.engines.kinetics.tissue import TRAPPING, TWO_TISSUES, per_minute
from gemel.engines.kinetics.tissue_fit import Regions, fit_tissue, frame_means
from gemel.engines.kinetics.tissue_frames import Frames
from gemel.io import Identity, write_pet
from gemel.io.pet_bids import read_blood, read_dynamic_nifti
from gemel.io.pet_dynamic import read_dynamic_pet
from tests.unit.io.dicom_edit import edit

F18_s = 6586.2
DECAY_1_s = np.log(2) / F18_s
DURATION_s = np.array([10.0] * 8 + [30.0] * 6 + [60.0] * 5 + [300.0] * 10)
START_s = np.concatenate([[0.0], np.cumsum(DURATION_s)[:-1]]) + 5.0
INJECTED_s = seconds("2026-03-02T08:00:00")
AFFINE = np.diag([3.0, 3.0, 4.0, 1.0])
TRAPS = per_minute(0.10, 0.13, 0.06, 0.0, vB=0.04)
BINDS = per_minute(0.08, 0.10, 0.05, 0.10, vB=0.05)
T_s = Feng().samples_s(3700.0)
CURVE = InputFunction(T_s, 1e3 * Feng().at(T_s), 1.1e3 * Feng().at(T_s))
LABELS = np.zeros((6, 5, 2), int)
LABELS[1:3, 1:4], LABELS[3:5, 1:4] = 1, 2
REGIONS = Structures(Image(np.zeros(LABELS.shape, np.float32), AFFINE), {"traps": LABELS == 1, "binds": LABELS == 2})


def phantom() -> np.ndarray:
    """Bq/mL of each frame, corrected for decay to the injection."""
    rows = [frame_means(t, CURVE, Frames(START_s, DURATION_s))[0] for t in (TRAPS, BINDS)]
    rows = [100.0 * np.ones(len(START_s)), *rows]
    return np.stack([np.choose(LABELS, [row[k] for row in rows]) for k in range(len(START_s))]).astype(np.float32)


def decayed(values: np.ndarray) -> np.ndarray:
    """Means over the frames as they were measured."""
    x = DECAY_1_s * DURATION_s
    return values * (np.exp(-DECAY_1_s * START_s) * -np.expm1(-x) / x)[:, None, None, None]


def dicom(folder: Path, correction: str, change: Callable[[Dataset, int], object] = lambda dataset, k: None) -> Path:
    """Frames written one by one and joined to one series, as scanners write them."""
    values = decayed(phantom()) if correction == "none" else phantom()
    if correction == "start":
        values = values * np.exp(-DECAY_1_s * START_s[0])
    out = folder / "series"
    out.mkdir()
    begun_s = INJECTED_s + START_s[0]
    for k, frame in enumerate(values):
        scan = ActivityImage(
            Image(frame, AFFINE, "1.2.3"),
            "Bq/mL",
            "F-18",
            INJECTED_s + START_s[k],
            DURATION_s[k],
            INJECTED_s,
            300.0,
            correction,  # type: ignore[arg-type]
        )
        write_pet(folder / f"frame{k}", scan, Identity("P"), half_life_s=F18_s)
        for path in sorted((folder / f"frame{k}").glob("*.dcm")):
            edit(path, lambda dataset, k=k: _joined(dataset, k, begun_s, correction))
            edit(path, lambda dataset, k=k: change(dataset, k))
            path.rename(out / f"{k:02d}_{path.name}")
    return out


def _joined(dataset: Dataset, k: int, begun_s: float, correction: str) -> None:
    day, _, time = iso(begun_s).rstrip("Z").partition("T")
    dataset.SeriesInstanceUID = "1.2.826.0.1.99.7"
    dataset.SeriesDate, dataset.SeriesTime = day.replace("-", ""), time.replace(":", "")
    dataset.SeriesType, dataset.NumberOfTimeSlices = ["DYNAMIC", "IMAGE"], len(START_s)
    dataset.ImageIndex = dataset.NumberOfSlices * k + dataset.InstanceNumber
    dataset.FrameReferenceTime = float(dataset.FrameReferenceTime) + 1000 * (INJECTED_s + START_s[k] - begun_s)
    if correction == "start":
        dataset.DecayFactor = float(dataset.DecayFactor) * np.exp(DECAY_1_s * (START_s[k] - START_s[0]))


def _same_time(dataset: Dataset, k: int) -> None:
    dataset.AcquisitionDate, dataset.AcquisitionTime = dataset.SeriesDate, dataset.SeriesTime


def _no_factor(dataset: Dataset, k: int) -> None:
    if "DecayFactor" in dataset:
        del dataset.DecayFactor


def require_same(found: DynamicImage) -> None:
    np.testing.assert_allclose(found.start_s, START_s, atol=2e-3)
    np.testing.assert_allclose(found.duration_s, DURATION_s)
    np.testing.assert_allclose(found.grid.affine_mm, AFFINE)
    np.testing.assert_allclose(found.values_Bq_mL, phantom(), rtol=2e-3, atol=phantom().max() / 1e4)
    assert (found.nuclide, found.injected_MBq) == ("F-18", 300.0)


@pytest.mark.parametrize(
    ("correction", "change"),
    [("none", _same_time), ("start", _no_factor), ("start", lambda dataset, k: None), ("injection", lambda dataset, k: None)],
)
def test_frames_come_back_on_the_clock_of_the_injection(tmp_path: Path, correction: str, change: Callable[[Dataset, int], object]) -> None:
    require_same(read_dynamic_pet(dicom(tmp_path, correction, change), half_life_s=F18_s))


def bids(folder: Path, values: np.ndarray, **changes: object) -> Path:
    """A 4-D NIfTI with its sidecar; TimeZero a minute before the injection."""
    stored = np.moveaxis(values, 0, -1)
    nib.Nifti1Image((stored / 1e3).astype(np.float32), np.diag([-1.0, -1.0, 1.0, 1.0]) @ AFFINE).to_filename(folder / "pet.nii.gz")
    fields = {
        "TracerRadionuclide": "F18", "InjectedRadioactivity": 300.0, "InjectedRadioactivityUnits": "MBq", "Units": "kBq/mL",
        "InjectionStart": 60.0, "ScanStart": 65.0, "FrameTimesStart": (START_s + 60.0).tolist(), "FrameDuration": DURATION_s.tolist(),
        "ImageDecayCorrected": False, **changes,
    }  # fmt: skip
    (folder / "pet.json").write_text(json.dumps(fields))
    return folder / "pet.nii.gz"


def test_bids_frames_come_back_whether_corrected_or_not(tmp_path: Path) -> None:
    require_same(read_dynamic_nifti(bids(tmp_path, decayed(phantom())), half_life_s=F18_s))
    to_zero = phantom() * np.exp(DECAY_1_s * 60.0)
    require_same(read_dynamic_nifti(bids(tmp_path, to_zero, ImageDecayCorrected=True, ImageDecayCorrectionTime=0.0), half_life_s=F18_s))


def blood(folder: Path, *, unit: str = "kBq/mL") -> Path:
    """Samples as drawn: plasma with metabolites, TimeZero a minute before the injection, corrected for decay to it."""
    fraction = np.exp(-T_s / 3000.0)
    factor = 1e-3 * np.exp(DECAY_1_s * 60.0)
    assert CURVE.blood_Bq_mL is not None
    rows = zip(T_s + 60.0, factor * CURVE.plasma_Bq_mL / fraction, fraction, factor * CURVE.blood_Bq_mL, strict=True)
    heading = "time\tplasma_radioactivity\tmetabolite_parent_fraction\twhole_blood_radioactivity"
    lines = [f"{t:.6f}\t{p:.9g}\t{f:.9f}\t{b:.9g}" if i % 7 else f"{t:.6f}\t{p:.9g}\tn/a\t{b:.9g}" for i, (t, p, f, b) in enumerate(rows)]
    (folder / "a_blood.tsv").write_text("\n".join([heading, *lines]) + "\n")
    units = {"time": {"Units": "s"}, **{name: {"Units": unit} for name in ("plasma_radioactivity", "whole_blood_radioactivity")}}
    (folder / "a_blood.json").write_text(json.dumps(units))
    return folder / "a_blood.tsv"


def read_input(folder: Path) -> InputFunction:
    return input_of(read_blood(blood(folder), half_life_s=F18_s, injection_s=60.0))


def test_blood_comes_back_as_parent_in_plasma(tmp_path: Path) -> None:
    found = read_input(tmp_path)
    np.testing.assert_allclose(found.plasma_Bq_mL, CURVE.plasma_Bq_mL, rtol=1e-4, atol=1.0)
    assert found.blood_Bq_mL is not None
    np.testing.assert_allclose(found.blood_Bq_mL, CURVE.blood_Bq_mL, rtol=1e-4, atol=1.0)


def only(regions: Regions, i: int) -> Regions:
    row = slice(i, i + 1)
    return Regions(regions.frames, regions.activity_Bq_mL[row], regions.sd_Bq_mL[row], regions.names[row])


@pytest.mark.parametrize("form", ["dicom", "bids"])
def test_rates_come_back_through_the_files(tmp_path: Path, form: str) -> None:
    if form == "dicom":
        image = read_dynamic_pet(dicom(tmp_path, "start"), half_life_s=F18_s)
    else:
        image = read_dynamic_nifti(bids(tmp_path, decayed(phantom())), half_life_s=F18_s)
    regions = curves_of_regions(image, replace(REGIONS, grid=image.grid), half_life_s=F18_s)
    curve = read_input(tmp_path)
    traps, binds = (fit_tissue(only(regions, i), curve, box) for i, box in enumerate((TRAPPING, TWO_TISSUES)))
    assert float(traps.tissue.K_i_mL_cm3_s[0]) == pytest.approx(float(TRAPS.K_i_mL_cm3_s), rel=0.005)
    assert float(binds.tissue.V_T_mL_cm3[0]) == pytest.approx(float(BINDS.V_T_mL_cm3), rel=0.01)


def test_maps_of_all_voxels_hold_the_rates(tmp_path: Path) -> None:
    image = read_dynamic_nifti(bids(tmp_path, decayed(phantom())), half_life_s=F18_s)
    curve = read_input(tmp_path)
    influx, volume = (parametric(image, curve, method=m, start_s=1500.0) for m in ("patlak", "logan"))  # type: ignore[arg-type]
    assert influx.seen.all()
    np.testing.assert_allclose(influx.image.array[LABELS == 1], (1 - 0.04) * float(TRAPS.K_i_mL_cm3_s), rtol=0.02)
    with_blood = 0.95 * float(BINDS.V_T_mL_cm3) + 0.05 * 1.1
    np.testing.assert_allclose(volume.image.array[LABELS == 2], with_blood, rtol=0.02)


def _not_whole(dataset: Dataset, k: int) -> None:
    dataset.NumberOfTimeSlices = len(START_s) + 1


def _static(dataset: Dataset, k: int) -> None:
    dataset.SeriesType = ["STATIC", "IMAGE"]


@pytest.mark.parametrize(
    ("change", "found"), [(_not_whole, r"58 images for 30 frames of 2 slices \(frame 30 has 0\)"), (_static, "STATIC")]
)
def test_series_that_are_not_whole_are_refused(tmp_path: Path, change: Callable[[Dataset, int], object], found: str) -> None:
    with pytest.raises(GemelError, match=found):
        read_dynamic_pet(dicom(tmp_path, "none", change), half_life_s=F18_s)


@pytest.mark.parametrize(
    ("changes", "found"),
    [
        ({"FrameDuration": [1.0]}, "FrameDuration: 1 values for 29 frames"),
        ({"FrameTimesStart": None}, "no FrameTimesStart"),
        ({"ImageDecayCorrected": True}, "no ImageDecayCorrectionTime"),
        ({"Units": "counts"}, "values in counts"),
        ({"InjectionStart": 80.0}, "before the injection"),
        ({"FrameTimesStart": (START_s / 2 + 60).tolist()}, "overlap"),
    ],
)
def test_a_sidecar_of_frames_that_cannot_be_right_is_refused(tmp_path: Path, changes: dict[str, object], found: str) -> None:
    with pytest.raises(GemelError, match=found):
        read_dynamic_nifti(bids(tmp_path, phantom(), **changes), half_life_s=F18_s)


def test_blood_without_a_unit_and_images_without_frames_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UnitError, match="plasma_radioactivity in SUV"):
        read_blood(blood(tmp_path, unit="SUV"), half_life_s=F18_s)
    with pytest.raises(GeometryError, match="a volume of shape"):
        read_dynamic_nifti(bids(tmp_path, phantom()[:, :, :, 0]), half_life_s=F18_s)
    with pytest.raises(RangeError, match="samples until"):
        parametric(read_dynamic_nifti(bids(tmp_path, phantom()), half_life_s=F18_s), replace_until(1000.0), method="logan", start_s=900.0)
    with pytest.raises(InputError, match="two or more"):
        read_blood(_short(tmp_path), half_life_s=F18_s)


def replace_until(until_s: float) -> InputFunction:
    kept = T_s <= until_s
    return input_of(BloodCurve(T_s[kept], CURVE.plasma_Bq_mL[kept]))


def _short(folder: Path) -> Path:
    path = blood(folder)
    path.write_text("\n".join(path.read_text().splitlines()[:2]) + "\n")
    return path
