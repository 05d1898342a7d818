"""Exposure from headers: the two ways of telling mAs, missing tags, mA taken for mAs."""

import pytest

from gemel.core.errors import InputError, RangeError
from gemel.devices.ct.header import exposed

CANON = {"KVP": "120", "XRayTubeCurrent": 300, "ExposureTime": 1000, "Exposure": 300, "SliceThickness": 1.0, "ConvolutionKernel": "FC26"}


def test_a_full_header() -> None:
    found = exposed({**CANON, "CTDIvol": 26.5, "CTDIPhantomTypeCodeValue": "113691"})
    assert (found.protocol.kVp, found.protocol.mAs, found.protocol.pitch, found.protocol.slice_mm) == (120, 300, 1, 1)
    assert (found.protocol.kernel, found.ctdivol_mGy, found.phantom_cm) == ("FC26", 26.5, 32)


def test_exposure_that_is_told_over_pitch_and_exposure_alone() -> None:
    helical = exposed({**CANON, "SpiralPitchFactor": 1.5, "Exposure": 200})
    alone = exposed(
        {**{k: v for k, v in CANON.items() if k not in ("XRayTubeCurrent", "ExposureTime")}, "SpiralPitchFactor": 1.5, "Exposure": 200}
    )
    assert helical.protocol.mAs == alone.protocol.mAs == 300
    assert helical.ctdivol_mGy is None


@pytest.mark.parametrize("key", ["KVP", "SliceThickness", "ConvolutionKernel"])
def test_missing_tags_are_named(key: str) -> None:
    with pytest.raises(InputError, match=f"no {key} in slice 7"):
        exposed({**CANON, key: ""}, where="slice 7")


def test_no_exposure_at_all_is_named() -> None:
    with pytest.raises(InputError, match="XRayTubeCurrent with ExposureTime"):
        exposed({k: v for k, v in CANON.items() if k not in ("Exposure", "ExposureTime")})


@pytest.mark.parametrize("wrong", [{"ExposureTime": 500}, {"Exposure": 300000}, {"KVP": "0"}, {"XRayTubeCurrent": -300}])
def test_contradictions_are_refused(wrong: dict[str, object]) -> None:
    """A rotation of half a second with 300 mA is 150 mAs, not 300."""
    with pytest.raises(RangeError):
        exposed({**CANON, **wrong})


def test_words_for_numbers_are_refused() -> None:
    with pytest.raises(InputError, match="not a number"):
        exposed({**CANON, "KVP": "high"})
