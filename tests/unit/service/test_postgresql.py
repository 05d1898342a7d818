"""The service over a record that lies in PostgreSQL: it answers, says when the database is gone, and goes on when it is back."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from gemel.service.app import create_app
from gemel.service.settings import Settings
from tests.unit.service.entered import entered
from tests.unit.store import server as servers


@pytest.fixture(scope="module")
def held() -> Iterator[servers.Server]:
    with servers.server() as made:
        create = [made.programs / "createdb", "-h", "127.0.0.1", "-p", str(made.port), "-U", "gemel", "twins"]
        subprocess.run(create, check=True, cwd=made.folder)
        yield made


def test_the_service_outlives_its_database(held: servers.Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)  # artefacts of a server's record lie in the working folder unless stated
    with entered(create_app(Settings(f"{held.address}/twins", tmp_path / "service"))) as client:
        assert client.get("/api/twins").json()["total"] == 0
        held.stop()
        assert client.get("/healthz").status_code == 200
        gone = client.get("/readyz")
        assert gone.status_code == 503
        assert "see that the server runs" in gone.text
        held.start()
        client.get("/readyz")  # finds the connection broken, and makes another
        assert client.get("/readyz").status_code == 200
        assert client.get("/api/twins").json()["total"] == 0
