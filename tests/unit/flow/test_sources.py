"""What stands in for a header, and when: the injection stated at the beginning is that of the first cycle alone."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from gemel.core.activity import ActivityImage
from gemel.core.image import Image
from gemel.core.record import Action
from gemel.core.time import DAY_S, iso, seconds
from gemel.flow.sources import Asked, read
from gemel.io import Identity, write_nifti, write_nm
from gemel.systems.theranostics.system import SYSTEM

FIRST_s = seconds("2026-03-02T09:00:00")
SECOND_s = FIRST_s + 42 * DAY_S
OPTIONS = {"nuclide": "Lu-177", "injected": iso(FIRST_s), "injected_MBq": 7000.0}
GIVEN = (Action("administer", SECOND_s, 5000.0, "MBq", "act"),)


def image(injected_s: float) -> ActivityImage:
    held = Image(np.ones((3, 3, 3), np.float32), np.diag([4.0, 4.0, 4.0, 1.0]), "1.2.3")
    return ActivityImage(held, "counts", "Lu-177", injected_s + DAY_S, 1200.0, injected_s, 6100.0, "none")


def dicom(folder: Path, scan: ActivityImage) -> Path:
    write_nm(folder / "a.dcm", scan, Identity("P"))
    return folder / "a.dcm"


def nifti(folder: Path, scan: ActivityImage, **changes: object) -> Path:
    write_nifti(folder / "a.nii.gz", scan.image)
    fields = {"TracerRadionuclide": "Lu-177", "InjectedRadioactivity": scan.injected_MBq, "InjectedRadioactivityUnits": "MBq"}
    fields |= {"Units": "counts", "InjectionDateTime": iso(scan.injected_s), "AcquisitionDateTime": iso(scan.acquired_s)}
    fields |= {"FrameDuration": 1200.0, "ImageDecayCorrected": False, **changes}
    (folder / "a.json").write_text(json.dumps({name: value for name, value in fields.items() if value is not None}))
    return folder / "a.nii.gz"


@pytest.mark.parametrize("write", [dicom, nifti])
def test_what_was_stated_at_the_beginning_does_not_go_before_a_later_cycles_header(
    tmp_path: Path, write: Callable[[Path, ActivityImage], Path]
) -> None:
    second = read("spect", write(tmp_path, image(SECOND_s)), Asked(SYSTEM, options=OPTIONS, given=GIVEN)).value
    assert (second.injected_s, second.injected_MBq) == (SECOND_s, 6100.0)


@pytest.mark.parametrize("write", [dicom, nifti])
def test_of_the_first_cycle_it_does_even_when_more_was_given_since(tmp_path: Path, write: Callable[[Path, ActivityImage], Path]) -> None:
    first = read("spect", write(tmp_path, replace(image(FIRST_s), injected_s=FIRST_s - 60)), Asked(SYSTEM, options=OPTIONS, given=GIVEN))
    assert (first.value.injected_s, first.value.injected_MBq) == (FIRST_s, 7000.0)


def test_a_later_cycle_without_its_injection_takes_what_was_recorded(tmp_path: Path) -> None:
    path = nifti(tmp_path, image(SECOND_s), InjectionDateTime=None, InjectedRadioactivity=None, TracerRadionuclide=None)
    found = read("spect", path, Asked(SYSTEM, options=OPTIONS, given=GIVEN)).value
    assert (found.injected_s, found.injected_MBq, found.nuclide) == (SECOND_s, 5000.0, "Lu-177")
