"""The virtual patient grown by another program: cells, volumes and overlap."""

from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

from gemel.core.image import Array
from gemel.engines import pde

CELLS_MM3 = {300: 32114.803, 360: 59987.461, 420: 99736.688}
VOLUMES_MM3 = {300: (57944.0, 7200.0), 360: (98936.0, 24008.0), 420: (152936.0, 52056.0)}
D_WHITE, RATIO, K, H_MM, SEED = 0.13, 5.0, 0.025, 2.0, (64, 72, 49)


def read(path: Path) -> Array:
    return np.asarray(nib.load(path).dataobj, dtype=np.float64)


def dice(one: Array, other: Array) -> float:
    return float(2 * (one & other).sum() / (one.sum() + other.sum()))


def steps(days: float) -> tuple[int, float]:
    """Those of the other program: the number rounded up, the length not, so that it runs on by part of a step."""
    count = days * D_WHITE / H_MM**2 * 8 + 100
    return int(np.ceil(count)), days / count


def anatomy(folder: Path) -> tuple[Array, Array, Array]:
    """Its start, brain and diffusivity."""
    gray, white = (read(folder / f"mni152_2mm_{tissue}.nii.gz") / 255 for tissue in ("gm", "wm"))
    r2 = ((np.indices(gray.shape) - np.array(SEED)[:, None, None, None]) ** 2).sum(axis=0) * H_MM**2
    start = 250 / (20 * np.pi) ** 1.5 * np.exp(-r2 / 20)
    start = np.where(start > 0.1, np.minimum(start, 1.0), 0.0)
    brain = gray + white >= 0.1
    return (start * brain).astype(np.float32), brain, D_WHITE * (white + gray / RATIO)


def judge(found: Array, folder: Path, day: int) -> None:
    labels = read(folder / f"tgt_case_day{day}_seg.nii.gz")
    assert found.sum() * H_MM**3 == pytest.approx(CELLS_MM3[day], rel=0.01)
    for level, label, volume in zip((0.16, 0.80), (1, 2), VOLUMES_MM3[day]):
        assert (found > level).sum() * H_MM**3 == pytest.approx(volume, rel=0.02)
        assert dice(found > level, labels >= label) > 0.98


@pytest.mark.parametrize("day", [300, 360, 420])
def test_the_virtual_patient_of_another_program(shared_data: Path, day: int) -> None:
    """TumorGrowthToolkit FK (Balcerak et al., MIT): total cells within 1 %, volumes within 2 %, Dice over 0.98.

    By its rules: a clipped Gaussian at the seed, forward Euler with its steps, and the arithmetic mean of D at faces.
    """
    start, brain, D = anatomy(shared_data / "tumor")
    count, dt = steps(day)
    found = pde.solve(start, brain, H_MM, pde.arithmetic_faces(D), pde.logistic(K), [count * dt], dt_days=dt, order=1)[0]
    judge(found, shared_data / "tumor", day)


def test_the_same_by_harmonic_faces(shared_data: Path) -> None:
    """The engine's own faces: its Euler steps are what matters; third order in time has 7 to 9 % more cells."""
    start, brain, D = anatomy(shared_data / "tumor")
    count, dt = steps(420)
    euler, exact = (pde.solve(start, brain, H_MM, D, pde.logistic(K), [count * dt], dt_days=dt, order=order)[0] for order in (1, 3))
    judge(euler, shared_data / "tumor", 420)
    assert 1.07 < exact.sum() * H_MM**3 / CELLS_MM3[420] < 1.09


def test_arithmetic_faces_pass_the_mean() -> None:
    """A pair of voxels: what leaves one in a short step is (D₁ + D₂)/2 times the difference; 1e-12."""
    D, start = np.array([0.2, 0.6]).reshape(2, 1, 1), np.array([1.0, 0.0]).reshape(2, 1, 1)
    found = pde.solve(start, np.ones((2, 1, 1)), 2.0, pde.arithmetic_faces(D), None, [0.1], dt_days=0.1, order=1)
    assert found[0, 1, 0, 0] == pytest.approx(0.1 * 0.4 / 4.0, rel=1e-12)
