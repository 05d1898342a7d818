"""Files as others lay them out: SPECT/CT by scan, reference phantoms, spatial transcriptomics, tables of voxel S values."""

import gzip
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy import io as scipy_io
from scipy import sparse

from gemel.core.errors import GemelError, GeometryError, InputError, RangeError
from gemel.core.image import Image
from gemel.engines.dose.kernel import voxel_kernel
from gemel.engines.dose.kernel.gate import require_energy
from gemel.io import Identity, content_uid, write_image, write_nm
from gemel.io.icrp110 import density_of, mask_of, read_icrp110
from gemel.io.spect_ct import read_spect_ct
from gemel.io.visium import of_genes, read_visium
from gemel.io.voxel_kernel import read_voxel_kernel
from tests.unit.io.test_io_nuclear import scan


def spect_ct(folder: Path, *, scans: int = 10) -> Path:
    """Folders scan1 … scan10, so that names sorted as words are in another order than as numbers."""
    affine_mm = np.diag([4.0, 4.0, 4.0, 1.0])
    for n in range(1, scans + 1):
        place = folder / "Patient_004" / "SPECT_Cts" / f"scan{n}"
        (place / "spect").mkdir(parents=True)
        later = replace(scan(), acquired_s=scan().acquired_s + 86400.0 * n, source="")
        write_nm(place / "spect" / "spect.dcm", later, Identity("P-004"))
        ct = Image(np.full((8, 8, 4), float(n), np.float32), affine_mm, content_uid("frame", str(n)))
        write_image(place / "ct", ct, Identity("P-004"))
    return folder / "Patient_004"


def test_scans_of_the_challenge_come_in_their_order_each_with_its_ct(tmp_path: Path) -> None:
    found = read_spect_ct(spect_ct(tmp_path))
    assert [one.name for one in found] == [f"scan{n}" for n in range(1, 11)]
    assert [float(one.ct.array[0, 0, 0]) for one in found] == [float(n) for n in range(1, 11)]
    assert np.diff([one.spect.acquired_s for one in found]) == pytest.approx(86400.0)


def _no_ct(folder: Path) -> None:
    (folder / "SPECT_Cts" / "scan2" / "ct").rename(folder / "SPECT_Cts" / "scan2" / "other")


def _another_patient(folder: Path) -> None:
    write_nm(folder / "SPECT_Cts" / "scan2" / "spect" / "spect.dcm", replace(scan(), acquired_s=scan().acquired_s + 2e5), Identity("Q"))


def _no_scan(folder: Path) -> None:
    (folder / "SPECT_Cts").rename(folder / "images")


@pytest.mark.parametrize(("change", "found"), [(_no_ct, "no ct"), (_another_patient, "PatientID 'Q'"), (_no_scan, "no scan")])
def test_a_layout_with_a_hole_is_refused(tmp_path: Path, change: Callable[[Path], None], found: str) -> None:
    folder = spect_ct(tmp_path, scans=2)
    change(folder)
    with pytest.raises(GemelError, match=found):
        read_spect_ct(folder)


ORGANS = """Organ ID  Organ/tissue                                    Tissue number   Density
                                                              (see media.dat)  [g/cm3]

1     Adrenal, left                                     3   1.030
2     Adrenal, right                                    3   1.030
97    Lung (97), left, tissue                          50   0.385
"""


def phantom(folder: Path, numbers: np.ndarray) -> tuple[Path, Path]:
    """Slice by slice, row by row, column by column; several numbers a line."""
    words = [str(int(n)) for n in numbers.transpose(2, 1, 0).ravel()]
    (folder / "AM.dat").write_text("\n".join(" ".join(words[i : i + 7]) for i in range(0, len(words), 7)) + "\n")
    (folder / "AM_organs.dat").write_text(ORGANS, encoding="latin-1")
    return folder / "AM.dat", folder / "AM_organs.dat"


def test_a_phantom_of_organ_numbers_stands_upright_with_its_densities(tmp_path: Path) -> None:
    numbers = np.zeros((5, 4, 3), int)
    numbers[4, 0, 2], numbers[0, 3, 0], numbers[2, 1, 1] = 1, 2, 97
    found = read_icrp110(*phantom(tmp_path, numbers), shape=(5, 4, 3), spacing_mm=(2.137, 2.137, 8.0))
    np.testing.assert_array_equal(found.labels.array, numbers)
    assert found.labels.spacing_mm == pytest.approx([2.137, 2.137, 8.0])
    density = density_of(found).array
    assert (density[2, 1, 1], density[4, 0, 2], density[1, 1, 1]) == pytest.approx((0.385, 1.03, 0.001))
    assert found.organs[97].name == "Lung (97), left, tissue"
    assert np.argwhere(mask_of(found, "adrenal")).tolist() == [[0, 3, 0], [4, 0, 2]]


def test_a_phantom_of_another_size_or_organ_is_refused(tmp_path: Path) -> None:
    with pytest.raises(GeometryError, match=r"60 voxels where \(254, 127, 222\)"):
        read_icrp110(*phantom(tmp_path, np.zeros((5, 4, 3))))
    with pytest.raises(InputError, match="organ 5 without a row"):
        read_icrp110(*phantom(tmp_path, np.full((5, 4, 3), 5)), shape=(5, 4, 3), spacing_mm=(1.0, 1.0, 1.0))


def slide(folder: Path, *, heading: bool = True, packed: bool = True, pixels: float = 200.0) -> Path:
    """A hexagonal patch of spots 100 µm apart, `pixels` of the full-resolution image; one of them beside the tissue."""
    (folder / "spatial").mkdir()
    rows, names = [], []
    for row in range(4):
        for column in range(row % 2, 8, 2):
            y, x = 50 + row * pixels * np.sqrt(0.75), 70 + column * pixels / 2
            names.append(f"SPOT{row}{column}-1")
            rows.append(f"{names[-1]},{int((row, column) != (0, 0))},{row},{column},{round(y)},{round(x)}")
    head = ["barcode,in_tissue,array_row,array_col,pxl_row_in_fullres,pxl_col_in_fullres"] if heading else []
    (folder / "spatial" / f"tissue_positions{'' if heading else '_list'}.csv").write_text("\n".join([*head, *rows]) + "\n")
    (folder / "spatial" / "scalefactors_json.json").write_text(json.dumps({"spot_diameter_fullres": 0.65 * 200.0}))
    counts = sparse.coo_matrix(np.arange(3 * len(names)).reshape(3, -1)[:, ::-1] + 1)
    held = folder / "filtered_feature_bc_matrix"
    held.mkdir()
    scipy_io.mmwrite(held / "matrix.mtx", counts, field="integer")
    (held / "barcodes.tsv").write_text("\n".join(names[::-1]) + "\n")
    (held / "features.tsv").write_text("".join(f"ENSG{n}\t{gene}\tGene Expression\n" for n, gene in enumerate(("FOLH1", "FAP", "GRPR"))))
    if packed:
        for name in ("matrix.mtx", "barcodes.tsv", "features.tsv"):
            (held / f"{name}.gz").write_bytes(gzip.compress((held / name).read_bytes()))
            (held / name).unlink()
    return folder


@pytest.mark.parametrize(("heading", "packed"), [(True, True), (False, False)])
def test_a_slide_comes_in_with_places_in_mm_and_counts_by_its_own_barcodes(tmp_path: Path, heading: bool, packed: bool) -> None:
    found = read_visium(slide(tmp_path, heading=heading, packed=packed))
    assert len(found.barcodes) == 15
    assert "SPOT00-1" not in found.barcodes
    first, second = (found.barcodes.index(name) for name in ("SPOT02-1", "SPOT04-1"))
    assert found.x_mm[second] - found.x_mm[first] == pytest.approx(0.1, rel=2e-3)
    assert found.y_mm[found.barcodes.index("SPOT11-1")] - found.y_mm[first] == pytest.approx(0.0866, rel=1e-2)
    assert found.counts[0, first] == 2  # the second of the barcodes' positions, the last but one column of the file
    genes = of_genes(found, ["FOLH1", "GRPR"])
    assert genes["GRPR"][first] / genes["FOLH1"][first] == pytest.approx((2 + 32) / 2)
    with pytest.raises(InputError, match="no gene 'PSMA'"):
        of_genes(found, ["PSMA"])


def test_a_slide_whose_two_scales_differ_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RangeError, match="a pixel by the pitch"):
        read_visium(slide(tmp_path, pixels=60.0))


def test_counts_come_from_hdf5_too(tmp_path: Path) -> None:
    h5py = pytest.importorskip("h5py")
    from gemel.io.visium_hdf5 import read_counts_hdf5

    by_text = read_visium(slide(tmp_path))
    matrix = sparse.csc_matrix(np.arange(48).reshape(3, 16)[:, ::-1] + 1)
    names = [line for line in gzip.decompress((tmp_path / "filtered_feature_bc_matrix" / "barcodes.tsv.gz").read_bytes()).split()]
    with h5py.File(tmp_path / "a.h5", "w") as file:
        group = file.create_group("matrix")
        for key, values in (("data", matrix.data), ("indices", matrix.indices), ("indptr", matrix.indptr), ("shape", matrix.shape)):
            group[key] = values
        group["barcodes"], group["features/name"] = names, [b"FOLH1", b"FAP", b"GRPR"]
    found = read_visium(tmp_path, read_counts_hdf5(tmp_path / "a.h5"))
    np.testing.assert_array_equal(found.counts.toarray(), by_text.counts.toarray())
    (tmp_path / "a.h5").write_bytes(b"no")
    with pytest.raises(InputError, match="not a matrix"):
        read_counts_hdf5(tmp_path / "a.h5")


def kernel(folder: Path, octant: np.ndarray, *, size: int = 5, name: str = "177Lu_soft_4.0mm") -> Path:
    """mGy/(MBq s) by place."""
    rows = [f"{i},{j},{k},{octant[i, j, k] * 1e9:.6e}" for i, j, k in np.ndindex(octant.shape)]
    path = folder / f"{name}_{size}x{size}x{size}.csv"
    path.write_text("\n".join(["i,j,k,S [mGy/MBq/s]", *rows]) + "\n")
    return path


def test_a_table_of_voxel_S_values_becomes_a_whole_kernel_and_passes_the_gate(tmp_path: Path) -> None:
    own = voxel_kernel("Lu-177", 4.0, 2)
    found = read_voxel_kernel(kernel(tmp_path, own[2:, 2:, 2:]))
    assert (found.nuclide, found.voxel_mm) == ("Lu-177", 4.0)
    np.testing.assert_allclose(found.kernel_Gy, own, rtol=1e-5)
    assert require_energy(found.kernel_Gy, "Lu-177", 4.0, density_g_cm3=1.03) == pytest.approx(1.0, abs=1e-3)


def test_a_kernel_without_its_conversion_electrons_is_refused() -> None:
    """The table that circulates at 2.21 mm holds 0.1395 MeV a decay, 5 to 7 % too little."""
    own = voxel_kernel("Lu-177", 2.21, 5)
    mass_kg = 2.21**3 * 1.04e-6
    short = own * (0.1395 * 1.602176634e-13 / mass_kg / own.sum())
    with pytest.raises(RangeError, match=r"139\.5 keV a decay in a block"):
        require_energy(short, "Lu-177", 2.21, density_g_cm3=1.04)


@pytest.mark.parametrize(
    ("change", "found"),
    [
        (lambda folder, octant: kernel(folder, octant, name="kernel"), "a kernel named"),
        (lambda folder, octant: kernel(folder, octant[:2, :2, :2]), "8 values up to index 1 for a name that says 5"),
        (lambda folder, octant: kernel(folder, -octant), "no table"),
    ],
)
def test_a_table_that_is_no_octant_is_refused(tmp_path: Path, change: Callable[[Path, np.ndarray], Path], found: str) -> None:
    with pytest.raises(InputError, match=found):
        read_voxel_kernel(change(tmp_path, voxel_kernel("Lu-177", 4.0, 2)[2:, 2:, 2:]))
