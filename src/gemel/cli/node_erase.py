"""`gemel node erase`: a patient is forgotten, in the record and in all that the service keeps."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from gemel import store
from gemel.cli.node_status import Folder, node
from gemel.cli.shell import Actor, AsJson, StoreAt, say, speaking
from gemel.service.settings import beside


@node.command("erase")
def erase(
    patient: Annotated[str, typer.Argument(metavar="PATIENTID", help="PatientID, as it was received.")],
    reason: Annotated[str, typer.Option(help="Why; goes into the record.")],
    issuer: Annotated[str, typer.Option(help="IssuerOfPatientID, where there is one.")] = "",
    at: StoreAt = "twins.db",
    folder: Folder = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask. It cannot be undone.")] = False,
    actor: Actor = "",
    as_json: AsJson = False,
) -> None:
    """Forget a patient for good: twins, received images, what waits to be sent. Stop the service first; backups are not reached."""
    from gemel.service.erasing import erase_patient

    if not yes:
        typer.confirm(f"Delete all images and twins of PatientID {patient}, for good?", abort=True, err=True)
    with speaking(), store.open(at, create=False) as record:
        done = erase_patient(record, Path(folder or beside(at)), (patient, issuer), reason, actor=actor)
    text = f"erased {len(done.twins)} twins, {done.objects} received objects, {done.jobs} jobs, {done.outgoing} files on their way out"
    say(as_json, asdict(done), f"{text}; backups, and what was sent to others, are not reached")
