"""The report of a decision on the anatomy of a day: doses, histograms, options, with its dose and contours as DICOM."""

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from gemel import io
from gemel.core.errors import StoreError
from gemel.core.image import Image
from gemel.core.system import Progress
from gemel.flow import figures
from gemel.flow.delivered import delivered
from gemel.flow.report_parts import acted_on, ledger_rows, rendered
from gemel.flow.report_today import ahead, levels_Gy
from gemel.flow.session import Session, day_of, last_decision, plan_of, require_library, scan_of
from gemel.flow.show import Overview
from gemel.store import Event


@dataclass(frozen=True)
class Material:
    """What the page is made of: the decision, its scan, the day, the doses, today's draws by "plan/readout"."""

    session: Session
    decided: Event
    scan: Event
    day: Any
    doses: Mapping[str, np.ndarray]
    draws: Mapping[str, np.ndarray]


def report_day(session: Session, overview: Overview, folder: Path, *, made: str, progress: Progress) -> str:
    """The page's text, with DICOM plan, dose, structures and CT of the day in `folder`. Raises StoreError before a decision."""
    material = material_of(session)
    folder.mkdir(parents=True, exist_ok=True)
    progress("report", 0, 3)
    pictures = pictures_of(material)
    progress("report", 1, 3)
    write_dicom(material, folder)
    progress("report", 2, 3)
    return _page(material, overview, pictures, made)


def material_of(session: Session) -> Material:
    """What there is to show. Raises StoreError before a decision."""
    store, twin_id = session.store, session.id
    require_library(session)
    decided = last_decision(session)
    if decided is None:
        raise StoreError("no decision to report", where=twin_id, remedy=f"run: gemel twin decide {twin_id}")
    scan = scan_of(session, decided)
    day = day_of(session, scan)
    arrays = [store.artefacts.get_arrays(decided.payload[name]) for name in ("doses", "draws")]
    return Material(session, decided, scan, day, *arrays)


def pictures_of(material: Material) -> dict[str, str]:
    """PNG by name, base64."""
    payload, day = material.decided.payload, material.day
    best, baseline = payload["recommended"], material.session.system.plans(material.session.library)[-1]
    centre = material.session.case.isocentre_mm
    before = ahead(material.session, material.decided, best)
    today = {key.partition("/")[2]: drawn for key, drawn in material.draws.items() if key.startswith(f"{best}/DVH_")}
    given = delivered(material.session)
    rows = payload["options"]
    named, utility, sd, p_best = ([row[key] for row in rows] for key in ("name", "utility", "utility_sd", "p_best"))
    made = {
        "recommended": figures.slices(day.ct, day.structures, material.doses[best], centre, title=f"{best} (recommended)"),
        "baseline": figures.slices(day.ct, day.structures, material.doses[baseline], centre, title=baseline),
        "options": figures.options(named, utility, sd, p_best, unit="points"),
        "bands": figures.bands(levels_Gy(today), before, today, title=best),
        "ledger": figures.ledger([row for _, row in ledger_rows(material.session)], list(material.session.twin.model.observe)),
    }
    if given:
        held = {name: drawn for name, drawn in given.values.items() if name.startswith("DVH_")}
        made["given"] = figures.bands(
            levels_Gy(held), {}, held, title=f"given so far, {given.given} of {given.planned}, on planning", what="given"
        )
    return {name: base64.b64encode(image).decode() for name, image in made.items()}


def write_dicom(material: Material, folder: Path) -> io.Series:
    """CT of the day, its structures, the recommended plan and its dose as DICOM that any reader opens; never approved. The CT."""
    identity = material.session.store.person(material.session.entries[0])
    frame = io.content_uid("frame", material.scan.hash)
    own = io.Identity(identity["patient_id"], identity["issuer"], identity["study_uid"], patient_name=identity["patient_name"])
    day = Image(material.day.ct.array, material.day.ct.affine_mm, frame)
    series = io.write_image(folder / "ct_of_the_day", day, own, description="planning CT deformed to the day", maker=True)
    held = material.day.structures
    shown = type(held)(Image(held.grid.array, held.grid.affine_mm, frame), {n: m for n, m in held.masks.items() if m.any()})
    structures = io.write_structures(folder / "RTSTRUCT.dcm", shown, series, label="DAY")
    best = material.decided.payload["recommended"]
    plan = _write_plan(material, best, series.identity, structures, folder / "RTIONPLAN.dcm")
    dose = Image(material.doses[best], day.affine_mm, frame)
    io.write_dose(folder / "RTDOSE.dcm", dose, series.identity, description=f"{best}, research use", plan_uid=plan)
    return series


def _write_plan(material: Material, name: str, identity: io.Identity, structures: str, path: Path) -> str:
    """SOPInstanceUID of the plan written as an RT Ion Plan; empty for a system whose plans are no spots."""
    session = material.session
    if session.system.beams is None:
        return ""
    beams = session.system.beams(session.case, material.day, plan_of(session, name))
    source_mm = (beams.source_mm, beams.source_mm)
    empty = io.IonPlan("GEMEL", (), beams.fractions, structure_set_uid=structures)
    plan = io.with_spots(empty, beams.spots, beams.weights, beams.isocentre_mm, source_mm=source_mm, machine=beams.machine)
    return io.write_rtionplan(path, plan, identity, name=name)


def _page(material: Material, overview: Overview, pictures: Mapping[str, str], made: str) -> str:
    payload, session = material.decided.payload, material.session
    values = dict(
        decision=payload,
        couch=", ".join(f"{v:+.1f}" for v in payload["couch_mm"][payload["recommended"]]),
        limits=list(payload["options"][0]["p_limits"]),
        readouts=list(next(iter(payload["readouts"].values()))),
        acted=acted_on(session, material.decided),
        pictures=pictures,
        notes=[*overview.notes, *material.scan.payload["notes"]],
        quality=material.scan.payload["quality"],
        adapted=[e for e in session.entries if e.kind == "Adapted" and e.valid_s == material.decided.valid_s],
        checked=[e for e in session.entries if e.kind == "Checked" and e.valid_s == material.decided.valid_s],
        inputs=[h[:16] for h in (*session.entries[0].inputs[-3:], *material.scan.inputs)],
    )
    return rendered("report_day.html.j2", session, overview, values, made=made, source=material.decided)
