"""`gemel scanner choose`: the protocol before the scan."""

import time
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Group, RenderableType
from rich.markup import escape
from rich.table import Table

from gemel import io, store
from gemel.cli.scanner import scanner
from gemel.cli.shell import Actor, AsJson, StoreAt, say, speaking
from gemel.core.errors import InputError
from gemel.core.time import iso
from gemel.flow.protocols import (
    EARLIER_CT,
    Allowed,
    Asked,
    Doubt,
    Recommended,
    as_values,
    doubt_of,
    generic,
    organs_of,
    protocol_words,
    read_localisers,
    reason,
    recommend,
    record_advice,
    stand_in,
    task_of,
    warnings,
    wider,
    write_page,
    write_sr,
)

GENERIC = "generic"
ROWS = 10
Numbers = Annotated[str, typer.Option(help="Allowed values, separated by commas.")]


@scanner.command("choose")
def scanner_choose(
    task: Annotated[str, typer.Option(help='What must be seen: "5 mm, -15 HU" or "8 mm, 2 mg/mL"; rod, npw and pw if wanted.')],
    ct: Annotated[
        Path | None, typer.Option(help="An earlier CT of the patient: DICOM folder or a file of the series.", exists=True)
    ] = None,
    localiser: Annotated[
        list[Path] | None,
        typer.Option(help="Without a CT: a frontal and a lateral localiser (option twice), or one.", exists=True, dir_okay=False),
    ] = None,
    scanner_: Annotated[str, typer.Option("--scanner", help="A scanner's twin in the store, or generic.")] = GENERIC,
    place: Annotated[str, typer.Option("--at", help="X,Y,Z of the lesion in the CT (LPS, mm); the middle of the body if not given.")] = "",
    target: Annotated[float, typer.Option(help="Detectability d' to reach.")] = 3.0,
    sure: Annotated[float, typer.Option(help="With this probability.")] = 0.95,
    kvp: Numbers = "80,100,120,140",
    slices: Annotated[str, typer.Option("--slice-mm", help="Allowed slices, mm.")] = "1.25,2.5,5",
    kernels: Annotated[str, typer.Option("--kernel", help="Allowed kernels: smooth, soft, standard, sharp.")] = "soft,standard",
    pitch: Numbers = "1",
    modulation: Numbers = "0,0.5,1",
    iodine: Annotated[str, typer.Option(help="Allowed shares of the contrast agent.")] = "1",
    most_mAs: Annotated[float, typer.Option("--most-mAs", help="Largest tube current times rotation time.")] = 600.0,
    length_mm: Annotated[float, typer.Option(help="Length of the scan; that of the CT if not given.")] = 0.0,
    region: Annotated[str, typer.Option(help="For the effective dose: head, neck, chest, abdomen, pelvis, abdomen-pelvis.")] = "",
    mm_per_value: Annotated[float, typer.Option(help="Localisers: mm of water a value above air, from a phantom.", min=0.0)] = 0.0,
    structures: Annotated[
        Path | None, typer.Option(help="RTSTRUCT of the earlier CT: doses of its organs at the recommended setting.", exists=True)
    ] = None,
    folder: Annotated[Path | None, typer.Option("--out", help="Folder for the page and the DICOM report.", file_okay=False)] = None,
    at: StoreAt = "twins.db",
    actor: Actor = "",
    as_json: AsJson = False,
) -> None:
    """The allowed protocol with the lowest dose that still shows the lesion, with its probability; kept in the record of the scanner."""
    with speaking() as progress:
        allowed = Allowed(
            _row(kvp),
            _row(pitch),
            _row(slices),
            tuple(kernel.strip() for kernel in kernels.split(",")),
            _row(modulation),
            _row(iodine),
            most_mAs=most_mAs,
        )
        asked = Asked(task_of(task), _place(place), target, sure, allowed, length_mm=length_mm, region=region)
        series, doubt, source = _patient(ct, localiser or [], asked, _doubt(scanner_, at), mm_per_value)
        found = recommend(series.image, asked, scanner=generic(), doubt=doubt, source=source, progress=progress)
        if structures is not None:
            found = replace(found, organs=organs_of(found, io.read_structures(structures, series, clip=True)))
        files = _written(found, series, folder) if folder else {}
        if scanner_ != GENERIC:
            with store.open(at, create=False) as record:
                record_advice(record, scanner_, found, series.identity.series_uid, actor=actor)
    say(as_json, as_values(found) | files, Group(_table(found), *(f"{name}: [bold]{path}[/]" for name, path in files.items())))


def _patient(ct: Path | None, localisers: list[Path], asked: Asked, doubt: Doubt, mm_per_value: float) -> tuple[io.Series, Doubt, str]:
    """The patient in section, the doubt with that of the patient, and what it was made from."""
    if (ct is None) == (not localisers):
        found = "both a CT and localisers" if localisers else "neither a CT nor a localiser"
        raise InputError(found, where="gemel scanner choose", remedy="give --ct, or --localiser once or twice")
    if ct is not None:
        return io.read_series(ct), doubt, EARLIER_CT
    stand = stand_in(read_localisers(localisers), asked, generic(), water_per_unit=mm_per_value)
    return stand.series, wider(doubt, stand.ellipse), f"water standing for the patient, from {len(localisers)} localiser(s)"


def _written(found: Recommended, series: io.Series, folder: Path) -> dict[str, str]:
    """The page, and the DICOM report where something is recommended."""
    now = time.time()
    page = write_page(found, folder, title=series.identity.patient_id, made=iso(now))
    report = write_sr(found, series, folder, at_s=now)
    return {"page": str(page)} | ({"report": str(report)} if report else {})


def _doubt(named: str, at: str) -> Doubt:
    """What the scanner's own twin leaves unknown; the method's alone for the generic one."""
    if named == GENERIC:
        return Doubt()
    with store.open(at, create=False) as record:
        return doubt_of(record, named)


def _row(text: str) -> tuple[float, ...]:
    try:
        return tuple(float(part) for part in text.split(",") if part.strip())
    except ValueError as error:
        raise InputError(f"{text!r}", where="gemel scanner choose", remedy="write numbers separated by commas") from error


def _place(text: str) -> tuple[float, float, float] | None:
    found = _row(text)
    if len(found) not in (0, 3):
        raise InputError(f"{len(found)} coordinates", where="--at", remedy="write X,Y,Z in mm")
    return (found[0], found[1], found[2]) if found else None


def _table(found: Recommended) -> RenderableType:
    table = Table("protocol", "noise HU", "d' (90 %)", "P", "CTDIvol mGy", "SSDE mGy", title="lowest dose first")
    for one in found.choice.judged[:ROWS]:
        f, (low, high) = one.forecast, one.interval
        seen = (f"{f.sd_HU:.1f}", f"{f.detectability:.2f} ({low:.2f}–{high:.2f})", f"{one.probability:.0%}")
        table.add_row(escape(protocol_words(f.protocol, one.task)), *seen, f"{f.ctdivol_mGy:.2f}", f"{f.ssde_mGy:.2f}")
    first = found.choice.judged[0]
    lead = f"[bold]{protocol_words(first.forecast.protocol, first.task)}[/]" if found.choice.chosen else "[bold red]no allowed protocol[/]"
    doses = [f"{one.name}: {one.mGy:.2g} ± {one.sd_mGy:.1g} mGy" for one in found.organs]
    said = [f"organ doses, at that setting: {escape(', '.join(doses))}"] if doses else []
    return Group(table, f"{lead}: {escape(reason(found))}", *said, *(f"[yellow]note:[/] {escape(text)}" for text in warnings(found)))
