"""`gemel send`, `gemel pull`, `gemel route`: DICOM to others, priors from others, and what the rules would do."""

import os
import re
from collections.abc import Sequence
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Group, RenderableType
from rich.markup import escape
from rich.table import Table

from gemel import store
from gemel.cli.shell import AsJson, StoreAt, app, say, speaking
from gemel.core.errors import InputError
from gemel.core.system import Progress
from gemel.io.prescan import scan
from gemel.service.archive import open_archive
from gemel.service.node.query import find
from gemel.service.node.query_retrieve import Pulled, get, move
from gemel.service.node.routing_explain import Explained, explained, seen_in_archive, seen_in_files
from gemel.service.node.rules import Peer
from gemel.service.node.rules_read import checked_peer, read_routing
from gemel.service.node.scu import Ours
from gemel.service.node.scu_tls import client_context
from gemel.service.node.sending_audit import PULL, SEND, noted_by_hand
from gemel.service.node.sending_journal import left_of, noting
from gemel.service.node.sending_store import Item, Sent, item_of, persons_of
from gemel.service.node.sending_store import store as c_store
from gemel.service.node.sending_web import stow
from gemel.service.settings import Tls, beside
from gemel.store import files as disk

ADDRESS = re.compile(r"(?P<aet>[^@]{1,16})@(?P<host>\[[0-9A-Fa-f:.]+\]|[^\[\]:@/\s]+):(?P<port>[0-9]{1,5})")
SHOWN = 20
Title = Annotated[str, typer.Option("--aet", help="Our AE title.")]
Authorities = Annotated[Path | None, typer.Option("--tls-ca", help="Speak TLS; authorities of the peer's certificate (PEM).", exists=True)]
Certificate = Annotated[Path | None, typer.Option("--tls-cert", help="Our certificate, where the peer asks for one (PEM).", exists=True)]
Key = Annotated[Path | None, typer.Option("--tls-key", help="Its private key (PEM).", exists=True)]


@app.command("send")
def send(
    files: Annotated[list[Path], typer.Argument(metavar="FILES…", help="DICOM files, or folders of them.", exists=True)],
    to: Annotated[str, typer.Option("--to", help="AET@host:port, or the DICOMweb address http(s)://host/dicom-web.")],
    aet: Title = "GEMEL",
    journal: Annotated[Path | None, typer.Option(help="File that remembers what was acknowledged: the same command again goes on.")] = None,
    authorities: Authorities = None,
    certificate: Certificate = None,
    key: Key = None,
    at: StoreAt = "twins.db",
    as_json: AsJson = False,
) -> None:
    """Send DICOM files as they are; names what failed and why, and exits 1 when anything did. DICOMweb takes a token from GEMEL_TOKEN.

    Where a service keeps the record's audit log, it is told.
    """
    with speaking() as progress:
        items, odd = _items(files)
        left = left_of(journal, to, items)
        tls = _tls(authorities, certificate, key)
        noted = partial(noted_by_hand, beside(at), SEND, to, persons=persons_of(left))
        noted("asked")
        ends = _sent(left, to, Ours(aet, tls), noting(journal, to), progress) if left else ()
    failed = [(str(end.item.path), end.why) for end in ends if not end.stored]
    stored = [end for end in ends if end.stored]
    with speaking():
        noted(f"{len(stored)} of {len(left)} stored")
    value = {"stored": len(stored), "before": len(items) - len(left), "failed": dict(failed), "not_dicom": odd}
    say(as_json, value, _sending(value, failed, [end.why for end in stored if end.why]))
    raise typer.Exit(1 if failed else 0)


def _sent(items: Sequence[Item], to: str, ours: Ours, told: Any, progress: Progress) -> Sequence[Sent]:
    if to.startswith(("http://", "https://")):
        token = os.environ.get("GEMEL_TOKEN", "")
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        return stow(items, to, headers=headers, verify=ours.tls or True, progress=progress, told=told)
    return c_store(items, address(to, tls=ours.tls is not None), ours, progress=progress, told=told)


def _sending(value: dict[str, Any], failed: Sequence[tuple[str, str]], warned: Sequence[str]) -> str:
    lines = [f"{value['stored']} stored" + (f", {value['before']} before" if value["before"] else "")]
    lines += [f"{len(warned)} with a warning: {escape(warned[0])}"] if warned else []
    lines += [f"{len(value['not_dicom'])} files that are not DICOM were left out"] if value["not_dicom"] else []
    lines += [f"[bold red]not stored:[/] {escape(path)}: {escape(why)}" for path, why in failed[:SHOWN]]
    return "\n".join([*lines, *([f"… and {len(failed) - SHOWN} more"] if len(failed) > SHOWN else [])])


def _items(paths: Sequence[Path]) -> tuple[list[Item], list[str]]:
    """Files to be sent; of a folder those that are DICOM, the others are told. Raises InputError for a file named that is none."""
    items, odd = [], []
    for path in paths:
        for file in sorted(p for p in path.rglob("*") if p.is_file()) if path.is_dir() else [path]:
            try:
                items.append(item_of(file))
            except InputError:
                if not path.is_dir():
                    raise
                odd.append(str(file))
    if not items:
        raise InputError("nothing to send", where=", ".join(map(str, paths)), remedy="name DICOM files, or a folder that holds some")
    return items, odd


def address(text: str, *, tls: bool = False) -> Peer:
    """AET@host:port as a peer. Raises InputError."""
    said = ADDRESS.fullmatch(text)
    if said is None:
        raise InputError(f"the address {text!r}", where="peer", remedy="write AET@host:port, such as PACS@10.0.0.2:104")
    found = Peer(said["aet"], said["host"].strip("[]"), int(said["port"]), tls, said["aet"])
    return checked_peer(found, lambda what, remedy: InputError(what, where=text, remedy=remedy))


def _tls(authorities: Path | None, certificate: Path | None, key: Path | None) -> Any:
    """The context where TLS is asked for, else None."""
    if (certificate is None) != (key is None):
        raise InputError("a certificate without its key", where="TLS", remedy="give --tls-cert and --tls-key together")
    if authorities is None and certificate is None:
        return None
    return client_context(Tls(certificate, key, authorities) if certificate and key else None, authorities)


@app.command("pull")
def pull(
    peer: Annotated[str, typer.Argument(metavar="AET@HOST:PORT", help="The archive that is asked.")],
    patient: Annotated[str, typer.Option(help="PatientID.")] = "",
    study: Annotated[str, typer.Option(help="StudyInstanceUID; all studies of the patient unless given.")] = "",
    series: Annotated[str, typer.Option(help="SeriesInstanceUID; all series unless given.")] = "",
    modality: Annotated[str, typer.Option(help="Series of this modality alone.")] = "",
    dates: Annotated[str, typer.Option(help="StudyDate as DICOM writes ranges: 20260101-20260331.")] = "",
    to: Annotated[str, typer.Option("--to", help="C-MOVE to this title, which the archive must know: a running node's.")] = "",
    out: Annotated[Path | None, typer.Option(help="C-GET into this folder instead.", file_okay=False)] = None,
    aet: Title = "GEMEL",
    authorities: Authorities = None,
    certificate: Certificate = None,
    key: Key = None,
    at: StoreAt = "twins.db",
    as_json: AsJson = False,
) -> None:
    """Bring a patient's earlier studies here; without --to and --out, list what there is. The record's audit log is told."""
    if not patient and not study:
        raise typer.BadParameter("name a --patient or a --study")
    with speaking() as progress:
        tls = _tls(authorities, certificate, key)
        there, ours = address(peer, tls=tls is not None), Ours(aet, tls)
        wanted = {"PatientID": patient, "StudyInstanceUID": study, "StudyDate": dates}
        noted_by_hand(beside(at), PULL, peer, "asked", [(patient, "")])
        studies = find("study", {key: value for key, value in wanted.items() if value}, there, ours)
        rows = [row for found in studies for row in _series(found, {"SeriesInstanceUID": series, "Modality": modality}, there, ours)]
        done = [_brought(row, there, ours, to, out, progress) for row in rows] if to or out else []
        whose = {(row.get("PatientID", ""), row.get("IssuerOfPatientID", "")) for row in rows}
        noted_by_hand(beside(at), PULL, peer, f"{sum(one.completed for one in done)} objects of {len(rows)} series", whose)
    value = {"series": rows, "received": sum(one.completed for one in done), "failed": sum(one.failed for one in done)}
    say(as_json, value | {"why": [why for one in done for why in one.why]}, _pulled(rows, done))
    raise typer.Exit(1 if value["failed"] else 0)


def _series(found: dict[str, str], wanted: dict[str, str], peer: Peer, ours: Ours) -> list[dict[str, str]]:
    """Series of a study, with what the study says; an archive that ignores a condition is not believed."""
    asked = {key: value for key, value in wanted.items() if value}
    rows = find("series", {"StudyInstanceUID": found["StudyInstanceUID"], **asked}, peer, ours)
    return [{**found, **row} for row in rows if all(row.get(key) == value for key, value in asked.items())]


def _brought(row: dict[str, str], peer: Peer, ours: Ours, to: str, out: Path | None, progress: Progress) -> Pulled:
    uids = {key: row[key] for key in ("StudyInstanceUID", "SeriesInstanceUID")}
    if to:
        return move(uids, peer, ours, to=to, progress=progress)
    folder = out or Path()
    folder.mkdir(parents=True, exist_ok=True)
    return get(uids, peer, ours, keep=lambda content: _write(folder, content), progress=progress)


def _write(folder: Path, content: bytes) -> None:
    """An object that was looked over, under a name of its content: never under one that it brings."""
    scan(content, where="an object that was pulled")
    path = folder / f"{sha256(content).hexdigest()[:32]}.dcm"
    with disk.refusing(path):
        path.write_bytes(content)


def _pulled(rows: Sequence[dict[str, str]], done: Sequence[Pulled]) -> RenderableType:
    table = Table("date", "study", "modality", "series", "objects", title=None if rows else "nothing there")
    for row in rows:
        keys = ("StudyDate", "StudyDescription", "Modality", "SeriesDescription", "NumberOfSeriesRelatedInstances")
        table.add_row(*(escape(row.get(key, "")) for key in keys))
    counts = f"{sum(one.completed for one in done)} objects came, {sum(one.failed for one in done)} did not" if done else ""
    return Group(table, *filter(None, [counts, *(escape(why) for one in done for why in one.why[:SHOWN])]))


@app.command("route")
def route(
    what: Annotated[list[str], typer.Argument(metavar="FILE|SERIES…", help="DICOM files, a folder of them, or a SeriesInstanceUID.")],
    config: Annotated[Path, typer.Option(help="The TOML file with the rules.", exists=True)],
    at: StoreAt = "twins.db",
    folder: Annotated[Path | None, typer.Option(help="The service's folder; beside the record.")] = None,
    as_json: AsJson = False,
) -> None:
    """What the rules would do with it, rule by rule, and why. Nothing is done."""
    with speaking(), store.open(at, create=False) as record:
        routing = read_routing(config)
        found = [explained(seen, routing, record) for seen in _seen(what, folder or beside(at))]
    say(as_json, [_told(one) for one in found], Group(*map(_explanation, found)))


def _seen(what: Sequence[str], folder: Path) -> list[Any]:
    paths = [Path(text) for text in what if Path(text).exists()]
    files = [file for path in paths for file in (sorted(p for p in path.rglob("*") if p.is_file()) if path.is_dir() else [path])]
    series = [text for text in what if not Path(text).exists()]
    if not series:
        return seen_in_files(files)
    archive = open_archive(folder / "archive")
    try:
        return [*seen_in_files(files), *(seen_in_archive(archive, text) for text in series)]
    finally:
        archive.close()


def _told(found: Explained) -> dict[str, Any]:
    rules = [{"rule": name, "when": text, "holds": true} for name, text, true in found.rules]
    verdict = {"state": found.verdict.state, "act": found.verdict.act, "twin": found.verdict.twin, "why": found.verdict.why}
    return {"series": found.what, "rules": rules, "acts": found.acts, "forwards": list(found.forwards), **verdict}


def _explanation(found: Explained) -> RenderableType:
    table = Table("rule", "when", "holds", title=found.what)
    for name, text, true in found.rules:
        table.add_row(escape(name), escape(text), ("[bold green]acts[/]" if name == found.acts else "yes") if true else "no")
    verdict = found.verdict
    words = f"{verdict.act or 'nothing to do'}{f' with twin {verdict.twin}' if verdict.twin else ''}: {verdict.state}"
    lines = [escape(f"{words}, {verdict.why}" if verdict.why else words), *(f"forwarded to {escape(name)}" for name in found.forwards)]
    return Group(table, *lines)
