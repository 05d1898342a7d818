"""ADC maps as hospitals hand them over: NIfTI, classic MR by rescale or real-world units, a Parametric Map; never in a guessed unit."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from pydicom.dataset import Dataset
from pydicom.uid import MRImageStorage, SecondaryCaptureImageStorage

from gemel import io, store
from gemel.core.errors import GemelError, IdentityError, InputError, UnitError
from gemel.core.image import Image
from gemel.flow.originals import laid_out
from gemel.flow.sources import keep
from gemel.io.adc import factor, read_adc
from gemel.io.dicom_file import serialise
from gemel.io.dicom_object import coded, decimal, new_dataset
from gemel.io.frames import Volume
from gemel.io.identity import Identity
from gemel.io.parametric_map_write import ADC, write_parametric_map
from gemel.io.uids import content_uid
from gemel.store import Store

SHAPE, SPACING_mm = (10, 9, 8), (2.0, 2.5, 3.0)
Tags = Callable[[Dataset], None]
WHO = Identity("B-1", "", content_uid("study"), content_uid("series"), content_uid("frame"), "MR", "Made^Up")


@pytest.fixture
def library(tmp_path: Path) -> Iterator[Store]:
    with store.open(tmp_path / "kept.db") as opened:
        yield opened


def truth() -> np.ndarray:
    """ADC in mm2/s, different in every voxel."""
    return (0.8e-3 + 1e-6 * np.arange(np.prod(SHAPE)).reshape(SHAPE)).astype(np.float64)


def outline() -> np.ndarray:
    found = np.zeros(SHAPE, bool)
    found[3:7, 3:6, 3:6] = True
    return found


def grid() -> Image:
    affine_mm = np.diag([*SPACING_mm, 1.0])
    affine_mm[:3, 3] = (-10.0, 5.0, 20.0)
    return Image(np.zeros(SHAPE, np.float32), affine_mm, WHO.frame_uid)


def classic(folder: Path, stored: np.ndarray, tag: Tags) -> Path:
    """A series of MR images by hand, the top slice first."""
    folder.mkdir()
    for k in range(SHAPE[2]):
        dataset = new_dataset(MRImageStorage, "MR", WHO, content_uid("slice", str(k)), frame=WHO.frame_uid)
        dataset.SeriesInstanceUID, dataset.ImageType = WHO.series_uid, ["DERIVED", "PRIMARY", "DIFFUSION", "ADC"]
        dataset.AcquisitionDate, dataset.AcquisitionTime = "20260302", "090000"
        dataset.ImagePositionPatient = [decimal(v) for v in (-10.0, 5.0, 20.0 + 3.0 * k)]
        dataset.ImageOrientationPatient, dataset.PixelSpacing = [1, 0, 0, 0, 1, 0], [2.5, 2.0]
        dataset.SliceThickness, dataset.Columns, dataset.Rows = 3.0, SHAPE[0], SHAPE[1]
        dataset.SamplesPerPixel, dataset.PhotometricInterpretation, dataset.PixelRepresentation = 1, "MONOCHROME2", 0
        dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit = 16, 16, 15
        dataset.PixelData = np.rint(stored[:, :, k]).astype("<u2").T.tobytes()
        tag(dataset)
        (folder / f"{SHAPE[2] - k:03d}.dcm").write_bytes(serialise(dataset))
    return folder


def rescale(slope: float, unit: str) -> Tags:
    def tag(dataset: Dataset) -> None:
        dataset.RescaleSlope, dataset.RescaleIntercept, dataset.RescaleType = decimal(slope), 0, unit

    return tag


def real_world(slope: float, ucum: str) -> Tags:
    """PS3.3 C.7.6.16.2.11: the unit is a code; the rescale beside it is for display and of other size."""

    def tag(dataset: Dataset) -> None:
        rescale(7.0, "US")(dataset)
        item = Dataset()
        item.RealWorldValueSlope, item.RealWorldValueIntercept = slope, 0.0
        item.MeasurementUnitsCodeSequence = [coded(ucum, "UCUM", ucum)]
        dataset.RealWorldValueMappingSequence = [item]

    return tag


def bare(dataset: Dataset) -> None:
    """As the scanners write that keep 1e-6 mm2/s as whole numbers and say so nowhere."""


CLASSIC: dict[str, tuple[float, Tags, str]] = {
    "whole numbers, stated": (1e6, bare, "1e-6 mm2/s"),
    "rescale type": (1e6, rescale(1.0, "10-6 mm2/s"), ""),
    "rescale slope to 1e-3": (1e6, rescale(1e-3, "1e-3 mm2/s"), ""),
    "rescale to mm2/s, said twice": (1e6, rescale(1e-6, "mm2/s"), "mm2/s"),
    "unspecified type, stated": (1e6, rescale(1.0, "US"), "1e-6 mm2/s"),
    "real world, UCUM": (1e6, real_world(1.0, "um2/s"), ""),
    "real world, UCUM power": (1e6, real_world(1e-3, "10*-3.mm2/s"), ""),
}


@pytest.mark.parametrize("name", CLASSIC)
def test_classic_series_come_out_in_mm2_s(name: str, tmp_path: Path) -> None:
    scale, tag, stated = CLASSIC[name]
    found = read_adc(classic(tmp_path / "adc", truth() * scale, tag), stated)
    np.testing.assert_allclose(found.adc_mm2_s.array, truth(), rtol=2e-5)
    np.testing.assert_allclose(found.adc_mm2_s.affine_mm, grid().affine_mm, atol=1e-4)
    assert found.patient_id == "B-1"


REFUSED: dict[str, tuple[Tags, str, str]] = {
    "nobody says": (bare, "", "no stated unit"),
    "unspecified": (rescale(1.0, "US"), "", "no stated unit"),
    "another quantity": (rescale(1.0, "HU"), "", "HU"),
    "said and stated differently": (rescale(1.0, "1e-6 mm2/s"), "1e-3 mm2/s", "and"),
    "a code of another quantity": (real_world(1.0, "ms"), "", "ms"),
    "a slope of nothing": (rescale(0.0, "mm2/s"), "", "slope of 0"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_units_are_never_guessed(name: str, tmp_path: Path) -> None:
    tag, stated, words = REFUSED[name]
    with pytest.raises(UnitError, match=words) as found:
        read_adc(classic(tmp_path / "adc", truth() * 1e6, tag), stated)
    assert found.value.remedy


def test_a_parametric_map_by_its_own_unit(tmp_path: Path) -> None:
    path = parametric(tmp_path / "adc.dcm")
    np.testing.assert_allclose(read_adc(path).adc_mm2_s.array, truth(), rtol=1e-6)
    np.testing.assert_allclose(read_adc(path).adc_mm2_s.affine_mm, grid().affine_mm, atol=1e-4)
    with pytest.raises(UnitError, match="and"):
        read_adc(path, "mm2/s")


def parametric(path: Path) -> Path:
    held = Image((truth() * 1e6).astype(np.float32), grid().affine_mm, WHO.frame_uid)
    write_parametric_map(path, held, Volume(SecondaryCaptureImageStorage, content_uid("sop"), held, WHO, "20260302", "090000"), ADC)
    return path


def test_spellings_of_one_unit() -> None:
    for unit in ("1e-6 mm2/s", "10-6 mm2/s", "10^-6 mm²/s", "x10-6 mm2/s", "10*-6.mm2/s", "1E-06 mm2/s", "um2/s", "µm²/s"):
        assert factor(unit, "") == pytest.approx(1e-6), unit
    for unit in ("", "mm", "1e-9 mm2/s", "mm2", "cm2/s"):
        with pytest.raises(UnitError):
            factor(unit, "")


def visited(folder: Path, adc: str, **fields: str) -> Path:
    """A visit's folder about an ADC that lies there already."""
    io.write_nifti(folder / "tumour.nii.gz", Image(outline().astype(np.float32), grid().affine_mm))
    io.write_nifti(folder / "a_supply.nii.gz", Image(truth().astype(np.float32), grid().affine_mm))
    told = {"time": "2026-03-02T09:00", "adc": adc, "tumour": "tumour.nii.gz", "supply": "a_supply.nii.gz", **fields}
    (folder / "visit.json").write_text(json.dumps(told))
    return folder


def folders(where: Path) -> dict[str, Path]:
    """The same visit with its ADC in each of three forms."""
    made = {name: where / name for name in ("series", "map", "nifti")}
    for folder in made.values():
        folder.mkdir()
    classic(made["series"] / "adc", truth() * 1e6, rescale(1.0, "1e-6 mm2/s"))
    parametric(made["map"] / "adc.dcm")
    io.write_nifti(made["nifti"] / "z_adc.nii", Image((truth() * 1e3).astype(np.float32), grid().affine_mm))
    visited(made["series"], "adc")
    visited(made["map"], "adc.dcm", patient="B-1")
    visited(made["nifti"], "z_adc.nii", adc_unit="um2/ms")
    return made


@pytest.mark.parametrize("form", ["series", "map", "nifti"])
def test_a_visit_is_read_and_laid_out_again_from_what_was_kept(form: str, tmp_path: Path, library: Store) -> None:
    path = folders(tmp_path)[form]
    read = io.read_diffusion_visit(path)
    np.testing.assert_allclose(read.visit.adc_mm2_s.array, truth(), rtol=1e-5)
    inner = sorted(one for one in path.iterdir() if one.is_dir())
    with laid_out(library, keep(library, path, *inner)) as again:
        found = io.read_diffusion_visit(again).visit
    np.testing.assert_array_equal(found.adc_mm2_s.array, read.visit.adc_mm2_s.array)
    np.testing.assert_array_equal(found.tumour, read.visit.tumour)
    assert found.supply is not None
    np.testing.assert_array_equal(found.supply.array, read.visit.supply.array)  # type: ignore[union-attr]


def test_originals_that_do_not_fit_are_refused(tmp_path: Path, library: Store) -> None:
    path = folders(tmp_path)["nifti"]
    (path / "b_unnamed.nii.gz").write_bytes((path / "tumour.nii.gz").read_bytes())
    with pytest.raises(GemelError, match="4 maps where"), laid_out(library, keep(library, path)):
        pass


def test_another_patient_and_maps_elsewhere_are_refused(tmp_path: Path) -> None:
    made = folders(tmp_path)
    with pytest.raises(IdentityError, match="B-1"):
        io.read_diffusion_visit(visited(made["series"], "adc", patient="B-2"))
    for name in ("../map/adc.dcm", "/etc/adc.nii", "a/b/adc.nii"):
        with pytest.raises(InputError, match="a map"):
            io.read_diffusion_visit(visited(made["series"], name))
