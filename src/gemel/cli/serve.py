"""`gemel serve`: the workbench, the interface and the DICOM node over one record."""

import getpass
from pathlib import Path
from typing import Annotated

import typer

from gemel.cli.shell import app, out, telling
from gemel.core.errors import InputError
from gemel.service.configuration import configured
from gemel.service.page.files import HOW, is_built
from gemel.service.security import accounts, links
from gemel.service.security.guard import open_guard
from gemel.service.settings import Settings, Tls, beside

RecordAt = Annotated[str, typer.Option("--store", envvar="GEMEL_STORE", help="The record: an SQLite file, or postgresql://…")]


@app.command("serve")
def serve(
    at: RecordAt = "twins.db",
    port: Annotated[int, typer.Option(help="Port of the page and the API.", min=0, max=65535)] = 8080,
    dicom_port: Annotated[int, typer.Option("--dicom-port", help="Port of the DICOM node.", min=0, max=65535)] = 11112,
    aet: Annotated[str, typer.Option(help="AE title of the DICOM node.")] = "GEMEL",
    host: Annotated[str, typer.Option(help="Address to listen at; this machine alone unless stated.")] = "127.0.0.1",
    folder: Annotated[Path | None, typer.Option(help="Folder of received objects, accounts and audit; beside the record.")] = None,
    config: Annotated[Path | None, typer.Option(help="TOML file: identity provider, limits, peers, rules.", exists=True)] = None,
    no_dicom: Annotated[bool, typer.Option("--no-dicom", help="Without the DICOM node.")] = False,
    certificate: Annotated[Path | None, typer.Option("--tls-cert", help="Certificate and its chain (PEM).", exists=True)] = None,
    key: Annotated[Path | None, typer.Option("--tls-key", help="Its private key (PEM).", exists=True)] = None,
    authorities: Annotated[
        Path | None, typer.Option("--tls-ca", help="Authorities of the clients' certificates, which are then required (PEM).", exists=True)
    ] = None,
    name: Annotated[list[str] | None, typer.Option("--name", help="A host name that it is called by. May be repeated.")] = None,
    insecure: Annotated[bool, typer.Option("--insecure-http", help="Speak HTTP without TLS to other machines all the same.")] = False,
) -> None:
    """Serve the twins of a record: the workbench in a browser, an HTTP API, DICOMweb, FHIR and a DICOM node."""
    from gemel.service.serve import serve as run

    with telling():
        tls = tls_of(certificate, key, authorities)
        settings = configured(Settings(at, folder or beside(at), host, port, dicom_port, aet, not no_dicom, config, tuple(name or ()), tls))
        run(settings, insecure=insecure, ready=greet)


def tls_of(certificate: Path | None, key: Path | None, authorities: Path | None) -> Tls | None:
    """The files of TLS; none of them: HTTP. Raises InputError for some without the others."""
    if certificate and key:
        return Tls(certificate, key, authorities)
    if certificate or key or authorities:
        raise InputError("a part of TLS alone", where="gemel serve", remedy="give --tls-cert and --tls-key together")
    return None


def first_link(settings: Settings) -> str:
    """The address that signs in whoever starts the service; empty where people have accounts of their own."""
    guard = open_guard(settings)
    try:
        if settings.oidc or any(account.has_password for account in accounts.listed(guard)):
            return ""
        return f"{settings.url}/login?token={links.fresh(guard, links.single_user(guard, getpass.getuser()))}"
    finally:
        guard.database.close()


def greet(settings: Settings) -> None:
    """Says where it is, and how to come in."""
    link = first_link(settings)
    out.print(f"gemel serves {settings.store} at {settings.url}", soft_wrap=True, highlight=False)
    if not is_built():
        out.print(HOW, soft_wrap=True, highlight=False)
    if settings.dicom:
        out.print(f"DICOM: {settings.aet} at {settings.host}:{settings.dicom_port}", soft_wrap=True, highlight=False)
    if link:
        out.print(f"sign in once, within an hour: {link}", soft_wrap=True, highlight=False)
    else:
        out.print("sign in with your account; a link for one sign-in: gemel user link", soft_wrap=True, highlight=False)
