"""`gemel scanner choose` from localisers alone: more dose than with a CT of the same patient, and nothing from files that do not fit."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest
from typer.testing import CliRunner

from gemel.cli import app
from gemel.core.image import Image
from gemel.devices.ct import generic, water_ellipse_HU
from gemel.io import Identity, write_image
from tests.unit.io.localisers import localisers, write_localiser

Z_MM = np.arange(10) * 20.0
FEW = ("--kvp", "120", "--slice-mm", "5", "--kernel", "soft", "--modulation", "1")
OTHER = Identity("P2", study_uid="1.2.3", frame_uid="1.2.4")


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """front.dcm, side.dcm, other.dcm (another patient's), moved.dcm (another frame of reference) and ct/."""
    folder = tmp_path_factory.mktemp("localisers")
    hu = water_ellipse_HU(32, 24)
    front, side = localisers([hu] * 10, (3.0, 3.0), Z_MM, generic())
    write_localiser(folder / "front.dcm", front)
    write_localiser(folder / "side.dcm", side)
    write_localiser(folder / "other.dcm", side, OTHER)
    write_localiser(folder / "moved.dcm", side, Identity("P1", study_uid="1.2.3", frame_uid="1.2.9"))
    affine = np.diag([3.0, 3.0, 20.0, 1.0])
    affine[:2, 3] = -298.5
    image = Image(np.repeat(hu[:, :, None], 10, axis=2).astype(np.float32), affine)
    write_image(folder / "ct", image, Identity("P1", study_uid="1.2.3", frame_uid="1.2.4"))
    return folder


def run(*words: object, code: int = 0) -> Any:
    found = CliRunner().invoke(app, ["scanner", "choose", "--task", "8 mm, -30 HU", "--target", "2", *FEW, "--json", *map(str, words)])
    assert found.exit_code == code, found.output
    return json.loads(found.stdout) if code == 0 else found.stderr


def test_localisers_ask_for_more_dose_than_a_CT_and_one_for_more_than_two(files: Path, tmp_path: Path) -> None:
    ct = run("--ct", files / "ct", "--region", "abdomen")
    both = run("--localiser", files / "front.dcm", "--localiser", files / "side.dcm", "--out", tmp_path)
    one = run("--localiser", files / "front.dcm")
    doses = [found["recommended"]["ctdivol_mGy"] for found in (ct, both, one)]
    assert doses[0] < doses[1] < doses[2]
    assert doses[1] < 2.5 * doses[0]
    width = [np.divide(*found["recommended"]["interval_90"][::-1]) for found in (ct, both, one)]
    assert width[0] < width[1] < width[2]
    assert both["water_equivalent_diameter_cm"] == pytest.approx(ct["water_equivalent_diameter_cm"], rel=0.07)
    assert "2 localiser(s)" in Path(both["page"]).read_text(encoding="utf-8")
    assert {str(row.ReferencedSOPInstanceUID) for row in evidence(Path(both["report"]))} == {
        str(pydicom.dcmread(files / f"{side}.dcm").SOPInstanceUID) for side in ("front", "side")
    }


def evidence(path: Path) -> list[Any]:
    held = pydicom.dcmread(path).CurrentRequestedProcedureEvidenceSequence
    return [item for study in held for series in study.ReferencedSeriesSequence for item in series.ReferencedSOPSequence]


def test_doses_of_the_scan_follow_its_length(files: Path) -> None:
    ct = run("--ct", files / "ct", "--region", "abdomen")
    best = ct["recommended"]
    assert ct["scan_length_mm"] == pytest.approx(200.0)
    assert best["dlp_mGy_cm"] == pytest.approx(20 * best["ctdivol_mGy"])
    assert best["effective_mSv"] == pytest.approx(0.015 * best["dlp_mGy_cm"])
    from_one = run("--localiser", files / "front.dcm")
    assert from_one["recommended"]["dlp_mGy_cm"] is None
    assert run("--localiser", files / "front.dcm", "--length-mm", 300)["recommended"]["dlp_mGy_cm"] > 0


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--localiser", "front.dcm", "--localiser", "other.dcm"), "PatientID"),
        (("--localiser", "front.dcm", "--localiser", "moved.dcm"), "frame of reference"),
        (("--localiser", "front.dcm", "--localiser", "front.dcm"), "2 localisers"),
        (("--localiser", "ct/CT_0001.dcm"), "no localiser"),
        (("--localiser", "front.dcm", "--ct", "ct"), "both a CT and localisers"),
        ((), "neither a CT nor a localiser"),
        (("--localiser", "front.dcm", "--at", "0,0,900"), "show no body"),
        (("--localiser", "front.dcm", "--at", "230,0,100"), "outside the body"),
        (("--ct", "ct", "--region", "knee"), "region named"),
        (("--ct", "ct", "--length-mm", "-5"), "-5 mm"),
    ],
)
def test_what_does_not_fit_is_one_line_and_nothing_is_written(files: Path, tmp_path: Path, words: tuple[str, ...], said: str) -> None:
    given = [files / word if word.endswith("dcm") or word == "ct" else word for word in words]
    text = run(*given, "--out", tmp_path / "out", code=1)
    errors = [line for line in text.splitlines() if "gemel:" in line]
    assert len(errors) == 1
    assert said in errors[0]
    assert not (tmp_path / "out").exists()
