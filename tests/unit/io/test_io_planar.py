"""A whole-body pair of views comes in with both sides the same way round."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence
from pydicom.tag import Tag

from gemel.core.errors import InputError
from gemel.core.image import Image
from gemel.io import write_nm
from gemel.io.dicom_object import coded
from gemel.io.nm_planar import read_planar
from tests.unit.io.dicom_edit import edit
from tests.unit.io.test_io_nuclear import PERSON, scan

RIGHT_SHOULDER = (1, 6)  # x towards the left, z towards the head


def _planar(dataset: Dataset) -> None:
    """Two detectors, the anterior one second; rows from head to foot."""
    dataset.ImageType = ["ORIGINAL", "PRIMARY", "WHOLE BODY", "EMISSION"]
    dataset.NumberOfDetectors, dataset.FrameIncrementPointer = 2, [Tag("EnergyWindowVector"), Tag("DetectorVector")]
    dataset.EnergyWindowVector, dataset.DetectorVector = [1, 1], [1, 2]
    dataset.ActualFrameDuration = 1_500_000
    dataset.DetectorInformationSequence = Sequence([_detector("Posterior"), _detector("Anterior")])
    front = np.zeros((8, 5))
    front[8 - 1 - RIGHT_SHOULDER[1], RIGHT_SHOULDER[0]] = 700
    back = 0.5 * front[:, ::-1]
    dataset.PixelData = np.stack([back, front]).astype("<u2").tobytes()
    dataset.RescaleSlope = 1


def _detector(side: str) -> Dataset:
    item = Dataset()
    item.ViewCodeSequence = Sequence([coded("x", "99TEST", side)])
    return item


@pytest.fixture
def planar(tmp_path: Path) -> Path:
    held = scan()
    write_nm(
        tmp_path / "wb.dcm", replace(held, image=Image(np.zeros((5, 8, 2), np.float32), held.image.affine_mm, held.image.frame)), PERSON
    )
    edit(tmp_path / "wb.dcm", _planar)
    return tmp_path / "wb.dcm"


def test_both_views_see_one_point_in_one_pixel(planar: Path) -> None:
    pair = read_planar(planar)
    assert pair.anterior.shape == (5, 8)
    assert (pair.anterior[RIGHT_SHOULDER], pair.posterior[RIGHT_SHOULDER]) == (700.0, 350.0)
    assert (pair.anterior.sum(), pair.posterior.sum()) == (700.0, 350.0)
    assert (pair.duration_s, pair.nuclide, pair.injected_MBq) == (1500.0, "Lu-177", 7400.0)
    assert pair.spacing_mm == (4.0, 3.0)


def _unnamed(dataset: Dataset) -> None:
    for item in dataset.DetectorInformationSequence:
        del item.ViewCodeSequence


def _twice(dataset: Dataset) -> None:
    dataset.DetectorVector = [1, 1]


def _tomo(dataset: Dataset) -> None:
    dataset.ImageType = ["ORIGINAL", "PRIMARY", "RECON TOMO", "EMISSION"]


def _timeless(dataset: Dataset) -> None:
    del dataset.ActualFrameDuration


@pytest.mark.parametrize(
    ("change", "found"),
    [(_unnamed, "an unnamed view"), (_twice, "posterior, posterior"), (_tomo, "RECON TOMO"), (_timeless, "no duration")],
)
def test_a_pair_that_is_none_is_refused(planar: Path, change: Callable[[Dataset], object], found: str) -> None:
    edit(planar, change)
    with pytest.raises(InputError, match=found):
        read_planar(planar)


def test_a_person_may_say_which_view_is_which(planar: Path) -> None:
    edit(planar, _unnamed)
    assert read_planar(planar, views=("posterior", "anterior")).anterior[RIGHT_SHOULDER] == 700.0
    with pytest.raises(InputError, match="in the order of the detectors"):
        read_planar(planar, views=("front", "back"))
