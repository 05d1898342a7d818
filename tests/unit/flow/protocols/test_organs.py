"""Organ doses at the recommended setting: those of the body they lie in, scaled by its CTDIvol; refused without organs in section."""

from dataclasses import replace

import numpy as np
import pytest

from gemel.core.errors import InputError
from gemel.core.image import Image
from gemel.core.structures import Structures
from gemel.devices.ct import generic, water_ellipse_HU
from gemel.devices.ct.choice import Allowed
from gemel.flow.protocols import Asked, Recommended, as_values, organs_of, recommend, task_of
from gemel.flow.protocols.page import sections

FEW = Allowed(kVp=(120.0,), slice_mm=(5.0,), kernels=("soft",), modulation=(0.0,))


@pytest.fixture(scope="module")
def found() -> Recommended:
    affine = np.diag([3.0, 3.0, 5.0, 1.0])
    affine[:3, 3] = (-200.0, 70.0, 40.0)
    hu = water_ellipse_HU(30, 22, pixels=130).astype(np.float32)
    image = Image(np.repeat(hu[:, :, None], 60, axis=2), affine)
    return recommend(image, Asked(task_of("8 mm, -30 HU"), target=2.0, allowed=FEW), scanner=generic())


def outlined(found: Recommended) -> Structures:
    body = found.image.array > -500
    z = np.arange(60)
    ball = np.zeros(body.shape, dtype=bool)
    ball[64:66, 64:66, 29:31] = True
    return Structures(found.image, {"middle": body & (np.abs(z - 29.5) < 6), "end": body & (z < 6), "point": ball})


def test_the_middle_of_the_body_gets_its_size_specific_dose(found: Recommended) -> None:
    told = {one.name: one for one in organs_of(found, outlined(found), histories=8_000)}
    assert told["middle"].mGy == pytest.approx(found.choice.judged[0].forecast.ssde_mGy, rel=0.15)
    assert 0.35 < told["end"].mGy / told["middle"].mGy < 0.9
    assert told["point"].sd_mGy > 3 * told["middle"].sd_mGy
    values = as_values(replace(found, organs=tuple(told.values())))
    assert values["organ_doses_mGy"]["middle"]["mean"] == told["middle"].mGy
    assert "Organ doses" in [section.title for section in sections(replace(found, organs=tuple(told.values())))]


def test_a_shorter_scan_spares_what_it_does_not_reach(found: Recommended) -> None:
    short = replace(found, asked=replace(found.asked, length_mm=60.0))
    whole, part = ({one.name: one.mGy for one in organs_of(of, outlined(found), histories=4_000)} for of in (found, short))
    assert part["end"] < 0.25 * whole["end"]
    assert 0.4 < part["middle"] / whole["middle"] < 0.95


def test_without_organs_in_section_there_is_no_dose(found: Recommended) -> None:
    with pytest.raises(InputError, match="no organs"):
        organs_of(found, Structures(found.image, {}))
    with pytest.raises(InputError, match="no organs"):
        organs_of(replace(found, source="water standing for the patient"), outlined(found))
