"""A visit as an archive holds it: an ADC map and a Segmentation drawn on it, frames without a region left out."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pydicom
import pytest
from pydicom.uid import MRImageStorage

from gemel import io
from gemel.core.errors import GemelError, GeometryError, IdentityError, InputError, StructureError
from gemel.core.image import Image
from gemel.core.structures import Structures
from gemel.io.diffusion_visit import read_diffusion_visit
from gemel.io.frames import Slices
from gemel.io.parametric_map_write import ADC, DISPLACEMENT_SD, write_parametric_map
from gemel.io.seg_write import write_segmentation

SHAPE, AFFINE = (14, 12, 10), np.diag([1.5, 1.5, 3.0, 1.0])
AT = ("20260302", "090000")


def slices(frame: str = "1.2.3", patient: str = "P") -> Slices:
    who = io.Identity(patient, study_uid="1.2.5", series_uid="1.2.6", frame_uid=frame, modality="MR")
    return Slices(str(MRImageStorage), tuple(f"1.2.6.{k + 1}" for k in range(SHAPE[2])), grid(frame), who, *AT)


def grid(frame: str = "1.2.3", value: float = 1000.0) -> Image:
    array = np.full(SHAPE, value, dtype=np.float32)
    array[0] = 0.0
    return Image(array, AFFINE, frame)


def box(*sides: slice) -> np.ndarray:
    found = np.zeros(SHAPE, dtype=bool)
    found[sides] = True
    return found


TUMOUR = box(slice(4, 9), slice(4, 9), slice(3, 6))


def study(folder: Path, masks: dict[str, np.ndarray] | None = None) -> Path:
    folder.mkdir()
    write_parametric_map(folder / "adc.dcm", grid(), slices(), ADC)
    write_segmentation(folder / "seg.dcm", Structures(grid(), masks or {"lesion": TUMOUR}), slices())
    return folder


def test_map_and_outline_are_one_visit(tmp_path: Path) -> None:
    """ADC in mm2/s, the outline where it was drawn, the time of the study, the patient, and a name that begins with the series."""
    found = read_diffusion_visit(study(tmp_path / "study"))
    np.testing.assert_array_equal(found.visit.tumour, TUMOUR)
    np.testing.assert_allclose(found.visit.adc_mm2_s.array[5, 5, 5], 1e-3, rtol=1e-6)
    assert (found.acquired, found.patient_id) == ("2026-03-02T09:00:00", "P")
    series = str(pydicom.dcmread(tmp_path / "study" / "seg.dcm").SeriesInstanceUID)
    assert found.visit.source.partition("#")[0] == series
    assert found.visit.tissue is None


def test_segments_of_tissue_become_labels(tmp_path: Path) -> None:
    fat, gland = box(slice(1, 4)), box(slice(4, 13))
    found = read_diffusion_visit(study(tmp_path / "study", {"tumour": TUMOUR, "adipose": fat, "fibroglandular": gland & ~TUMOUR}))
    assert found.visit.tissue is not None
    np.testing.assert_array_equal(found.visit.tissue.array == 1, fat)
    np.testing.assert_array_equal(found.visit.tissue.array == 2, gland & ~TUMOUR)


def two_segmentations(folder: Path) -> None:
    write_segmentation(folder / "seg2.dcm", Structures(grid(), {"a": TUMOUR}), slices(), description="again")


def of_another(folder: Path) -> None:
    write_segmentation(folder / "seg.dcm", Structures(grid(), {"a": TUMOUR}), slices(patient="Q"))


def elsewhere(folder: Path) -> None:
    write_segmentation(folder / "seg.dcm", Structures(grid("1.2.9"), {"a": TUMOUR}), slices("1.2.9"))


def nameless(folder: Path) -> None:
    write_segmentation(folder / "seg.dcm", Structures(grid(), {"a": TUMOUR, "b": box(slice(2, 3), slice(2, 3), slice(2, 3))}), slices())


def of_millimetres(folder: Path) -> None:
    write_parametric_map(folder / "adc.dcm", grid(), slices(), DISPLACEMENT_SD)


def without_a_map(folder: Path) -> None:
    (folder / "adc.dcm").unlink()


def half_a_voxel_off(folder: Path) -> None:
    moved = Image(grid().array, AFFINE + np.array([[0, 0, 0, 0.75], [0] * 4, [0] * 4, [0] * 4]), "1.2.3")
    by = slices()
    write_segmentation(folder / "seg.dcm", Structures(moved, {"a": TUMOUR}), Slices(by.sop_class, by.sop_uids, moved, by.identity, *AT))


@pytest.mark.parametrize(
    ("spoil", "error", "words"),
    [
        (two_segmentations, InputError, "2 Segmentations"),
        (of_another, IdentityError, "PatientID"),
        (elsewhere, IdentityError, "frame of reference"),
        (nameless, StructureError, "segments a, b"),
        (of_millimetres, GemelError, "an ADC in mm"),
        (without_a_map, InputError, "0 Parametric Maps"),
        (half_a_voxel_off, GeometryError, "does not lie on the map's voxels"),
    ],
)
def test_what_does_not_belong_together_is_refused(
    tmp_path: Path, spoil: Callable[[Path], None], error: type[GemelError], words: str
) -> None:
    folder = study(tmp_path / "study")
    spoil(folder)
    with pytest.raises(error, match=words):
        read_diffusion_visit(folder)


def test_slices_that_a_segmentation_leaves_out_are_counted_from_the_images_that_it_names(tmp_path: Path) -> None:
    """Drawn on three of ten slices: the grid has all ten, in the place of the images; without the list of images, three."""
    study(tmp_path / "study")
    held = pydicom.dcmread(tmp_path / "study" / "seg.dcm")
    assert held.NumberOfFrames == 3
    found = io.read_visit(tmp_path / "study" / "seg.dcm").structures
    assert found.grid.shape == SHAPE
    np.testing.assert_allclose(found.grid.affine_mm, AFFINE)
    np.testing.assert_array_equal(found["lesion"], TUMOUR)
    listed = held.ReferencedSeriesSequence[0].ReferencedInstanceSequence
    held.ReferencedSeriesSequence[0].ReferencedInstanceSequence = list(listed)[::-1]
    held.save_as(tmp_path / "reversed.dcm")
    np.testing.assert_array_equal(io.read_visit(tmp_path / "reversed.dcm").structures["lesion"], TUMOUR)
    held.ReferencedSeriesSequence[0].ReferencedInstanceSequence = [listed[k] for k in (3, 0, 5, 1, 4, 2, 6, 7, 8, 9)]
    held.save_as(tmp_path / "shuffled.dcm")
    assert io.read_visit(tmp_path / "shuffled.dcm").structures.grid.shape == (*SHAPE[:2], 3)
