"""What gemel writes, as DCMTK reads it: numbers taken from its JSON (PS3.18 annex F) alone, without any code of ours."""

import base64
import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from matplotlib.path import Path as Polygon

from gemel.core.image import Image
from gemel.core.structures import Structures, dice
from gemel.io import write_dose, write_image, write_structures
from gemel.io.deformable_object import write_deformable
from tests.unit.io.test_registration import JOINED, WHO, deformed
from tests.unit.io.test_results_validated import WRITERS

AFFINE = np.array([[1.0, 0, 0, -20], [0, 1.2, 0, -24], [0, 0, 2.0, 7], [0, 0, 0, 1]])
MASK_DICE, DOSE_SHARE = 0.99, 0.001


def as_dcmtk_reads(path: Path) -> dict[str, Any]:
    """The object's elements by tag."""
    program = shutil.which("dcm2json")
    if program is None:
        pytest.skip("dcm2json (dcmtk) is not installed")
    told = subprocess.run([program, str(path)], capture_output=True, text=True, check=True)
    found: dict[str, Any] = json.loads(told.stdout)
    return found


def values(elements: dict[str, Any], tag: str) -> list[Any]:
    return list(elements.get(tag, {}).get("Value", []))


def binary(elements: dict[str, Any], tag: str, kind: str) -> np.ndarray:
    return np.frombuffer(base64.b64decode(elements[tag]["InlineBinary"]), kind)


def egg() -> np.ndarray:
    """An egg with a hole beside its middle."""
    x, y, z = np.meshgrid(*map(np.arange, (40, 40, 12)), indexing="ij")
    shape = ((x - 19) / 14) ** 2 + ((y - 20) / 10) ** 2 + ((z - 6) / 5) ** 2 < 1
    return np.asarray(shape & ~(((x - 24) / 4) ** 2 + ((y - 20) / 4) ** 2 < 1))


@pytest.mark.parametrize("kind", list(WRITERS))
def test_dcmtk_reads_every_result_without_a_complaint(tmp_path: Path, kind: str) -> None:
    if shutil.which("dcmdump") is None:
        pytest.skip("dcmdump (dcmtk) is not installed")
    WRITERS[kind](tmp_path / "a.dcm")
    told = subprocess.run(["dcmdump", "-q", "+E", str(tmp_path / "a.dcm")], capture_output=True, text=True, check=False)
    assert (told.returncode, told.stderr) == (0, "")


def test_contours_filled_by_another_rule_are_the_same_region(tmp_path: Path) -> None:
    grid = Image(np.zeros((40, 40, 12), np.float32), AFFINE, WHO.frame_uid)
    series = write_image(tmp_path / "ct", grid, WHO)
    write_structures(tmp_path / "a.dcm", Structures(series.image, {"egg": egg()}), series)
    (roi,) = values(as_dcmtk_reads(tmp_path / "a.dcm"), "30060039")
    filled, centres = (
        np.zeros((40, 40, 12), bool),
        np.stack(np.meshgrid(np.arange(40), np.arange(40), indexing="ij"), axis=-1).reshape(-1, 2),
    )
    for contour in values(roi, "30060040"):
        points = np.array(values(contour, "30060050"), float).reshape(-1, 3)
        index = (points - AFFINE[:3, 3]) / np.diag(AFFINE)[:3]
        filled[:, :, round(index[0, 2])] ^= Polygon(index[:, :2]).contains_points(centres).reshape(40, 40)
    assert dice(filled, egg()) >= MASK_DICE


def test_a_dose_is_within_a_thousandth_of_its_maximum(tmp_path: Path) -> None:
    dose_Gy = (60 * np.random.default_rng(2).random((40, 40, 12))).astype(np.float32)
    write_dose(tmp_path / "a.dcm", Image(dose_Gy, AFFINE, WHO.frame_uid), WHO)
    read = as_dcmtk_reads(tmp_path / "a.dcm")
    shape = [int(values(read, tag)[0]) for tag in ("00280008", "00280010", "00280011")]
    theirs = binary(read, "7FE00010", "<u4").reshape(shape).transpose(2, 1, 0) * float(values(read, "3004000E")[0])
    assert np.abs(theirs - dose_Gy).max() <= DOSE_SHARE * dose_Gy.max()
    assert np.allclose(values(read, "00200032"), AFFINE[:3, 3])


def test_offsets_of_a_deformation_are_the_same_numbers(tmp_path: Path) -> None:
    write_deformable(tmp_path / "a.dcm", deformed(), WHO, sources=JOINED)
    (item,) = values(as_dcmtk_reads(tmp_path / "a.dcm"), "00640002")
    (grid,) = values(item, "00640005")
    offsets = binary(grid, "00640009", "<f4").reshape(*values(grid, "00640007")[::-1], 3)
    assert (offsets.transpose(2, 1, 0, 3) == deformed().offsets_mm).all()
