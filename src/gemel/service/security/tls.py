"""Transport security for HTTP and DIMSE alike (RFC 8446; DICOM PS3.15 §B.12, non-downgrading BCP 195 profile)."""

import ssl

from gemel.core.errors import InputError
from gemel.service.settings import Settings


def context(settings: Settings) -> ssl.SSLContext | None:
    """What a server speaks: TLS 1.2 or newer, with a client's certificate where authorities are named; None without a certificate.

    Raises InputError for files that cannot be used.
    """
    if settings.tls is None:
        return None
    told, made = settings.tls, ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    made.minimum_version = ssl.TLSVersion.TLSv1_2
    made.set_ciphers("ECDHE+AESGCM:ECDHE+CHACHA20")
    made.options |= ssl.OP_NO_COMPRESSION | ssl.OP_NO_RENEGOTIATION | ssl.OP_CIPHER_SERVER_PREFERENCE
    try:
        made.load_cert_chain(told.certificate, told.key, password=_unasked)
        if told.authorities is not None:
            made.load_verify_locations(told.authorities)
            made.verify_mode = ssl.CERT_REQUIRED
    except (OSError, ssl.SSLError) as error:
        where = f"{told.certificate}, {told.key}"
        raise InputError(
            f"a certificate that cannot be used: {error}", where=where, remedy="name PEM files that belong together"
        ) from error
    return made


def _unasked() -> str:
    """No pass phrase: a service that starts by itself cannot be asked for one."""
    raise OSError("the key has a pass phrase; keep one without, readable by the service alone")
