"""What `gemel serve` is told: which record, which ports, which name, who may come in, and how much at once."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType

MIB = 1 << 20


@dataclass(frozen=True)
class Tls:
    """Files in PEM: our certificate with its chain, its key, and, where clients must show one, the authorities that sign theirs."""

    certificate: Path
    key: Path
    authorities: Path | None = None


@dataclass(frozen=True)
class Oidc:
    """A provider of identities (OpenID Connect Core 1.0): where it is, who we are to it, and which of its roles are which of ours.

    `audience` is the one that access tokens for the API must name; empty: none are taken.
    """

    issuer: str
    client_id: str
    audience: str = ""
    client_secret_file: Path | None = None
    name_claim: str = "preferred_username"
    roles_claim: str = "roles"
    roles: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    algorithms: tuple[str, ...] = ("RS256", "ES256", "PS256")


@dataclass(frozen=True)
class SessionTimes:
    """How long a session lasts without a request, and at most, s."""

    idle_s: float = 1800.0
    absolute_s: float = 43200.0


@dataclass(frozen=True)
class Limits:
    """What may be sent: bytes of a body (STOW and FHIR apart), the least rate, a peer's or caller's requests a second, connections."""

    body_bytes: int = MIB
    fhir_bytes: int = 16 * MIB
    stow_bytes: int = 2048 * MIB
    header_bytes: int = 32768
    header_s: float = 10.0
    body_s: float = 20.0
    least_bytes_s: float = 65536.0
    requests_per_s: float = 500.0
    burst: int = 2000
    connections: int = 512


@dataclass(frozen=True)
class Settings:
    """One service. `store` is the record's address (`gemel.store.open`); `folder` holds what belongs to the service and not to the record:
    received objects and their index, accounts, the audit log, keys; beside the record's file unless stated.

    `config` is the TOML file that the node reads its peers, rules and destinations from; `names` are the host names that it is called by.
    `ahead`: of how many twins, those that changed last, answers are made before anybody asks.
    """

    store: str
    folder: Path
    host: str = "127.0.0.1"
    port: int = 8080
    dicom_port: int = 11112
    aet: str = "GEMEL"
    dicom: bool = False
    config: Path | None = None
    names: tuple[str, ...] = ()
    tls: Tls | None = None
    oidc: Oidc | None = None
    sessions: SessionTimes = field(default_factory=SessionTimes)
    limits: Limits = field(default_factory=Limits)
    ahead: int = 0

    @property
    def url(self) -> str:
        """Where the page is, seen from this machine."""
        host = "127.0.0.1" if self.host in ("0.0.0.0", "::", "") else self.host
        bracketed = f"[{host}]" if ":" in host else host
        return f"{'https' if self.tls else 'http'}://{bracketed}:{self.port}"


def beside(store: str) -> Path:
    """The service's folder for a record's address: `twins.db` gives `twins.db.service`; of a server, one in the working folder."""
    if store.startswith("postgresql"):
        return Path("gemel.service")
    path = Path(store.removeprefix("sqlite:///"))
    return path.with_name(f"{path.name}.service")
