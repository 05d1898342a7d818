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


@pytest.mark.parametrize("day", [300, 360, 420])
def test_the_virtual_patient_of_another_program(shared_data: Path, day: int) -> None:
    """TumorGrowthToolkit FK (Balcerak et al., MIT): total cells within 1 %, volumes within 2 %, Dice over 0.98.

    By its rules: a clipped Gaussian at the seed, forward Euler with its steps, and the arithmetic mean of D at faces, which is what a
    tensor without directions is given.
    """
    folder = shared_data / "tumor"
    gray, white = (read(folder / f"mni152_2mm_{tissue}.nii.gz") / 255 for tissue in ("gm", "wm"))
    r2 = ((np.indices(gray.shape) - np.array(SEED)[:, None, None, None]) ** 2).sum(axis=0) * H_MM**2
    start = 250 / (20 * np.pi) ** 1.5 * np.exp(-r2 / 20)
    start = np.where(start > 0.1, np.minimum(start, 1.0), 0.0)
    brain = gray + white >= 0.1
    tensor = np.zeros((*gray.shape, 6), dtype=np.float32)
    tensor[..., [0, 3, 5]] = (D_WHITE * (white + gray / RATIO))[..., None]
    count, dt = steps(day)
    found = pde.solve((start * brain).astype(np.float32), brain, H_MM, tensor, pde.logistic(K), [count * dt], dt_days=dt, order=1)[0]
    labels = read(folder / f"tgt_case_day{day}_seg.nii.gz")
    assert found.sum() * H_MM**3 == pytest.approx(CELLS_MM3[day], rel=0.01)
    for level, label, volume in zip((0.16, 0.80), (1, 2), VOLUMES_MM3[day]):
        assert (found > level).sum() * H_MM**3 == pytest.approx(volume, rel=0.02)
        assert dice(found > level, labels >= label) > 0.98
