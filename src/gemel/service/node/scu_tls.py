"""What we speak to peers that ask for TLS: their certificate is checked against our authorities, ours is shown where they ask for one."""

import ssl
from pathlib import Path

from gemel.core.errors import InputError
from gemel.service.node.rules import Routing
from gemel.service.settings import Settings, Tls


def outgoing(settings: Settings, routing: Routing) -> ssl.SSLContext | None:
    """A client's context where a peer or destination wants TLS; None when none does."""
    wanted = any(peer.tls for peer in (*routing.peers, *(to.peer for to in routing.destinations)))
    told = settings.tls
    return client_context(told, told.authorities if told else None) if wanted else None


def client_context(ours: Tls | None, authorities: Path | None) -> ssl.SSLContext:
    """TLS 1.2 or newer; the peer's name and certificate are checked, by these authorities or the system's; ours is shown where asked for.

    PS3.15 §B.12. Raises InputError for files that cannot be used.
    """
    try:
        made = ssl.create_default_context(cafile=str(authorities) if authorities else None)
        made.minimum_version = ssl.TLSVersion.TLSv1_2
        if ours is not None:
            made.load_cert_chain(ours.certificate, ours.key)
    except (OSError, ssl.SSLError) as error:
        where = f"{authorities or ''} {ours.certificate if ours else ''}".strip()
        raise InputError(
            f"a certificate that cannot be used: {error}", where=where, remedy="name PEM files that belong together"
        ) from error
    return made
