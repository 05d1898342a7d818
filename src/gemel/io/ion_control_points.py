"""Control points of one ion beam → layers, and what must hold still along them. An element that a point leaves out keeps its last value.

DICOM PS3.3 C.8.8.25.7: the weights of a point's spots add up to the rise of the cumulative meterset weight to the next point.
"""

from collections.abc import Mapping, Sequence

import numpy as np
from pydicom.dataset import Dataset

from gemel.core.errors import GeometryError, InputError
from gemel.io.dicom_file import items, numbers, text
from gemel.io.ion_plan import IonLayer, RangeShifter

_SUM_TOLERANCE = 1e-3  # of the beam: how far the spots may be from the cumulative weights, which are written with few decimals
_ENERGY = "NominalBeamEnergy"
_LASTING = (_ENERGY, "ScanSpotTuneID", "NumberOfScanSpotPositions", "ScanSpotPositionMap", "ScanSpotMetersetWeights",
            "ScanningSpotSize")  # fmt: skip
_LEVEL = ("PatientSupportAngle", "TableTopPitchAngle", "TableTopRollAngle", "GantryPitchAngle", "TableTopEccentricAngle")


def steady(points: Sequence[Dataset], keyword: str, where: str) -> float:
    """The one value of a number along the beam. Raises InputError when the first point lacks it, GeometryError when it changes."""
    found = [float(numbers(point, keyword, 1, where)[0]) for point in points if point is points[0] or text(point, keyword, where)]
    if len(set(found)) > 1:
        raise GeometryError(f"{keyword} from {min(found):g} to {max(found):g}", where=where, remedy="export a beam in which it is fixed")
    return found[0]


def isocentre_mm(points: Sequence[Dataset], where: str) -> tuple[float, float, float]:
    """IsocenterPosition of a beam whose couch and gantry are not turned otherwise than about the patient's long axis."""
    for keyword in _LEVEL:
        stated = [point for point in points if text(point, keyword, where)]
        if stated and steady(stated, keyword, where) % 360 != 0:
            found = f"{keyword} {steady(stated, keyword, where):g}"
            raise GeometryError(found, where=where, remedy="plan with the couch and the gantry at 0 in this axis")
    places = [numbers(p, "IsocenterPosition", 3, where) for p in points if p is points[0] or text(p, "IsocenterPosition", where)]
    if np.ptp(places, axis=0).max() > 0:
        raise GeometryError("IsocenterPosition that moves along the beam", where=where, remedy="give each isocentre a beam of its own")
    x, y, z = places[0]
    return float(x), float(y), float(z)


def layers(points: Sequence[Dataset], meterset: float, final: float, where: str) -> tuple[IonLayer, ...]:
    """One layer for each point after which the cumulative weight rises; metersets are weights × BeamMeterset / final weight."""
    if meterset <= 0 or final <= 0:
        found = f"BeamMeterset {meterset:g} and FinalCumulativeMetersetWeight {final:g}"
        raise InputError(found, where=where, remedy="export the plan after dose calculation, with its metersets")
    given = np.array([float(numbers(point, "CumulativeMetersetWeight", 1, where)[0]) for point in points])
    if given[0] != 0 or (np.diff(given) < 0).any() or abs(given[-1] - final) > _SUM_TOLERANCE * final:
        found = f"CumulativeMetersetWeight from {given[0]:g} to {given[-1]:g} where 0 to {final:g} is due, or falling"
        raise InputError(found, where=where, remedy="export the plan again")
    found_layers = []
    latest = dict.fromkeys(_LASTING, points[0])
    for k, point in enumerate(points):
        place = f"control point {k} of {where}"
        latest |= {keyword: point for keyword in _LASTING if text(point, keyword, place)}
        if k + 1 < len(points) and given[k + 1] > given[k]:
            found_layers.append(_layer(latest, given[k + 1] - given[k], (meterset / final, _SUM_TOLERANCE * final), place))
    return tuple(found_layers)


def _layer(latest: Mapping[str, Dataset], rise: float, scale: tuple[float, float], where: str) -> IonLayer:
    """One layer of the points that state each element; `scale` is the meterset of a unit of weight and the slack of the sum."""
    spots_mm, weights, count, energy_MeV = (
        numbers(latest[keyword], keyword, length, where)
        for keyword, length in (("ScanSpotPositionMap", 0), ("ScanSpotMetersetWeights", 0), ("NumberOfScanSpotPositions", 1), (_ENERGY, 1))
    )
    if len(spots_mm) != 2 * count or len(weights) != count:
        found = f"{len(spots_mm)} coordinates and {len(weights)} weights of {count[0]:g} spots"
        raise InputError(found, where=where, remedy="export or transfer the plan again")
    if abs(weights.sum() - rise) > scale[1]:
        found = f"ScanSpotMetersetWeights that add up to {weights.sum():g} where CumulativeMetersetWeight rises by {rise:g}"
        raise InputError(found, where=where, remedy="export the plan again")
    sized = latest["ScanningSpotSize"]
    fwhm_mm = numbers(sized, "ScanningSpotSize", 2, where).tolist() if text(sized, "ScanningSpotSize", where) else []
    meterset = (weights * scale[0]).astype(np.float32)
    tune = text(latest["ScanSpotTuneID"], "ScanSpotTuneID", where)
    return IonLayer(float(energy_MeV[0]), spots_mm.reshape(-1, 2).astype(np.float32), meterset, tuple(fwhm_mm), tune)


def range_shifter(beam: Dataset, points: Sequence[Dataset], where: str) -> RangeShifter | None:
    """The one plate that is IN for all layers; None when there is none, or it is OUT."""
    plates = items(beam, "RangeShifterSequence", where)
    if text(beam, "NumberOfRangeShifters", where) in ("", "0") and not plates:
        return None
    if len(plates) != 1 or text(plates[0], "RangeShifterType", where) != "BINARY":
        found = f"{len(plates)} range shifters of type {', '.join(text(p, 'RangeShifterType', where) or 'none' for p in plates)}"
        raise InputError(found, where=where, remedy="plan with one fixed plate (BINARY) or none")
    stated = [items(point, "RangeShifterSettingsSequence", where) for point in points]
    settings = [setting[0] for setting in stated if setting]
    found_settings = [_setting(item, where) for item in settings]
    if not stated[0] or len(set(found_settings)) != 1:
        found = "RangeShifterSettingsSequence that is absent from the first control point, or changes"
        raise InputError(found, where=where, remedy="plan one beam with the range shifter and one without")
    position, distance_mm, water_mm = found_settings[0]
    return RangeShifter(text(plates[0], "RangeShifterID", where), water_mm, distance_mm) if position == "IN" else None


def _setting(item: Dataset, where: str) -> tuple[str, float | None, float | None]:
    """IN or OUT, distance to the isocentre and water-equivalent thickness where they are stated."""
    position = text(item, "RangeShifterSetting", where)
    if position not in ("IN", "OUT"):
        raise InputError(f"RangeShifterSetting {position or 'none'}", where=where, remedy="export a plate that is IN or OUT")
    keys = ("IsocenterToRangeShifterDistance", "RangeShifterWaterEquivalentThickness")
    distance_mm, water_mm = (float(numbers(item, key, 1, where)[0]) if text(item, key, where) else None for key in keys)
    return position, distance_mm, water_mm
