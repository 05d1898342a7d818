"""The canonical units, read off the end of a name: `dose_Gy`, `D_mm2_s`, `alpha_1_Gy`."""

from gemel.core.errors import UnitError

CANONICAL = {
    "mm": "mm", "mm2": "mm2", "mm3": "mm3", "mL": "mL", "s": "s", "d": "d", "h": "h", "min": "min", "Gy": "Gy", "Bq": "Bq", "MBq": "MBq",
    "mmHg": "mmHg", "kPa": "kPa", "HU": "HU", "degC": "degC", "deg": "deg", "rad": "rad", "MeV": "MeV", "keV": "keV",
    "1": "1", "pct": "%", "cc": "mL", "g": "g", "kg": "kg", "L": "L", "nmol": "nmol", "m2": "m2",
}  # fmt: skip


def unit_of(name: str) -> str:
    """Unit that a name's suffix states: `sd_setup_mm` → `mm`, `D_mm2_s` → `mm2/s`, `alpha_1_Gy` → `1/Gy`.

    Raises UnitError for a name that states none.
    """
    parts = name.split("_")
    tail: list[str] = []
    while len(parts) > 1 and parts[-1] in CANONICAL and len(tail) < 3:
        tail.insert(0, CANONICAL[parts.pop()])
    if not tail:
        raise UnitError(f"no unit at the end of {name!r}", remedy="end the name with its unit, or with _1 when it has none")
    return "/".join(tail)
