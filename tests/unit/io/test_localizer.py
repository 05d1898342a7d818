"""A localiser's file: turned so that x or y and z rise, its place kept; anything else is refused with its reason."""

from pathlib import Path

import numpy as np
import pytest

from gemel.core.errors import GeometryError, InputError
from gemel.core.radiograph import Radiograph
from gemel.io.localizer import read_localizer
from tests.unit.io.localisers import write_localiser

VALUES = np.arange(12.0 * 5).reshape(12, 5)


def made(front: bool) -> Radiograph:
    return Radiograph(VALUES, np.arange(12) * 2.0 - 11.0, 100.0 + np.arange(5) * 3.0, front, 7.0)


@pytest.mark.parametrize("front", [True, False])
def test_values_and_places_come_back(tmp_path: Path, front: bool) -> None:
    found = read_localizer(write_localiser(tmp_path / "scout.dcm", made(front)))
    assert found.radiograph.front is front
    np.testing.assert_allclose(found.radiograph.values, VALUES)
    np.testing.assert_allclose(found.radiograph.u_mm, made(front).u_mm)
    np.testing.assert_allclose(found.radiograph.z_mm, made(front).z_mm)
    assert found.radiograph.plane_mm == 7.0
    assert found.identity.patient_id == "P1"


def test_a_localiser_stored_across_and_from_the_left_is_turned(tmp_path: Path) -> None:
    path = write_localiser(
        tmp_path / "scout.dcm",
        made(True),
        ImageOrientationPatient=[0, 0, 1, -1, 0, 0],
        ImagePositionPatient=[11.0, 7.0, 100.0],
        PixelSpacing=[2.0, 3.0],
        Columns=5,
        Rows=12,
        PixelData=np.rint(VALUES[::-1]).astype("<i2").tobytes(),
    )
    found = read_localizer(path).radiograph
    np.testing.assert_allclose(found.values, VALUES)
    np.testing.assert_allclose(found.u_mm, made(True).u_mm)


def test_the_rescale_is_applied(tmp_path: Path) -> None:
    path = write_localiser(tmp_path / "scout.dcm", made(True), RescaleSlope=2, RescaleIntercept=-10)
    np.testing.assert_allclose(read_localizer(path).radiograph.values, 2 * VALUES - 10)


@pytest.mark.parametrize(
    ("tags", "words"),
    [
        ({"ImageType": ["ORIGINAL", "PRIMARY", "AXIAL"]}, "no localiser"),
        ({"SOPClassUID": "1.2.840.10008.5.1.4.1.1.1"}, "SOPClassUID"),
        ({"RescaleSlope": 0}, "RescaleSlope = 0"),
        ({"ImageOrientationPatient": [0.8, 0.6, 0, 0, 0, -1]}, "a localiser along"),
        ({"ImageOrientationPatient": [1, 0, 0, 0, 1, 0]}, "a localiser along"),
    ],
    ids=["a CT slice", "a radiograph", "no rescale", "oblique", "transverse"],
)
def test_what_is_no_localiser_is_refused(tmp_path: Path, tags: dict[str, object], words: str) -> None:
    with pytest.raises((InputError, GeometryError), match=words):
        read_localizer(write_localiser(tmp_path / "scout.dcm", made(True), **tags))
