"""Laws of rays through voxels: closed forms, rotation, mass, transposition, threads; inversion by filtered back-projection."""

import numpy as np
import pytest
from numba import get_num_threads, set_num_threads

from gemel.core.errors import GeometryError
from gemel.core.image import Array
from gemel.engines.project import Cone, Fan, Geometry, Grid, Parallel, fbp, fdk, forward, transposed

TURN = np.arange(90) * 2 * np.pi / 90
GRID = Grid((44, 56, 37), (2.0, 1.6, 1.5), (3.0, -4.0, 5.0))


def beams(angles_rad: Array) -> dict[str, Geometry]:
    """One of each kind, displaced so that no symmetry hides a sign."""
    z_mm = 0.5 * np.arange(angles_rad.size)
    return {
        "parallel": Parallel(angles_rad, 70, 2.0, 3.0),
        "flat fan": Fan(300.0, 500.0, 90, 3.0, angles_rad, 5.0),
        "curved fan": Fan(300.0, 500.0, 90, 3.0, angles_rad, 5.0, True),
        "flat cone": Cone(300.0, 500.0, 90, 50, 3.0, 2.7, angles_rad, 5.0, 4.0),
        "curved helix": Cone(300.0, 500.0, 90, 50, 3.0, 2.7, angles_rad, 5.0, 4.0, True, z_mm),
    }


def centres(grid: Grid) -> list[Array]:
    """Places of the voxels along each axis."""
    return np.meshgrid(*[f + s * np.arange(n) for f, s, n in zip(grid.first_mm, grid.spacing_mm, grid.shape)], indexing="ij")


def ends(geometry: Geometry, grid: Grid, view: int, v: int, u: int) -> tuple[Array, Array]:
    """A point and the direction of one ray, from the words of the geometry's docstring alone."""
    beta = geometry.angles_rad[view]
    outward, across = np.array([np.cos(beta), np.sin(beta), 0.0]), np.array([-np.sin(beta), np.cos(beta), 0.0])
    place = (u - 0.5 * (geometry.n_u - 1)) * geometry.pitch_u_mm + geometry.offset_u_mm
    z = grid.first_mm[2] + grid.spacing_mm[2] * v
    if isinstance(geometry, Parallel):
        return place * across + [0, 0, z], -outward
    far, height = geometry.source_detector_mm, 0.0
    if isinstance(geometry, Cone):
        z = 0.0 if geometry.z_mm is None else geometry.z_mm[view]
        height = (v - 0.5 * (geometry.n_v - 1)) * geometry.pitch_v_mm + geometry.offset_v_mm
    source = geometry.source_isocentre_mm * outward + [0, 0, z]
    gamma = place / far
    on_arc = far * (np.sin(gamma) * across - np.cos(gamma) * outward)
    pixel = source + (on_arc if geometry.curved else place * across - far * outward) + [0, 0, height]
    return source, (pixel - source) / np.linalg.norm(pixel - source)


@pytest.mark.parametrize("kind", list(beams(TURN)))
def test_a_gaussian_is_projected_to_its_closed_form(kind: str) -> None:
    """∫ exp(−|x − c|²/2σ²) dl = σ√(2π) exp(−d²/2σ²), d the distance of the ray from c.

    Linear interpolation half-way between voxels lowers the top by h²/8σ² an axis: 1.2 % for 2 and 1.5 mm together.
    """
    sigma, centre = 8.0, np.array([6.0, -8.0, 6.0])
    x = centres(GRID)
    blob = np.exp(-sum((a - c) ** 2 for a, c in zip(x, centre)) / (2 * sigma**2))
    geometry = beams(np.array([0.0, 0.4, 0.8, 2.1, 3.9, 5.5]))[kind]
    seen = forward(blob, geometry, grid=GRID)
    rng = np.random.default_rng(3)
    for _ in range(300):
        view, v, u = (int(rng.integers(n)) for n in seen.shape)
        start, direction = ends(geometry, GRID, view, v, u)
        distance = np.linalg.norm(np.cross(centre - start, direction))
        expected = sigma * np.sqrt(2 * np.pi) * np.exp(-(distance**2) / (2 * sigma**2))
        assert seen[view, v, u] == pytest.approx(expected, abs=0.0125 * sigma * np.sqrt(2 * np.pi))


def ball(grid: Grid, radii_mm: tuple[float, float, float], centre_mm: tuple[float, float, float], parts: int = 3) -> Array:
    """Share of each voxel inside an ellipsoid, from `parts`³ points a voxel."""
    fine = Grid(tuple(parts * n for n in grid.shape), tuple(s / parts for s in grid.spacing_mm), grid.centre_mm)
    inside = sum(((x - c) / r) ** 2 for x, c, r in zip(centres(fine), centre_mm, radii_mm)) <= 1
    nx, ny, nz = grid.shape
    return inside.reshape(nx, parts, ny, parts, nz, parts).mean(axis=(1, 3, 5)).astype(np.float32)


@pytest.mark.parametrize("kind", ["parallel", "curved fan", "flat cone"])
def test_an_ellipsoid_is_projected_to_its_chords(kind: str) -> None:
    """Chord of p + s·d in Σ(x/r)² = 1: 2√(b² − ac)/a. Voxels at the rim leave 1 % of the largest chord."""
    radii, centre = (30.0, 22.0, 18.0), (4.0, -6.0, 5.0)
    geometry = beams(np.array([0.3, 1.9, 4.0]))[kind]
    seen = forward(ball(GRID, radii, centre), geometry, grid=GRID)
    error = []
    for view, v, u in np.ndindex(seen.shape):
        start, direction = ends(geometry, GRID, view, v, u)
        p, d = (start - centre) / radii, direction / np.array(radii)
        root = (p @ d) ** 2 - (d @ d) * (p @ p - 1)
        error.append(seen[view, v, u] - 2 * np.sqrt(max(root, 0.0)) / (d @ d))
    assert np.sqrt(np.mean(np.square(error))) < 0.01 * 60
    assert abs(np.mean(error)) < 0.001 * 60


@pytest.mark.parametrize("curved", [False, True])
def test_a_slanted_ray_is_longer(curved: bool) -> None:
    """Through 60 mm of ones: 60·√(1 + (v/D)²), v 60 mm up or down the detector at 500 mm."""
    geometry = Cone(300.0, 500.0, 1, 3, 2.0, 60.0, np.array([0.0, 0.5 * np.pi]), curved=curved)
    seen = forward(np.ones((30, 30, 60)), geometry, grid=Grid((30, 30, 60), (2.0, 2.0, 2.0)))[:, :, 0]
    np.testing.assert_allclose(seen, np.broadcast_to(60 * np.sqrt(1 + np.array([0.12, 0.0, 0.12]) ** 2), (2, 3)), rtol=1e-5)


@pytest.mark.parametrize("curved", [False, True])
def test_what_lies_behind_the_source_is_not_seen(curved: bool) -> None:
    """A box past the source, on the backward extension of its rays; one about a source is refused."""
    beam = Cone(100.0, 200.0, 60, 8, 2.0, 2.0, 0.5 * np.pi + np.array([-0.3, 0.0, 0.3]), curved=curved)
    behind, about = (Grid((20, 160, 4), (2.0, 2.0, 2.0), (0.0, y_mm, 0.0)) for y_mm in (262.0, 250.0))
    np.testing.assert_array_equal(forward(np.ones(behind.shape), beam, grid=behind), 0.0)
    with pytest.raises(GeometryError, match="inside"):
        forward(np.ones(about.shape), beam, grid=about)


def test_every_parallel_view_holds_the_mass() -> None:
    """Σ_u p·pitch = Σ_xy f·voxel for each angle, within what a sampled hat of linear interpolation allows."""
    image = ball(GRID, (25.0, 20.0, 20.0), (3.0, -4.0, 5.0))
    seen = forward(image, Parallel(TURN, 160, 1.0), grid=GRID).sum(axis=2)
    np.testing.assert_allclose(seen, np.broadcast_to(image.sum(axis=(0, 1)) * 3.2, seen.shape), rtol=0.006, atol=0.5)


@pytest.mark.parametrize("kind", list(beams(TURN)))
def test_a_quarter_turn_of_beam_and_image_changes_nothing(kind: str) -> None:
    grid = Grid((24, 24, 20), (2.0, 2.0, 2.0))
    image = np.random.default_rng(0).random(grid.shape).astype(np.float32)
    angles = np.array([0.2, 1.1, 2.9])
    first = forward(image, beams(angles)[kind], grid=grid)
    turned = forward(np.ascontiguousarray(np.rot90(image)), beams(angles + 0.5 * np.pi)[kind], grid=grid)
    np.testing.assert_allclose(turned, first, atol=2e-4 * first.max())


@pytest.mark.parametrize("kind", list(beams(TURN)))
def test_spreading_is_the_transpose_of_projecting(kind: str) -> None:
    geometry, rng = beams(np.random.default_rng(1).uniform(0, 7, 9))[kind], np.random.default_rng(2)
    x = rng.random(GRID.shape).astype(np.float32)
    seen = forward(x, geometry, grid=GRID)
    y = rng.random(seen.shape).astype(np.float32)
    assert np.vdot(seen.astype(float), y) == pytest.approx(np.vdot(x.astype(float), transposed(y, geometry, grid=GRID)), rel=1e-6)


@pytest.mark.parametrize("kind", ["curved fan", "flat cone"])
def test_materials_share_a_walk_and_their_integrals_are_those_of_each(kind: str) -> None:
    geometry, both = beams(TURN[:5])[kind], np.random.default_rng(2).random((2, *GRID.shape)).astype(np.float32)
    together = forward(both, geometry, grid=GRID)
    for m in range(2):
        np.testing.assert_allclose(together[..., m], forward(both[m], geometry, grid=GRID), rtol=1e-6)


def test_threads_change_no_bit() -> None:
    geometry, image = beams(TURN)["flat cone"], np.random.default_rng(2).random(GRID.shape).astype(np.float32)
    threads, held = get_num_threads(), []
    try:
        for number in (1, threads):
            set_num_threads(number)
            seen = forward(image, geometry, grid=GRID)
            held.append((seen, fdk(seen, geometry, grid=GRID), transposed(seen, geometry, grid=GRID)))
    finally:
        set_num_threads(threads)
    for one, many in zip(*held):
        np.testing.assert_array_equal(one, many)


SLICE = Grid((96, 96, 1), (2.0, 2.0, 2.0))
FAN_rad = 2 * np.arctan(146 / 600)
HALF_TURNS = np.arange(180) * 2 * np.pi / 180
SHORT = np.arange(240) * (np.pi + FAN_rad) / 240
FULL = np.arange(240) * 2 * np.pi / 240
PLANES = {
    "parallel": Parallel(np.arange(180) * np.pi / 180, 140, 1.5, 0.4),
    "parallel, whole turn": Parallel(FULL, 140, 1.5, 0.4),
    "flat": Fan(400.0, 600.0, 144, 2.0, FULL, 0.5),
    "curved": Fan(400.0, 600.0, 144, 2.0, FULL, 0.5, True),
    "flat, short": Fan(400.0, 600.0, 144, 2.0, SHORT + 0.7, 0.5),
    "curved, short, backwards": Fan(400.0, 600.0, 144, 2.0, -SHORT, 0.5, True),
    "half fan": Fan(400.0, 600.0, 90, 2.0, FULL, 54.0),
    "half fan, other side, curved": Fan(400.0, 600.0, 90, 2.0, FULL, -54.0, True),
}


@pytest.mark.parametrize("kind", list(PLANES))
def test_discs_are_found_again_whatever_the_beam(kind: str) -> None:
    """Two discs, one off the axis: flat tops within 0.1 % at the centre and 0.6 % elsewhere, zero beside them."""
    geometry = PLANES[kind]
    image = 0.02 * ball(SLICE, (70.0, 60.0, 1e9), (0.0, 0.0, 0.0)) + 0.01 * ball(SLICE, (14.0, 14.0, 1e9), (30.0, -15.0, 0.0))
    found = fbp(forward(image, geometry, grid=SLICE), geometry, grid=SLICE)[:, :, 0]
    x, y, _ = (a[:, :, 0] for a in centres(SLICE))
    assert found[(np.hypot(x, y) < 10)].mean() == pytest.approx(0.02, rel=0.001)
    assert found[np.hypot(x - 30, y + 15) < 8].mean() == pytest.approx(0.03, rel=0.003)
    ring = (np.hypot(x / 70, y / 60) < 0.85) & (np.hypot(x - 30, y + 15) > 22)
    assert np.abs(found[ring] - 0.02).mean() < 0.006 * 0.02
    beside = (np.hypot(x / 70, y / 60) > 1.15) & (np.hypot(x, y) < 92)
    assert np.abs(found[beside].mean()) < 0.004 * 0.02


@pytest.mark.parametrize("curved", [False, True])
def test_the_centre_of_a_ball_is_found_by_cone_beam_within_a_thousandth(curved: bool) -> None:
    grid = Grid((64, 64, 64), (2.0, 2.0, 2.0))
    geometry = Cone(500.0, 750.0, 84, 84, 3.0, 3.0, TURN, 0.7, 0.3, curved)
    found = fdk(forward(0.02 * ball(grid, (45.0,) * 3, (0.0,) * 3), geometry, grid=grid), geometry, grid=grid)
    r = np.sqrt(sum(a**2 for a in centres(grid)))
    assert found[r < 10].mean() == pytest.approx(0.02, rel=0.001)
    inner = found[(r < 36)]
    assert inner.std() < 0.01 * 0.02
    middle = found[:, :, 31:33].mean(axis=(0, 1)) / (0.02 * ball(grid, (45.0,) * 3, (0.0,) * 3)[:, :, 31:33]).mean(axis=(0, 1))
    np.testing.assert_allclose(middle, 1.0, atol=0.002)  # the mass of the plane of the source


@pytest.mark.parametrize("curved", [False, True])
def test_a_ball_off_the_axis_and_the_plane_lies_where_it_was(curved: bool) -> None:
    """At 8° of fan and 7° of cone. Feldkamp's method keeps integrals along the axis; a wrong height on the panel moves it by 0.3 mm."""
    grid, place = Grid((48, 48, 32), (2.0, 2.0, 2.0), (30.0, 0.0, 24.0)), (50.0, 0.0, 30.0)
    geometry = Cone(250.0, 375.0, 128, 64, 2.0, 4.0, TURN, 0.7, 0.3, curved)
    image = 0.02 * ball(grid, (12.0,) * 3, place)
    found = fdk(forward(image, geometry, grid=grid), geometry, grid=grid)
    x = centres(grid)
    near = np.sqrt(sum((a - c) ** 2 for a, c in zip(x, place))) < 18
    np.testing.assert_allclose([(found * a)[near].sum() / found[near].sum() for a in x], place, atol=0.06)
    assert found[np.hypot(x[0] - place[0], x[1] - place[1]) < 16].sum() == pytest.approx(image.sum(), rel=0.0025)


@pytest.mark.parametrize("kind", ["flat cone", "curved helix", "half fan"])
def test_images_of_parts_of_the_views_add_up_to_that_of_all(kind: str) -> None:
    turns = np.arange(240) * 2 * np.pi / 60
    half_fan = Cone(300.0, 500.0, 60, 50, 3.0, 2.7, TURN, 60.0)
    helix = Cone(300.0, 500.0, 90, 50, 3.0, 2.7, turns, 5.0, 4.0, True, 0.5 * (np.arange(240) - 120))
    geometry = {"flat cone": beams(TURN)["flat cone"], "curved helix": helix, "half fan": half_fan}[kind]
    assert isinstance(geometry, Cone)
    grid = Grid((24, 20, 11), (2.0, 1.6, 1.5), (3.0, -4.0, 5.0))
    rng = np.random.default_rng(6)
    count = geometry.angles_rad.size
    lines = rng.random((count, geometry.n_v, geometry.n_u)).astype(np.float32)
    phase = rng.integers(0, 3, count)
    whole = fdk(lines, geometry, grid=grid)
    parts = [fdk(lines, geometry, grid=grid, views=phase == k) for k in range(3)]
    np.testing.assert_allclose(np.sum(parts, axis=0), whole, atol=1e-4 * float(np.abs(whole).max()))
    assert np.abs(parts[0] - whole).max() > 0.1 * np.abs(whole).max()
    with pytest.raises(GeometryError, match="of each view"):
        fdk(lines, geometry, grid=grid, views=np.ones(count - 1, dtype=bool))


def test_a_displaced_panel_sees_twice_as_far() -> None:
    """A half-fan scan of a body wider than the panel sees in one view, against one with a panel that is wide enough."""
    grid = Grid((72, 72, 12), (3.0, 3.0, 3.0))
    image = 0.02 * ball(grid, (90.0, 80.0, 1e9), (0.0,) * 3) + 0.004 * ball(grid, (20.0, 20.0, 1e9), (50.0, 20.0, 0.0))
    x, y, _ = centres(grid)
    inner = np.hypot(x / 90, y / 80) < 0.8
    wide, half = (Cone(600.0, 900.0, n, 12, 4.5, 4.5, HALF_TURNS, d) for n, d in ((76, 0.0), (46, 67.5)))
    whole, part = (fdk(forward(image, g, grid=grid), g, grid=grid) for g in (wide, half))
    middle = inner & (np.abs(centres(grid)[2]) < 4)
    assert np.abs(part - whole)[middle].mean() < 0.002 * 0.02
    assert abs((part - whole)[middle].mean()) < 1e-4 * 0.02


def test_a_taper_takes_most_of_the_bowl_from_a_body_wider_than_the_field() -> None:
    """Without it the rim of the field reads far too high."""
    geometry = Fan(400.0, 600.0, 100, 2.0, FULL, 0.5)
    seen = forward(0.02 * ball(SLICE, (85.0, 80.0, 1e9), (0.0,) * 3), geometry, grid=SLICE)
    x, y, _ = (a[:, :, 0] for a in centres(SLICE))
    broken, faded = (fbp(seen, geometry, grid=SLICE, taper_mm=taper_mm)[:, :, 0] for taper_mm in (0.0, 40.0))
    rim, middle = (np.hypot(x, y) > 55) & (np.hypot(x, y) < 62), np.hypot(x, y) < 10
    assert broken[rim].mean() > 1.4 * 0.02
    assert faded[rim].mean() == pytest.approx(0.02, rel=0.06)
    assert abs(faded[middle].mean() / 0.02 - 1) < 0.2 * abs(broken[middle].mean() / 0.02 - 1)


def test_a_helix_finds_a_long_ball_and_a_circle_of_the_same_rows_does_not() -> None:
    grid = Grid((48, 48, 40), (2.0, 2.0, 2.0))
    image = 0.02 * ball(grid, (35.0, 35.0, 34.0), (0.0,) * 3)
    angles = np.arange(7 * 72) * 2 * np.pi / 72
    z_mm = 24.0 * (angles / (2 * np.pi) - 3.5)
    helix = Cone(500.0, 750.0, 64, 20, 3.0, 3.0, angles, 0.7, curved=True, z_mm=z_mm)
    circle = Cone(500.0, 750.0, 64, 20, 3.0, 3.0, angles[:72], 0.7, curved=True)
    inner = np.sqrt(sum(a**2 for a in centres(grid))) < 28
    found, lost = (fdk(forward(image, g, grid=grid), g, grid=grid) for g in (helix, circle))
    assert found[inner].mean() == pytest.approx(0.02, rel=0.004)
    assert found[inner].std() < 0.03 * 0.02
    assert lost[inner].mean() < 0.9 * 0.02
