"""A real PostgreSQL server in a temporary folder, run by an ordinary user, for as long as the tests last."""

import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

MISSING = "no PostgreSQL server on this machine: install it (Debian: apt-get install postgresql) to run this test"
CLIENT = "no PostgreSQL client: pip install 'gemel[postgres]'"


def programs() -> Path | None:
    """The folder with initdb and postgres, on the path or where Debian puts it."""
    places = [Path(found).resolve().parent for name in ("initdb",) if (found := shutil.which(name))]
    places += sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    return next((place for place in places if (place / "initdb").is_file() and (place / "postgres").is_file()), None)


def ordinary_user() -> dict[str, int]:
    """The server refuses to be run by root: somebody else then."""
    if os.geteuid() != 0:
        return {}
    known = {entry.pw_name: entry for entry in pwd.getpwall()}
    entry = known.get("postgres") or known["nobody"]
    return {"user": entry.pw_uid, "group": entry.pw_gid}


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass
class Server:
    """A server's programs, its folder (data and log) and its settings; `process` while it runs."""

    programs: Path
    folder: Path
    settings: tuple[str, ...] = ()
    port: int = field(default_factory=free_port)
    process: "subprocess.Popen[bytes] | None" = None

    @property
    def address(self) -> str:
        """Without a database."""
        return f"postgresql://gemel@127.0.0.1:{self.port}"

    def make(self) -> None:
        """The data folder, of an ordinary user."""
        who, data = ordinary_user(), self.folder / "data"
        self.folder.chmod(0o755)
        data.mkdir(mode=0o700)
        if who:
            os.chown(data, who["user"], who["group"])
        made = [self.programs / "initdb", "-D", data, "-U", "gemel", "-A", "trust", "-E", "UTF8", "--locale=C"]
        subprocess.run(made, check=True, capture_output=True, cwd=self.folder, **who)

    def start(self) -> None:
        """Returns when it takes connections."""
        data, log = self.folder / "data", self.folder / "log"
        options = ("listen_addresses=127.0.0.1", f"port={self.port}", f"unix_socket_directories={data}", *self.settings)
        command = [self.programs / "postgres", "-D", data, *(f"-c{text}" for text in options)]
        with log.open("wb") as stream:
            self.process = subprocess.Popen(command, stderr=stream, cwd=self.folder, **ordinary_user())
        wait(self.process, log)

    def stop(self) -> None:
        """At once, without a last checkpoint (PostgreSQL 15 documentation, §19.5)."""
        assert self.process is not None
        self.process.send_signal(signal.SIGQUIT)
        self.process.wait(timeout=60)


@contextmanager
def server(*settings: str) -> Iterator[Server]:
    """A server that runs; it is thrown away in the end. Skips the test when server or client is missing."""
    pytest.importorskip("sqlalchemy", reason=CLIENT)
    pytest.importorskip("pg8000", reason=CLIENT)
    place = programs()
    if place is None:
        pytest.skip(MISSING)
    with tempfile.TemporaryDirectory() as folder:
        held = Server(place, Path(folder), settings)
        held.make()
        held.start()
        try:
            yield held
        finally:
            held.stop()


@contextmanager
def running(*settings: str) -> Iterator[str]:
    """Address of a server, without a database."""
    with server(*settings) as held:
        yield held.address


def wait(server: "subprocess.Popen[bytes]", log: Path) -> None:
    """Until the server says that it takes connections."""
    while "ready to accept connections" not in log.read_text(errors="replace"):
        assert server.poll() is None, log.read_text(errors="replace")
        time.sleep(0.05)


def new_database(address: str, name: str) -> str:
    """Address of a new, empty database."""
    import sqlalchemy as sa

    engine = sa.create_engine(f"{address.replace('postgresql', 'postgresql+pg8000')}/postgres", isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.exec_driver_sql(f'CREATE DATABASE "{name}"')
    engine.dispose()
    return f"{address}/{name}"
