"""What `gemel serve` is told: which record, which ports, which name."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Settings:
    """One service. `store` is the record's address (`gemel.store.open`); `folder` holds what belongs to the service and not to the record:
    received objects and their index, accounts, the audit log, keys; beside the record's file unless stated.
    """

    store: str
    folder: Path
    host: str = "127.0.0.1"
    port: int = 8080
    dicom_port: int = 11112
    aet: str = "GEMEL"


def beside(store: str) -> Path:
    """The service's folder for a record's address: `twins.db` gives `twins.db.service`; of a server, one in the working folder."""
    if store.startswith("postgresql"):
        return Path("gemel.service")
    path = Path(store.removeprefix("sqlite:///"))
    return path.with_name(f"{path.name}.service")
