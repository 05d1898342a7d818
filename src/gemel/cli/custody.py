"""Commands that hand a twin on, take one in, or forget its person."""

import secrets
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from gemel import flow, store
from gemel.cli.shell import Actor, AsJson, StoreAt, TwinId, say, speaking, twin
from gemel.core.errors import InputError
from gemel.flow.exporting import Deidentified


@twin.command("export")
def twin_export(
    twin_id: TwinId,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The file to write; nothing is overwritten.")],
    at: StoreAt = "twins.db",
    deidentify: Annotated[bool, typer.Option("--deidentify", help="Without the person: DICOM PS3.15 Annex E, in one step.")] = False,
    characteristics: Annotated[
        bool, typer.Option("--keep-characteristics", help="Keep sex, size, weight and age class in the images; SUV needs the weight.")
    ] = False,
    key: Annotated[
        Path | None, typer.Option("--key", help="File with the secret of the pseudonyms; the same key gives the same ones.")
    ] = None,
    persons: Annotated[bool, typer.Option("--with-person", help="Put who it is into the file.")] = False,
    as_json: AsJson = False,
) -> None:
    """Write the twin as one file that another machine verifies and opens; prints the seal to tell its receiver."""
    with speaking() as progress, store.open(at, create=False) as record:
        if persons and deidentify:
            raise InputError("--with-person and --deidentify", where="export", remedy="choose one of them")
        if (key or characteristics) and not deidentify:
            found = "--key" if key else "--keep-characteristics"
            raise InputError(f"{found} without --deidentify", where="export", remedy="add --deidentify, or leave it out")
        hidden = Deidentified(_key(key), characteristics) if deidentify else None
        done = flow.export(record, twin_id, file, hidden=hidden, with_persons=persons, progress=progress)
    text = f"{done.path}\ntwin {done.twin}\nseal {done.seal}\ntell the seal by another way than the file"
    left = f"\n{done.left_out} originals that are no DICOM were left out" if done.left_out else ""
    say(as_json, asdict(done), text + left)


def _key(path: Path | None) -> bytes:
    """The bytes of the key file, or a new key that nobody keeps: then nobody can link the file to the person."""
    if path is None:
        return secrets.token_bytes(32)
    if not path.is_file():
        raise InputError("no key", where=str(path), remedy="make one of 32 random bytes and keep it safe")
    return path.read_bytes()


@twin.command("load")
def twin_load(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The file that `gemel twin export` wrote.")],
    at: StoreAt = "twins.db",
    seal: Annotated[str, typer.Option(help="The seal that the sender told.")] = "",
    actor: Actor = "",
    as_json: AsJson = False,
) -> None:
    """Verify a twin from a file, byte by byte, and take it into the record."""
    with speaking():
        if not file.is_file():
            raise InputError("no file", where=str(file), remedy="name the file that `gemel twin export` wrote")
        with store.open(at) as record:
            done = flow.load(record, file, seal=seal, actor=actor)
    how = "its seal is the one told" if done.compared else "its seal was not compared: ask its sender for it"
    say(as_json, asdict(done), f"{done.twin}: version {done.version}, whole; {how}")


@twin.command("erase")
def twin_erase(
    twin_id: TwinId,
    reason: Annotated[str, typer.Option(help="Why; goes into the record.")],
    at: StoreAt = "twins.db",
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask. It cannot be undone.")] = False,
    actor: Actor = "",
    as_json: AsJson = False,
) -> None:
    """Forget the person and delete the twin's images for good; the chain of events stays."""
    if not yes:
        typer.confirm(f"Delete the images of {twin_id} and who it is of, for good?", abort=True, err=True)
    with speaking(), store.open(at, create=False) as record:
        event = flow.erase(record, twin_id, reason, actor=actor)
    gone = event.payload
    say(as_json, dict(gone), f"erased {len(gone['persons'])} persons and {len(gone['artefacts'])} artefacts; backups are not reached")
