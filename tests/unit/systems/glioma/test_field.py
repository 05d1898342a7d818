"""Invasion on a grid: treatment against closed forms, the start from outlines, parameters found again, bad input refused."""

import numpy as np
import pytest

from gemel.core.errors import GeometryError, RangeError, StructureError
from gemel.core.image import Image
from gemel.systems.glioma.field import (
    FLAIR,
    T1GD,
    Invasion,
    LETHAL_mm,
    Therapy,
    burden_mL,
    diffusivity_mm2_d,
    forward,
    radius_mm,
    reaches_d,
    volume_mL,
)  # fmt: skip
from gemel.systems.glioma.field_start import field_from
from gemel.systems.glioma.growth import DRUG_1_d
from gemel.systems.glioma.tissue import Tissue, cropped, tissue

H, N = 2.0, 36
TRUE = Invasion(0.3, 5.0, 0.05, 0.03)


def image(array, frame=""):
    return Image(np.asarray(array, dtype=np.float32), np.diag([H, H, H, 1.0]), frame)


@pytest.fixture(scope="module")
def brain() -> Tissue:
    """A ball of white matter in a shell of grey."""
    x = (np.arange(N) - (N - 1) / 2) * H
    r = np.sqrt(x[:, None, None] ** 2 + x[None, :, None] ** 2 + x[None, None, :] ** 2)
    return tissue(image(r < 24), image((r >= 24) & (r < 34)))


@pytest.fixture(scope="module")
def start(brain: Tissue):
    x = (np.arange(N) - (N - 1) / 2) * H
    r2 = (x[:, None, None] - 4) ** 2 + x[None, :, None] ** 2 + x[None, None, :] ** 2
    return np.where(brain.mask, 0.98 * np.exp(-((r2 / (2 * 7.0**2)) ** 1.5)), 0).astype(np.float32)


def test_white_matter_is_easier_by_the_ratio(brain: Tissue) -> None:
    D = diffusivity_mm2_d(brain, TRUE)
    assert D[N // 2, N // 2, N // 2] == pytest.approx(0.3)
    assert D[brain.grey > 0].max() == pytest.approx(0.06)


def test_without_growth_or_treatment_cells_are_kept(brain: Tissue, start) -> None:
    still = Invasion(0.3, 5.0, 1e-4)
    u = forward(brain, start, still, t_days=[40.0])[0]
    assert burden_mL(brain, u) / burden_mL(brain, start) == pytest.approx(1.0, abs=0.005)
    assert (u[~brain.mask] == 0).all()


def test_fractions_and_drug_kill_as_their_closed_forms(brain: Tissue) -> None:
    """u ≪ 1, uniform: ln u = ρt − Σ αd(1 + d/10) − Σ kill (1 − e^(−b(t − t_j))), also when steps are far longer than the drug lasts."""
    thin = np.where(brain.mask, 1e-6, 0).astype(np.float64)
    invasion = Invasion(0.5, 1.0, 0.03, 0.05, 0.2)  # uniform: nothing moves
    therapy = Therapy(tuple(np.arange(5.0) + 0.37), 2.0, (0.5, 1.5, 9.9))
    u = forward(brain, thin, invasion, t_days=[10.0], therapy=therapy)[0][N // 2, N // 2, N // 2]
    kill = 0.2 * sum(-np.expm1(-DRUG_1_d * (10.0 - t)) for t in therapy.drug_d)
    assert np.log(u / 1e-6) == pytest.approx(0.03 * 10 - 5 * 0.05 * 2 * 1.2 - kill, abs=1e-5)


def test_a_dose_map_kills_where_it_lies_and_a_resection_empties_its_cavity(brain: Tissue, start) -> None:
    still, half = Invasion(1e-3, 1.0, 1e-4, 0.1), np.zeros(brain.grid.shape)
    half[: N // 2] = 2.0
    u = forward(brain, start, still, t_days=[1.0], therapy=Therapy((0.5,), image(half)))[0]
    ratio = u[brain.mask & (start > 1e-3)] / start[brain.mask & (start > 1e-3)]
    assert ratio.min() == pytest.approx(np.exp(-0.24), rel=1e-2)
    assert ratio.max() == pytest.approx(1.0, rel=1e-2)
    cavity = start > 0.5
    v = forward(brain, start, still, t_days=[1.0], therapy=Therapy(resections=((1.0, cavity),)))[0]
    assert (v[cavity] == 0).all()
    assert v[~cavity].sum() > 0


def test_the_start_has_the_outlines_for_its_edges_and_a_wave_s_cells(brain: Tissue) -> None:
    """A tumour of five months in white matter."""
    x = (np.arange(N) - (N - 1) / 2) * H
    r2 = x[:, None, None] ** 2 + x[None, :, None] ** 2 + x[None, None, :] ** 2
    white = tissue(image(r2 < 34**2), image(0 * r2))
    u = forward(white, (0.98 * np.exp(-r2 / 16)).astype(np.float32), Invasion(0.3, 5.0, 0.05), t_days=[135.0])[0]
    made = field_from(white, u > T1GD, u > FLAIR)
    for threshold in (T1GD, FLAIR):
        a, b = made > threshold, u > threshold
        assert 2 * (a & b).sum() / (a.sum() + b.sum()) > 0.999
    assert burden_mL(white, made) == pytest.approx(burden_mL(white, u), rel=0.08)
    unseen = u <= FLAIR
    assert made[unseen].sum() == pytest.approx(u[unseen].sum(), rel=0.25)
    assert made.max() <= 1.0


def test_the_lethal_radius_is_reached_between_two_times() -> None:
    assert radius_mm(4 / 3 * np.pi * 35**3 / 1000) == pytest.approx(35.0)
    assert reaches_d([10, 30, 40], [0, 100, 200], LETHAL_mm) == pytest.approx(150.0)
    assert reaches_d([10, 30, 34], [0, 100, 200]) == np.inf
    assert reaches_d([36, 40], [0, 100]) == 0.0


def test_a_crop_keeps_its_place(brain: Tissue, start) -> None:
    small, part = cropped(brain, start > 0.5, 4.0)
    assert small.grid.shape == small.white.shape == brain.white[part].shape
    np.testing.assert_allclose(small.grid.origin_mm, [part[k].start * H for k in range(3)])
    assert volume_mL(small, start[part], 0.5) == volume_mL(brain, start, 0.5)


BEYOND = ({"D_white_mm2_d": -0.1}, {"D_white_mm2_d": 65.0}, {"rho_1_d": np.nan}, {"alpha_1_Gy": 3.0}, {"ratio_1": 0.5})


@pytest.mark.parametrize("change", BEYOND)
def test_parameters_outside_the_stable_range_are_refused(change) -> None:
    with pytest.raises(RangeError) as told:
        Invasion(**({"D_white_mm2_d": 0.1, "ratio_1": 5.0, "rho_1_d": 0.02} | change))
    assert "stable" in told.value.remedy


def test_maps_that_cannot_be_are_refused(brain: Tissue) -> None:
    good = brain.grid.array
    for bad in (-good, np.where(good > 0, np.nan, 0), 255 * good):
        with pytest.raises(RangeError, match="white"):
            tissue(image(bad), image(good))
    with pytest.raises(GeometryError, match="no brain"):
        tissue(image(0 * good), image(0 * good))
    with pytest.raises(GeometryError, match="grids"):
        tissue(image(good), image(good[:-1]))


def test_doses_that_cannot_be_are_refused(brain: Tissue, start) -> None:
    framed = Tissue(image(brain.white, "1.2"), brain.white, brain.grey)
    bad = {"another frame": image(brain.white, "1.3"), "another grid": image(brain.white[:-1]), "negative": image(-brain.white)}
    for why, dose in bad.items():
        with pytest.raises(RangeError if why == "negative" else GeometryError):
            forward(framed, start, TRUE, t_days=[2.0], therapy=Therapy((1.0,), dose))


def test_outlines_that_cannot_be_are_refused(brain: Tissue, start) -> None:
    inside, nothing = start > 0.5, np.zeros(start.shape, dtype=bool)
    with pytest.raises(StructureError, match="empty"):
        field_from(brain, nothing, inside)
    with pytest.raises(StructureError, match="outside T2"):
        field_from(brain, start > 0.1, inside)
