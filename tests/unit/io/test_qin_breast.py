"""Studies of the QIN-Breast collection by date, and ADC from b-values."""

from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

from gemel.core.errors import InputError
from gemel.core.time import seconds
from gemel.io.qin_breast import adc_mm2_s, read_qin_breast, study_date

AFFINE = np.diag([2.0, 2.0, 5.0, 1.0])
SHAPE = (12, 10, 6)


def study(patient: Path, name: str, adc: float) -> Path:
    folder = patient / name
    folder.mkdir(parents=True)
    b = np.array([0.0, 600.0])
    tumour = np.zeros(SHAPE, np.float32)
    tumour[3:8, 3:7, 2:4] = 1
    truth = np.where(tumour > 0, adc, 1.9e-3)
    nib.Nifti1Image((1000 * np.exp(-truth[..., None] * b)).astype(np.float32), AFFINE).to_filename(folder / "x_dwi.nii.gz")
    nib.Nifti1Image(tumour, AFFINE).to_filename(folder / "tumour.nii.gz")
    (folder / "x_dwi.bval").write_text("0 600\n")
    return folder


def test_visits_in_order_with_their_adc(tmp_path: Path) -> None:
    study(tmp_path, "05-02-1994-NA-BREAST MRI-1", 1.4e-3)
    study(tmp_path, "03-13-1994-NA-BREAST MRI-2", 1.0e-3)
    (tmp_path / "notes").mkdir()
    first, second = read_qin_breast(tmp_path)
    assert first.acquired_s == seconds("1994-03-13T12:00:00") < second.acquired_s
    for visit, adc in ((first, 1.0e-3), (second, 1.4e-3)):
        np.testing.assert_allclose(visit.adc_mm2_s.array[visit.tumour], adc, rtol=1e-4)
        assert int(visit.tumour.sum()) == 40


def test_adc_of_three_b_values_with_noise_on_none() -> None:
    b = np.array([0.0, 200.0, 800.0])
    adc = np.array([0.5e-3, 1.5e-3, 3.0e-3])
    signal = 500 * np.exp(-adc[:, None] * b).reshape(1, 1, 3, 3)
    np.testing.assert_allclose(adc_mm2_s(signal, b)[0, 0], adc, rtol=1e-9)
    assert adc_mm2_s(np.zeros((1, 1, 1, 3)), b)[0, 0, 0] == 0
    with pytest.raises(InputError, match="b ="):
        adc_mm2_s(signal, np.array([0.0, 20.0, 50.0]))


def test_what_is_missing_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no study"):
        read_qin_breast(tmp_path)
    folder = study(tmp_path, "03-13-1994-NA-BREAST MRI-2", 1.0e-3)
    (folder / "tumour.nii.gz").unlink()
    with pytest.raises(InputError, match="no outline"):
        read_qin_breast(tmp_path)
    (folder / "x_dwi.bval").write_text("b0 b600")
    study(tmp_path, "03-13-1994-NA-OTHER-3", 1.0e-3)
    with pytest.raises(InputError, match="one day"):
        read_qin_breast(tmp_path)
    assert study_date("readme") == ""
