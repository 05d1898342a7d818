"""`gemel twin new` and `gemel twin observe`: what a hospital has, by kind."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from gemel import flow, io, store
from gemel.cli.pairs import names_of, settings
from gemel.cli.shell import Actor, AsJson, StoreAt, TwinId, say, speaking, twin
from gemel.core.errors import InputError
from gemel.flow import registry

Series = Annotated[
    list[Path] | None, typer.Option("--spect", help="A SPECT: DICOM folder or file, or NIfTI. May be repeated.", exists=True)
]
Pets = Annotated[list[Path] | None, typer.Option("--pet", help="A PET: DICOM folder or file, or NIfTI. May be repeated.", exists=True)]
Visits = Annotated[
    list[Path] | None,
    typer.Option("--mri", help="A segmented MRI: NIfTI with JSON, DICOM SEG, or a collection's folder. May be repeated.", exists=True),
]
Labs = Annotated[list[Path] | None, typer.Option("--labs", help="Laboratory values: FHIR or gemel's JSON.", exists=True)]


@twin.command("new")
def twin_new(
    system: Annotated[str, typer.Argument(help="The system, for example prostate; `gemel models` lists them.")],
    ct: Annotated[Path | None, typer.Option(help="Folder of the planning CT (DICOM).", exists=True)] = None,
    structures: Annotated[Path | None, typer.Option(help="The contours: RTSTRUCT file.", exists=True)] = None,
    spect: Series = None,
    pet: Pets = None,
    labs: Labs = None,
    mri: Visits = None,
    baseline: Annotated[Path | None, typer.Option(help="Diffusion MRI of the first visit: folder with visit.json.", exists=True)] = None,
    fat: Annotated[Path | None, typer.Option(help="Share of fat: NIfTI with JSON that states Units.", exists=True)] = None,
    dti: Annotated[Path | None, typer.Option(help="Tensor of diffusion: folder with xx, yy, zz and tensor.json.", exists=True)] = None,
    dose: Annotated[Path | None, typer.Option(help="The plan's dose: RTDOSE, or NIfTI in Gy.", exists=True)] = None,
    white: Annotated[Path | None, typer.Option(help="Share of white matter (NIfTI), for member=field.", exists=True)] = None,
    grey: Annotated[Path | None, typer.Option(help="Share of grey matter (NIfTI), for member=field.", exists=True)] = None,
    at: StoreAt = "twins.db",
    map_: Annotated[
        list[str] | None, typer.Option("--map", help="OWN=NAME: what a contour is; OWN= leaves it out. May be repeated.")
    ] = None,
    beam: Annotated[list[float] | None, typer.Option(help="Gantry angle to use even through metal. May be repeated.")] = None,
    nuclide: Annotated[str, typer.Option(help="What was injected, such as Lu-177; goes before what the files say.")] = "",
    injected_MBq: Annotated[float | None, typer.Option("--injected-MBq", help="Activity injected, MBq, when the files do not say.")] = None,
    injected: Annotated[str, typer.Option(help="Time of injection (ISO 8601), when the files do not say.")] = "",
    duration_s: Annotated[float | None, typer.Option("--duration-s", help="Duration of a scan, s, when the files do not say.")] = None,
    corrected: Annotated[
        str, typer.Option("--decay-corrected-to", help="none, start or injection: when the files do not say what time values hold for.")
    ] = "",
    per_unit: Annotated[
        float | None, typer.Option("--Bq-mL-per-unit", help="Concentration of one unit of the voxels, for images in another unit.")
    ] = None,
    calibration: Annotated[
        float | None, typer.Option("--calibration-cps-MBq", help="Counts a second and MBq of the camera, for images in counts.")
    ] = None,
    set_: Annotated[list[str] | None, typer.Option("--set", help="NAME=VALUE: another option of the system. May be repeated.")] = None,
    time_: Annotated[str, typer.Option("--time", help="Time of the first images (ISO 8601) when they state none.")] = "",
    actor: Actor = "",
    as_json: AsJson = False,
) -> None:
    """Make a twin from planning images and their contours, or from a series of scans; prints its id."""
    told = {"beams_deg": tuple(beam or ()), "nuclide": nuclide, "injected_MBq": injected_MBq, "injected": injected}
    told |= {"duration_s": duration_s, "decay_corrected_to": corrected, "Bq_mL_per_unit": per_unit, "calibration_cps_MBq": calibration}
    given = {"ct": ct, "structures": structures, "spect": spect, "pet": pet, "labs": labs, "dose": dose, "baseline": baseline}
    given |= {"fat": fat, "dti": dti}
    given |= {"white": white, "grey": grey}
    with speaking() as progress, io.as_visits(mri or (), first=time_) as visits:
        options = {name: value for name, value in told.items() if value} | settings(set_)
        planned = flow.planning(system, *_in_order(system, given | {"mri": visits}), names=names_of(map_), time=time_, options=options)
        with store.open(at) as record:
            twin_id = flow.begin(record, planned, actor=actor, progress=progress)
            notes = record.events(twin_id)[0].payload["notes"]
    say(as_json, {"id": twin_id, "notes": notes}, "\n".join([f"[bold]{twin_id}[/]", *(f"  note: {note}" for note in notes)]))


@twin.command("observe")
def twin_observe(
    twin_id: TwinId,
    cbct: Annotated[Path | None, typer.Option(help="CBCT of the day: DICOM folder or file, or NIfTI.", exists=True)] = None,
    spect: Annotated[Path | None, typer.Option(help="SPECT: DICOM folder or file, or NIfTI.", exists=True)] = None,
    pet: Annotated[Path | None, typer.Option(help="PET: DICOM folder or file, or NIfTI.", exists=True)] = None,
    labs: Annotated[Path | None, typer.Option(help="Laboratory values: FHIR or gemel's JSON.", exists=True)] = None,
    mri: Annotated[Path | None, typer.Option(help="A segmented MRI: NIfTI label map with JSON, or DICOM SEG.", exists=True)] = None,
    visit: Annotated[Path | None, typer.Option(help="Diffusion MRI of a later visit: folder with visit.json.", exists=True)] = None,
    at: StoreAt = "twins.db",
    time_: Annotated[str, typer.Option("--time", help="Time of the scan (ISO 8601); DICOM may state it.")] = "",
    actor: Actor = "",
    as_json: AsJson = False,
) -> None:
    """Measure what came, assimilate it, and check it against the forecast made before."""
    with speaking() as progress, store.open(at, create=False) as record:
        kind, path = _one({"cbct": cbct, "spect": spect, "pet": pet, "labs": labs, "mri": mri, "visit": visit})
        event = flow.observe(record, twin_id, path, kind=kind, time=time_, actor=actor, progress=progress)
        seen = next(e for e in reversed(record.events(twin_id)) if e.kind == "Observed")
    alarms = event.payload["alarms"]
    lines = [_measured(row) for row in seen.payload["observations"]]
    lines.append(f"[yellow]not expected: {', '.join(alarms)}[/]" if alarms else "as the twin expected")
    say(as_json, {**event.payload, "observations": seen.payload["observations"], "quality": seen.payload["quality"]}, "\n".join(lines))


def _in_order(system: str, given: Mapping[str, Path | Sequence[Path] | None]) -> list[Path | Sequence[Path] | None]:
    """The inputs in the order of the system's `planning`. Raises InputError for one that it does not begin with."""
    asked = registry.system(system).planning
    strange = [kind for kind, path in given.items() if path and kind not in asked]
    if strange:
        raise InputError(f"--{strange[0]}", where=system, remedy=f"it begins with {', '.join('--' + kind for kind in asked)}")
    return [given.get(kind) for kind in asked]


def _one(given: Mapping[str, Path | None]) -> tuple[str, Path]:
    """The one scan that is named, with its kind. Raises InputError for none or several."""
    found = [(kind, path) for kind, path in given.items() if path]
    if len(found) != 1:
        raise InputError(f"{len(found)} scans", where="observe", remedy="give one of --" + ", --".join(given))
    return found[0]


def _measured(row: dict[str, Any]) -> str:
    """An observation as people write it."""
    pairs = ", ".join(f"{value:.2f} ± {sd:.2f}" for value, sd in zip(row["value"], row["sd"]))
    return f"{row['kind']}: {pairs}"
