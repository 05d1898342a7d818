"""A recommendation in words and in numbers for scripts."""

import math
from typing import Any

from gemel.devices.ct.choice import Judged
from gemel.devices.ct.protocol import Protocol
from gemel.devices.ct.task import Task
from gemel.flow.protocols.asked import Asked
from gemel.flow.protocols.recommend import GROUND_HU, Recommended
from gemel.flow.protocols.scan_dose import dlp_mGy_cm, effective_mSv


def protocol_words(protocol: Protocol, task: Task) -> str:
    """One line: 120 kVp, 85 mAs, pitch 1, 5 mm, kernel soft, modulation 1; with the contrast agent where the task has one."""
    agent = f", iodine {task.iodine_mg_mL:g} mg/mL in the lesion" if task.iodine_mg_mL else ""
    settings = f"pitch {protocol.pitch:g}, {protocol.slice_mm:g} mm, kernel {protocol.kernel}, modulation {protocol.modulation:g}"
    return f"{protocol.kVp:g} kVp, {protocol.mAs:g} mAs, {settings}{agent}"


def reason(found: Recommended) -> str:
    """Why the first is first, or what is against it."""
    choice, first = found.choice, found.choice.judged[0]
    low, high = first.interval
    reached = f"d' {first.forecast.detectability:.2f} ({low:.2f}–{high:.2f})"
    if choice.chosen is None:
        return f"Closest is {protocol_words(first.forecast.protocol, first.task)}: {reached}; {'; '.join(first.against)}."
    allowed = [one for one in choice.judged if not one.against]
    words = f"{reached}, P(d' ≥ {choice.target:g}) {first.probability:.0%}, {dose_words(first)}"
    words += f"; the lowest dose of {len(allowed)} that meet the target"
    if len(allowed) > 1:
        words += f", the highest of them {allowed[-1].dose_mGy / first.dose_mGy:.1f} times as high"
    return words + f". One scan in {1 / max(1 - first.probability, 1e-3):.0f} or fewer would have to be repeated for noise."


def question(asked: Asked) -> str:
    """What was asked."""
    contrast = f"{asked.task.contrast_HU:g} HU" if asked.task.contrast_HU else f"{asked.task.iodine_mg_mL:g} mg/mL of iodine"
    lesion = f"{asked.task.shape} of {asked.task.diameter_mm:g} mm with {contrast}"
    goal = f"with d' ≥ {asked.target:g} ({asked.task.observer}), {asked.sure:.0%} sure"
    return f"Which allowed protocol shows a {lesion} {goal}, at the lowest dose?"


def dose_words(judged: Judged) -> str:
    """SSDE, or CTDIvol with the reason."""
    dose = judged.forecast
    size = f"SSDE {dose.ssde_mGy:.2f} mGy" if math.isfinite(dose.ssde_mGy) else "no SSDE for this size"
    return f"{size}, CTDIvol {dose.ctdivol_mGy:.2f} mGy"


def warnings(found: Recommended) -> list[str]:
    """What the patient's position and size warn of, at the recommended setting."""
    said = [flag.text for flag in found.choice.judged[0].forecast.flags]
    if found.off:
        costs = f"{found.off.noise_ratio - 1:+.1%} noise at the lesion, worth {found.off.exposure_ratio - 1:+.1%} mAs"
        said.append(f"{found.off.off_mm:.0f} mm off centre instead of in the middle: {costs}")
    first = found.choice.judged[0].forecast.protocol
    if found.choice.chosen and first.mAs <= found.asked.allowed.least_mAs:
        said.append(f"{first.mAs:g} mAs is the least that is allowed: less would do, or a target that is higher")
    if not GROUND_HU[0] <= found.ground_HU <= GROUND_HU[1]:
        place = "lung or gas" if found.ground_HU < 0 else "bone or contrast agent"
        said.append(
            f"the lesion's place reads {found.ground_HU:.0f} HU ({place}): an even ground of water is predicted; give another with --at"
        )
    if found.metal_mm2:
        said.append(f"{found.metal_mm2:.0f} mm² of metal in the slice: streaks, which noise does not tell of, may ask for a repeat")
    return said


def as_values(found: Recommended) -> dict[str, Any]:
    """For scripts: the recommendation, what it rests on, and every setting; null for an SSDE outside its data."""
    choice = found.choice
    base = {
        "scanner": found.scanner.name,
        "calibrated_on": found.scanner.calibrated_on or None,
        "target": choice.target,
        "sure": choice.sure,
    }
    length = found.length_mm or None
    patient = {
        "from": found.source,
        "scan_length_mm": length,
        "water_equivalent_diameter_cm": found.anatomy.diameter_cm,
        "slice": found.slice_index,
    }
    rows = [_row(found, one) for one in choice.judged]
    return {
        **base,
        **patient,
        "recommended": rows[0] if choice.chosen else None,
        "reason": reason(found),
        "organ_doses_mGy": {one.name: {"mean": one.mGy, "sd": one.sd_mGy} for one in found.organs},
        "warnings": warnings(found),
        "protocols": rows,
    }


def _row(found: Recommended, one: Judged) -> dict[str, Any]:
    p, f = one.forecast.protocol, one.forecast
    low, high = one.interval
    sums = {"ssde_mGy": f.ssde_mGy, "dlp_mGy_cm": dlp_mGy_cm(found, one), "effective_mSv": effective_mSv(found, one)}
    dose = {"ctdivol_mGy": f.ctdivol_mGy} | {name: value if math.isfinite(value) else None for name, value in sums.items()}
    settings = {"kVp": p.kVp, "mAs": p.mAs, "pitch": p.pitch, "slice_mm": p.slice_mm, "kernel": p.kernel, "modulation": p.modulation}
    seen = {"noise_HU": f.sd_HU, "contrast_HU": f.contrast_HU, "detectability": f.detectability, "interval_90": [low, high]}
    return {**settings, "iodine_mg_mL": one.task.iodine_mg_mL, **dose, **seen, "probability": one.probability, "against": list(one.against)}
