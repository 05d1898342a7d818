"""The recommendation as DICOM, for archives and dose registers."""

from pathlib import Path

from gemel.flow.protocols.recommend import Recommended
from gemel.flow.protocols.words import question, reason
from gemel.io import Series
from gemel.io.protocol_sr import Advice, write_protocol_sr

NAME = "protocol_sr.dcm"


def write_sr(found: Recommended, series: Series, folder: Path, *, at_s: float) -> Path | None:
    """protocol_sr.dcm in `folder`; None where no allowed protocol meets the target. `at_s`: when it was made, seconds since 1970."""
    best = found.choice.chosen
    if best is None:
        return None
    f, (low, high) = best.forecast, best.interval
    p = f.protocol
    agent = f", iodine {best.task.iodine_mg_mL:g} mg/mL" if best.task.iodine_mg_mL else ""
    advice = Advice(
        kVp=p.kVp,
        mAs=p.mAs,
        pitch=p.pitch,
        slice_mm=p.slice_mm,
        others=f"kernel {p.kernel}, modulation of the tube current {p.modulation:g}{agent}",
        ctdivol_mGy=f.ctdivol_mGy,
        ssde_mGy=f.ssde_mGy if f.ssde_mGy == f.ssde_mGy else None,
        diameter_cm=found.anatomy.diameter_cm,
        detectability=f.detectability,
        low=low,
        high=high,
        probability_pct=100 * best.probability,
        task=question(found.asked),
        reason=reason(found),
        scanner=f"{found.scanner.name} {found.scanner.version}",
    )
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / NAME
    write_protocol_sr(path, advice, series.identity, series.sop_uids, at_s=at_s)
    return path
