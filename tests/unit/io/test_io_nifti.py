"""NIfTI in and out."""

from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

from gemel.core.errors import GeometryError, InputError, RangeError, UnitError
from gemel.core.image import Image, is_axis_aligned, same_grid, with_array
from gemel.io import read_nifti, write_nifti


@pytest.mark.parametrize("name", ["image.nii", "image.nii.gz"])
@pytest.mark.parametrize("scale, dtype", [(1.0, np.int16), (0.37, np.float32)])
def test_an_image_reads_back_equal_at_the_same_place(tmp_path: Path, phantom: Image, name: str, scale: float, dtype: type) -> None:
    image = with_array(phantom, phantom.array * np.float32(scale))
    write_nifti(tmp_path / name, image)
    back = read_nifti(tmp_path / name, frame=image.frame)
    assert np.array_equal(back.array, image.array)
    assert back.array.dtype == np.float32
    assert same_grid(back, image)
    assert back.frame == image.frame
    assert nib.load(tmp_path / name).get_data_dtype() == dtype


def test_masks_are_bytes_and_equal_images_give_equal_bytes(tmp_path: Path, phantom: Image) -> None:
    mask = with_array(phantom, phantom.array > 0)
    write_nifti(tmp_path / "a.nii.gz", mask)
    write_nifti(tmp_path / "b.nii.gz", mask)
    assert nib.load(tmp_path / "a.nii.gz").get_data_dtype() == np.uint8
    assert (tmp_path / "a.nii.gz").read_bytes() == (tmp_path / "b.nii.gz").read_bytes()
    assert np.array_equal(read_nifti(tmp_path / "a.nii.gz").array > 0, mask.array)


def test_ras_becomes_lps(tmp_path: Path) -> None:
    """A voxel 10 mm to the right, 20 mm anterior, 30 mm superior lies at LPS (-10, -20, 30)."""
    array = np.zeros((3, 4, 5), dtype=np.float32)
    array[1, 2, 3] = 7
    affine = np.diag([2.0, 3.0, 4.0, 1.0])
    affine[:3, 3] = (8.0, 14.0, 18.0)
    nib.Nifti1Image(array, affine).to_filename(tmp_path / "ras.nii")
    image = read_nifti(tmp_path / "ras.nii")
    assert is_axis_aligned(image)
    (index,) = np.argwhere(image.array == 7)
    np.testing.assert_allclose(image.affine_mm[:3, :3] @ index + image.origin_mm, (-10, -20, 30))


@pytest.mark.parametrize("axes", [(0, 1, 2), (2, 0, 1), (1, 0, 2)])
@pytest.mark.parametrize("signs", [(1, 1, 1), (-1, 1, -1), (1, -1, 1)])
def test_any_storage_order_gives_the_same_image(tmp_path: Path, phantom: Image, axes: tuple[int, ...], signs: tuple[int, ...]) -> None:
    stored, affine = phantom.array, np.diag([-1.0, -1.0, 1.0, 1.0]) @ phantom.affine_mm
    for axis in range(3):
        if signs[axis] < 0:
            stored = np.flip(stored, axis)
            affine[:3, 3] += affine[:3, axis] * (stored.shape[axis] - 1)
            affine[:3, axis] *= -1
    nib.Nifti1Image(stored.transpose(axes), affine[:, [*axes, 3]]).to_filename(tmp_path / "any.nii.gz")
    image = read_nifti(tmp_path / "any.nii.gz")
    assert np.array_equal(image.array, phantom.array)
    assert same_grid(image, phantom)


def test_metres_become_millimetres(tmp_path: Path) -> None:
    volume = nib.Nifti1Image(np.zeros((2, 2, 2), np.float32), np.diag([0.002, 0.002, 0.003, 1.0]))
    volume.header.set_xyzt_units("meter", "sec")
    volume.to_filename(tmp_path / "m.nii")
    np.testing.assert_allclose(read_nifti(tmp_path / "m.nii").spacing_mm, (2, 2, 3), rtol=1e-6)
    data = bytearray((tmp_path / "m.nii").read_bytes())
    data[123] = 5
    (tmp_path / "m.nii").write_bytes(data)
    with pytest.raises(UnitError, match=r"spatial unit code 5 in .*m\.nii"):
        read_nifti(tmp_path / "m.nii")


# ---- bad input


def _refuse(path: Path, error: type[InputError], match: str) -> None:
    with pytest.raises(error, match=match) as caught:
        read_nifti(path)
    assert path.name in str(caught.value)
    assert caught.value.remedy


def test_four_dimensions_are_refused_unless_the_last_is_one(tmp_path: Path) -> None:
    nib.Nifti1Image(np.zeros((3, 3, 3, 2), np.float32), np.eye(4)).to_filename(tmp_path / "4d.nii")
    _refuse(tmp_path / "4d.nii", GeometryError, r"a volume of shape \(3, 3, 3, 2\)")
    nib.Nifti1Image(np.zeros((3, 3, 3, 1), np.float32), np.eye(4)).to_filename(tmp_path / "1.nii")
    assert read_nifti(tmp_path / "1.nii").shape == (3, 3, 3)


def test_shear_is_refused(tmp_path: Path) -> None:
    affine = np.eye(4)
    affine[1, 2] = 0.1
    nib.Nifti1Image(np.zeros((3, 3, 3), np.float32), affine).to_filename(tmp_path / "shear.nii")
    _refuse(tmp_path / "shear.nii", GeometryError, "not orthogonal")


def test_an_axis_without_length_is_refused(tmp_path: Path) -> None:
    flat = np.diag([2.0, 0.0, 3.0, 1.0])
    volume = nib.Nifti1Image(np.zeros((3, 3, 3), np.float32), None)
    volume.header["srow_x"], volume.header["srow_y"], volume.header["srow_z"] = flat[:3]
    volume.header["sform_code"], volume.header["qform_code"], volume.header["xyzt_units"] = 1, 0, 2
    (tmp_path / "flat.nii").write_bytes(volume.header.binaryblock + b"\0" * (4 + 27 * 4))
    with pytest.raises(GeometryError, match=r"voxel axes of .* mm in .*flat\.nii"):
        read_nifti(tmp_path / "flat.nii")


def test_an_unknown_orientation_is_refused(tmp_path: Path) -> None:
    volume = nib.Nifti1Image(np.zeros((3, 3, 3), np.float32), None)
    volume.header["sform_code"] = volume.header["qform_code"] = 0
    volume.to_filename(tmp_path / "nowhere.nii")
    _refuse(tmp_path / "nowhere.nii", GeometryError, "orientation is unknown")


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_values_that_are_not_finite_are_refused_both_ways(tmp_path: Path, phantom: Image, value: float) -> None:
    array = phantom.array.copy()
    array[0, 0, 0] = value
    nib.Nifti1Image(array, np.eye(4)).to_filename(tmp_path / "nan.nii")
    _refuse(tmp_path / "nan.nii", InputError, "1 voxels that are not finite")
    with pytest.raises(RangeError, match="not finite"):
        write_nifti(tmp_path / "out.nii", with_array(phantom, array))
    assert not (tmp_path / "out.nii").exists()


@pytest.mark.parametrize("name", ["cut.nii", "cut.nii.gz"])
def test_a_file_cut_anywhere_is_refused(tmp_path: Path, phantom: Image, name: str) -> None:
    path = tmp_path / name
    write_nifti(path, phantom)
    whole = path.read_bytes()
    for length in [0, 1, 5, 100, 347, 353, len(whole) // 2, len(whole) - 10, len(whole) - 1]:
        path.write_bytes(whole[:length])
        _refuse(path, InputError, "not a readable NIfTI-1 file")
    path.write_bytes(b"CT of Monday" * 50)
    _refuse(path, InputError, "not a readable NIfTI-1 file")
    _refuse(tmp_path / "absent.nii", InputError, "cannot read the file")
