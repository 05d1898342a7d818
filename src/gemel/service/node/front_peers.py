"""Who may ask for an association: by title, by address, by certificate."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from ipaddress import ip_address, ip_network
from typing import Any

from gemel.core.errors import InputError


@dataclass(frozen=True)
class Allowed:
    """A peer that may call: AE title, networks that it calls from, a name in its certificate; what is empty is not asked for."""

    aet: str = ""
    networks: tuple[str, ...] = ()
    certificate: str = ""

    def __post_init__(self) -> None:
        for network in self.networks:
            try:
                ip_network(network)
            except ValueError as error:
                raise InputError(f"no network {network!r}", where=f"peer {self.aet}", remedy="write 10.1.2.3 or 10.1.2.0/24") from error


def is_allowed(allowed: Sequence[Allowed], calling: str, host: str, certificate: Mapping[str, Any] | None) -> bool:
    """True when one of them matches in all that it asks for, or when there are none: then anyone who can reach the port may send."""
    names = _names(certificate or {})
    return not allowed or any(_matches(one, calling, host, names) for one in allowed)


def _matches(one: Allowed, calling: str, host: str, names: frozenset[str]) -> bool:
    near = not one.networks or any(ip_address(host) in ip_network(network) for network in one.networks)
    return near and one.aet in ("", calling) and (not one.certificate or one.certificate in names)


def _names(certificate: Mapping[str, Any]) -> frozenset[str]:
    """Common and alternative names, as `SSLSocket.getpeercert` gives them."""
    common = {value for part in certificate.get("subject", ()) for key, value in part if key == "commonName"}
    return frozenset(common | {value for _, value in certificate.get("subjectAltName", ())})
