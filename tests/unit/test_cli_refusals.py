"""What is asked wrongly of the service's commands is said in one line that a person understands; nothing is begun, made or left behind."""

import re
import socket
from pathlib import Path

import pytest
from typer.testing import CliRunner

import gemel.store
from gemel.cli import app

PASSWORD = "nine brown horses\nnine brown horses\n"
LINE = re.compile(r"gemel: .+ in .+ — .+")
"""Found, where, remedy."""


def said(*words: str, typed: str = "") -> str:
    """What a refused command says: one line, and exit 1 or, of an option that cannot be read, 2."""
    done = CliRunner().invoke(app, words, input=typed, env={"GEMEL_STORE": "", "GEMEL_TOKEN": "", "COLUMNS": "300"})
    assert done.exit_code in (1, 2), done.output
    assert isinstance(done.exception, SystemExit), done.exception
    assert "Traceback" not in done.output
    return done.output


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder to work in, with a few files that are not what they should be."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "note.txt").write_text("ab")
    (tmp_path / "folder").mkdir()
    (tmp_path / "two.txt").write_text("two words")
    for name, text in CONFIGURATIONS.items():
        (tmp_path / f"{name}.toml").write_text(text)
    return tmp_path


CONFIGURATIONS = {
    "torn": "a = = b",
    "word": "[limit]\n",
    "kind": "[limits]\nburst = 'x'\n",
    "oidc": "[oidc]\nissuer = 'https://id.example'\n",
    "node": "[node]\nsettle = 1\n",
    "title": "[[peer]]\nname = 'a'\naet = 'ABCDEFGHIJKLMNOPQ'\nhost = 'h'\nport = 1\n",
    "rule": "[[rule]]\nwhen = 'Modality=='\nthen = 'ignore'\n",
    "names": "names = ['https://gemel.example']\n",
}


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["--store", "folder"], "twins.db"),
        (["--store", "note.txt"], "not a gemel record"),
        (["--store", "mysql://x/y"], "postgresql://user@host/database"),
        (["--store", "postgresql://nobody:secret@127.0.0.1:1/x"], "the server runs"),
        (["--folder", "note.txt"], "--folder"),
        (["--aet", "ABCDEFGHIJKLMNOPQRST"], "1 to 16"),
        (["--aet", "A\\B"], "without backslash"),
        (["--aet", " "], "1 to 16"),
        (["--name", "https://gemel.example"], "the name alone"),
        (["--host", "203.0.113.7", "--insecure-http"], "choose another"),
        (["--tls-cert", "note.txt"], "--tls-cert and --tls-key together"),
        (["--tls-cert", "note.txt", "--tls-key", "note.txt"], "PEM files that belong together"),
        (["--config", "torn.toml"], "line 1"),
        (["--config", "word.toml"], "did you mean limits?"),
        (["--config", "kind.toml"], "whole number above 0"),
        (["--config", "oidc.toml"], "add client_id\n"),
        (["--config", "node.toml"], "did you mean settle_s?"),
        (["--config", "title.toml"], "1 to 16"),
        (["--config", "rule.toml"], "line 2, column"),
        (["--config", "names.toml"], "the name alone"),
        (["--config", "none.toml"], "does not exist"),
        (["--port", "99999"], "65535"),
        (["--prot", "1"], "--port"),
    ],
)
def test_serve(place: Path, words: list[str], expected: str) -> None:
    found = said("serve", *([] if "--store" in words else ["--store", "new.db"]), *([] if "--port" in words else ["--port", "0"]), *words)
    assert expected in found
    assert "secret" not in found
    assert (place / "note.txt").read_text() == "ab"


def test_a_dicom_port_that_is_taken(place: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        found = said("serve", "--store", "new.db", "--port", "0", "--dicom-port", str(taken.getsockname()[1]))
    assert LINE.search(found)
    assert "--dicom-port" in found


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["list"], "start `gemel serve` there once"),
        (["tokens"], "start `gemel serve` there once"),
        (["roles", "nobody", "--role", "viewer"], "gemel user list"),
        (["remove", "nobody"], "gemel user list"),
        (["link", "nobody"], "gemel user list"),
        (["token", "nobody", "--scope", "twins:read"], "gemel user list"),
        (["revoke", "zz"], "gemel user tokens"),
        (["grant", "dora"], "--patient"),
        (["grant", "dora", "--patient", "1", "--relation", "friend"], "choose of care"),
        (["grant", "dora", "--group", "trial"], "@name"),
        (["add", "em il", "--role", "viewer"], "letters, digits"),
        (["add", "emil", "--role", "doctor"], "choose of viewer"),
    ],
)
def test_user(place: Path, words: list[str], expected: str) -> None:
    found = said("user", *words, "--store", "new.db", typed=PASSWORD)
    assert LINE.search(found)
    assert expected in found


def test_looking_at_accounts_makes_no_folder_and_making_one_says_so(place: Path) -> None:
    said("user", "list", "--store", "mistyped.db")
    assert not (place / "mistyped.db.service").exists()
    done = CliRunner().invoke(app, ["user", "add", "dora", "--role", "viewer", "--store", "new.db"], input=PASSWORD)
    assert "a new folder: new.db.service" in done.output
    done = CliRunner().invoke(app, ["user", "grant", "mo", "--patient", "471147", "--store", "new.db"])
    assert done.exit_code == 0
    assert "no account mo yet" in done.output
    assert "mo: care of 471147" in done.output


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["send", "note.txt", "--to", "GEMEL@127.0.0.1:1"], "leave it out"),
        (["send", "folder", "--to", "GEMEL@127.0.0.1:1"], "nothing to send"),
        (["pull", "GEMEL@127.0.0.1", "--patient", "1"], "AET@host:port"),
        (["pull", "GEMEL@127.0.0.1:1", "--patient", "1"], "check host, port"),
        (["pull", "GEMEL@nowhere.invalid:104", "--patient", "1"], "a host that is not known"),
        (["route", "note.txt", "--config", "rule.toml", "--store", "new.db"], "make a twin there first"),
        (["node", "status", "--store", "new.db"], "start `gemel serve`"),
        (["audit", "head", "--store", "new.db"], "no audit.db"),
        (["mcp"], "gemel user token"),
        (["mcp", "--token-file", "none"], "No such file"),
        (["mcp", "--token-file", "folder"], "Is a directory"),
        (["mcp", "--token-file", "two.txt"], "no single word"),
        (["mcp", "--token-file", "note.txt", "--url", "gemel.example"], "http://127.0.0.1:8080"),
    ],
)
def test_others(place: Path, words: list[str], expected: str) -> None:
    found = said(*words)
    assert LINE.search(found)
    assert expected in found


def test_a_record_is_verified_after_a_restore(place: Path) -> None:
    gemel.store.open(place / "twins.db").close()
    run = CliRunner()
    assert run.invoke(app, ["verify", "--store", "twins.db"]).output == f"whole: {'0' * 64}\n"
    assert "cut off" in said("verify", "--store", "twins.db", "--head", "a" * 64)
    assert LINE.search(said("verify", "--store", "other.db"))
