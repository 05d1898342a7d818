"""Two public layouts of serial glioma segmentations become dated visits."""

import json
from pathlib import Path

import numpy as np
import pytest

from gemel import io
from gemel.core.errors import InputError, StructureError
from gemel.core.image import Image
from gemel.io.glioma_layouts import read_lumiere, read_upenn_gbm

FIRST = "2000-01-01T12:00:00"


def write(path: Path, *values: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    labels = np.zeros((6, 6, 6), dtype=np.float32)
    for n, value in enumerate(values, start=1):
        labels[n, 2:4, 2:4] = value
    io.write_nifti(path, Image(labels, np.eye(4)))


def test_upenn_visits_are_dated_by_the_table(tmp_path: Path) -> None:
    for visit in ("11", "21"):
        write(tmp_path / f"UPENN-GBM-00007_{visit}_segm.nii.gz", 1, 2, 4)
    write(tmp_path / "UPENN-GBM-00008_11_segm.nii.gz", 4)
    table = tmp_path / "clinical.csv"
    table.write_text("ID,Gender,Time_since_baseline_preop\nUPENN-GBM-00007_11,F,Not Available\nUPENN-GBM-00007_21,F,146\n")
    found = read_upenn_gbm(tmp_path, "UPENN-GBM-00007", table, first=FIRST)
    assert [visit.acquired[:10] for visit in found] == ["2000-01-01", "2000-05-26"]
    assert set(found[0].structures.masks) == {"necrosis", "oedema", "enhancing"}
    assert found[1].identity == io.Identity("UPENN-GBM-00007")
    table.write_text("ID,Time_since_baseline_preop\n")
    with pytest.raises(InputError, match="columns"):
        read_upenn_gbm(tmp_path, "UPENN-GBM-00007", table, first=FIRST)
    table.write_text("ID,Time_since_baseline_preop\nUPENN-GBM-00001_21,3\n")
    with pytest.raises(InputError, match="no day"):
        read_upenn_gbm(tmp_path, "UPENN-GBM-00007", table, first=FIRST)
    with pytest.raises(InputError, match="no segmentation"):
        read_upenn_gbm(tmp_path, "UPENN-GBM-00099", table, first=FIRST)


def test_lumiere_weeks_are_days_and_labels_are_said(tmp_path: Path) -> None:
    who, within = tmp_path / "Patient-042", "auto/segmentation.nii.gz"
    for week in ("week-000-1", "week-000-2", "week-044"):
        write(who / week / within, 1, 2)
    (who / "week-050").mkdir()
    names = {"1": "oedema", "2": "enhancing"}
    found = read_lumiere(who, within, names, first=FIRST)
    assert [visit.acquired[:10] for visit in found] == ["2000-01-01", "2000-01-02", "2000-11-04"]
    assert found[2].structures["enhancing"].sum() == 4
    with pytest.raises(StructureError, match="label 1"):
        read_lumiere(who, within, {"2": "enhancing"}, first=FIRST)
    write(who / "week-044-1" / within, 1, 2)
    with pytest.raises(InputError, match="one day"):
        read_lumiere(who, within, names, first=FIRST)


def sidecar(path: Path) -> dict[str, object]:
    found: dict[str, object] = json.loads(path.with_name(path.name.replace(".nii.gz", ".json")).read_text())
    return found


def test_a_folder_of_upenn_is_read_as_visits(tmp_path: Path) -> None:
    inner = tmp_path / "images_segm"
    for visit in ("11", "21"):
        write(inner / f"UPENN-GBM-00007_{visit}_segm.nii.gz", 1, 2, 4)
    with pytest.raises(InputError, match="no day"), io.as_visits([inner], first=FIRST):
        pass
    (tmp_path / "clinical.csv").write_text("ID,Time_since_baseline_preop\nUPENN-GBM-00007_21,146\n")
    with io.as_visits([inner], first=FIRST) as paths:
        found = [io.read_visit(path) for path in paths]
        assert sidecar(paths[1])["PatientID"] == "UPENN-GBM-00007"
    assert [visit.acquired[:10] for visit in found] == ["2000-01-01", "2000-05-26"]
    assert not paths[0].exists()
    with pytest.raises(InputError, match="no date"), io.as_visits([inner]):
        pass
    write(inner / "UPENN-GBM-00008_11_segm.nii.gz", 4)
    with pytest.raises(InputError, match="2 patients"), io.as_visits([inner], first=FIRST):
        pass


def test_a_folder_of_lumiere_is_read_as_visits_and_others_go_through(tmp_path: Path) -> None:
    who, within = tmp_path / "Patient-042", "auto/segmentation.nii.gz"
    for week in ("week-000", "week-044"):
        write(who / week / within, 1, 2)
    with pytest.raises(InputError, match="no layout"), io.as_visits([who], first=FIRST):
        pass
    (who / "layout.json").write_text(json.dumps({"within": within, "labels": {"1": "oedema", "2": "enhancing"}}))
    other = tmp_path / "seg.dcm"
    with io.as_visits([who, other], first=FIRST) as paths:
        assert paths[2] == other
        assert [io.read_visit(path).acquired[:10] for path in paths[:2]] == ["2000-01-01", "2000-11-04"]
