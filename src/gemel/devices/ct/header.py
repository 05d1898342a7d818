"""The exposure of a scan as its headers tell it: protocol, CTDIvol and phantom, checked against each other."""

from collections.abc import Mapping
from dataclasses import dataclass

from gemel.core.errors import InputError, RangeError
from gemel.devices.ct.protocol import Protocol

NEEDED = ("KVP", "SliceThickness", "ConvolutionKernel")
AGREEMENT = 0.25
"""mAs from `Exposure` and from current × time may differ by the pitch's rounding and by modulation within a rotation."""


@dataclass(frozen=True)
class Exposed:
    """What a slice's header says: protocol, CTDIvol (mGy; None when it is not told) and the diameter of its phantom (cm; 0: not told)."""

    protocol: Protocol
    ctdivol_mGy: float | None
    phantom_cm: int


def exposed(header: Mapping[str, object], *, where: str = "CT header") -> Exposed:
    """Protocol of a CT image by DICOM keyword (PS3.3 C.8.2.1). mAs from XRayTubeCurrent × ExposureTime, or Exposure × pitch without them.

    Exposure (0018,1152) is mAs for the slice: current × time over pitch in helical scans of most makers, current × time in others.
    Raises InputError naming the tags that are missing, RangeError when mA, ms and mAs contradict each other.
    """
    missing = [key for key in NEEDED if header.get(key) in (None, "")]
    timed = all(header.get(key) not in (None, "") for key in ("XRayTubeCurrent", "ExposureTime"))
    if not timed and header.get("Exposure") in (None, ""):
        missing.append("Exposure, or XRayTubeCurrent with ExposureTime")
    if missing:
        raise InputError(f"no {', no '.join(missing)}", where=where, remedy="ask for the original images: exports often drop exposure tags")
    pitch = _number(header, "SpiralPitchFactor", where) or 1.0
    mAs = _mAs(header, pitch, timed, where)
    protocol = Protocol(
        _positive(header, "KVP", where), mAs, pitch, _positive(header, "SliceThickness", where), str(header["ConvolutionKernel"])
    )
    return Exposed(protocol, _number(header, "CTDIvol", where), _phantom_cm(str(header.get("CTDIPhantomTypeCodeValue", ""))))


def _mAs(header: Mapping[str, object], pitch: float, timed: bool, where: str) -> float:
    told = _number(header, "Exposure", where)
    if not timed:
        return _positive(header, "Exposure", where) * pitch
    made = _positive(header, "XRayTubeCurrent", where) * _positive(header, "ExposureTime", where) / 1000
    if told and min(abs(told / made - 1), abs(told * pitch / made - 1)) > AGREEMENT:
        raise RangeError(
            f"{told:g} mAs told, {made:g} mAs from current and time",
            where=where,
            remedy="is a current in mA stored as mAs? ask the scanner's vendor",
        )
    return made


def _phantom_cm(code: str) -> int:
    """Of DCM codes 113691 (body, 32 cm) and 113690 (head, 16 cm): PS3.16 CID 4052."""
    return {"113691": 32, "113690": 16}.get(code, 0)


def _positive(header: Mapping[str, object], key: str, where: str) -> float:
    value = _number(header, key, where)
    if value is None or value <= 0:
        raise RangeError(f"{key} {header.get(key)!r}", where=where, remedy="a value above 0 is needed; do not use this slice's exposure")
    return value


def _number(header: Mapping[str, object], key: str, where: str) -> float | None:
    value = header.get(key)
    if value in (None, ""):
        return None
    try:
        return float(str(value))
    except ValueError:
        raise InputError(f"{key} {value!r}, not a number", where=where, remedy="ask for the original images") from None
