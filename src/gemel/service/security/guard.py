"""What the gate holds: accounts and sessions, the policy, the key of the pseudonyms, how long sessions last."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from importlib import resources

from gemel.core.errors import StoreError
from gemel.service.security import secret
from gemel.service.security.database import Database, open_database
from gemel.service.security.policy import Policy, policy
from gemel.service.settings import SessionTimes, Settings


@dataclass(frozen=True)
class Guard:
    """Open for as long as the service runs. `clock` gives seconds since 1970."""

    database: Database
    policy: Policy
    key: bytes
    times: SessionTimes
    clock: Callable[[], float] = time.time


def open_guard(settings: Settings, clock: Callable[[], float] = time.time) -> Guard:
    """The accounts in the service's folder, made when there are none; the folder is its owner's alone. Raises StoreError."""
    try:
        settings.folder.mkdir(mode=0o700, exist_ok=True)
        if settings.folder.stat().st_mode & 0o077:  # made by somebody else, or copied
            settings.folder.chmod(0o700)
    except OSError as error:
        remedy = "name a folder that can be made: --folder, or the record's: --store"
        raise StoreError(f"no folder for the service ({error.strerror})", where=str(settings.folder), remedy=remedy) from error
    schema = resources.files("gemel.service.security").joinpath("schema.sql").read_text()
    database = open_database(settings.folder / "access.db", schema)
    return Guard(database, policy(), secret.key_of(settings.folder / "subject.key"), settings.sessions, clock)
