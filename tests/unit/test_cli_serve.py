"""`gemel user`, `gemel audit` and the configuration file, as whoever sets gemel up uses them."""

import json
import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from gemel.cli import app
from gemel.core.errors import InputError
from gemel.service.configuration import configured
from gemel.service.security.database import open_database
from gemel.service.security.guard import open_guard
from gemel.service.security.subjects import subject_of_person
from gemel.service.settings import Settings, beside

PASSWORD = "nine brown horses\nnine brown horses\n"


def run(folder: Path, *words: str, said: str = "", exit_code: int = 0) -> str:
    """What a command prints; it must end as expected."""
    done = CliRunner().invoke(app, [*words, "--store", str(folder / "twins.db")], input=said)
    assert done.exit_code == exit_code, done.output
    return done.output


def test_accounts_are_made_changed_and_ended(tmp_path: Path) -> None:
    run(tmp_path, "user", "add", "dora", "--role", "physician", said=PASSWORD)
    run(tmp_path, "user", "add", "dora", "--role", "viewer", said=PASSWORD, exit_code=1)
    assert "choose of viewer" in run(tmp_path, "user", "roles", "dora", "--role", "boss", exit_code=1)
    run(tmp_path, "user", "roles", "dora", "--role", "viewer", "--role", "physician")
    listed = json.loads(run(tmp_path, "user", "list", "--json"))
    assert listed == [{"name": "dora", "roles": ["viewer", "physician"], "origin": "local", "password": True}]
    run(tmp_path, "user", "grant", "dora", "--patient", "471147", "--days", "3")
    run(tmp_path, "user", "grant", "dora", "--group", "@trial7")
    token = run(tmp_path, "user", "token", "dora", "--scope", "twins:read").strip()
    assert re.fullmatch(r"gemel_[\w-]{43}", token)
    run(tmp_path, "user", "remove", "dora")
    assert run(tmp_path, "user", "tokens") == "no token\n"
    assert "no account 'dora'" in run(tmp_path, "user", "remove", "dora", exit_code=1)


def test_no_patients_number_is_kept_with_the_relation(tmp_path: Path) -> None:
    run(tmp_path, "user", "add", "dora", "--role", "physician", said=PASSWORD)
    run(tmp_path, "user", "grant", "dora", "--patient", "PATIENT-471147")
    held = b"".join(path.read_bytes() for path in beside(str(tmp_path / "twins.db")).iterdir())
    assert b"471147" not in held
    assert b"nine brown" not in held


def test_what_is_done_at_the_terminal_is_in_the_audit_log(tmp_path: Path) -> None:
    run(tmp_path, "user", "add", "dora", "--role", "physician", said=PASSWORD)
    link = run(tmp_path, "user", "link", "dora")
    assert re.search(r"http://127.0.0.1:8080/login\?token=[\w-]{43}\s", link)
    head = run(tmp_path, "audit", "head").strip()
    assert head.startswith("2:")
    assert run(tmp_path, "audit", "verify", "--anchor", head) == "whole\n"
    assert "cut off" in run(tmp_path, "audit", "verify", "--anchor", f"3:{'0' * 64}", exit_code=1)


def test_who_ends_a_membership_does_not_begin_one(tmp_path: Path) -> None:
    run(tmp_path, "user", "add", "mo", "--role", "viewer", said=PASSWORD)
    told = ("user", "grant", "mo", "--group", "@trial7")
    assert "did not belong to @trial7" in run(tmp_path, *told, "--end")
    assert "belongs to @trial7" in run(tmp_path, *told)
    assert "belongs no more to @trial7" in run(tmp_path, *told, "--end")
    assert "did not belong" in run(tmp_path, *told, "--end")


def test_the_log_says_to_whom_a_relation_was_given(tmp_path: Path) -> None:
    run(tmp_path, "user", "grant", "mo", "--patient", "471147")
    guard = open_guard(Settings("", beside(str(tmp_path / "twins.db"))))
    subject = subject_of_person(guard.key, "471147")
    guard.database.close()
    log = open_database(beside(str(tmp_path / "twins.db")) / "audit.db", "", create=False)
    assert [json.loads(body)["detail"] for (body,) in log.select("SELECT body FROM audit")] == [f"mo care {subject}"]
    log.close()


def test_a_log_that_is_not_there_is_said(tmp_path: Path) -> None:
    assert "no audit.db" in run(tmp_path, "audit", "head", exit_code=1)


def told(folder: Path, text: str) -> Settings:
    """Settings with a configuration file."""
    path = folder / "gemel.toml"
    path.write_text(text, encoding="utf-8")
    return configured(Settings("twins.db", folder, config=path))


def test_a_configuration_is_read(tmp_path: Path) -> None:
    text = """
    names = ["twins.hospital.example"]
    [oidc]
    issuer = "https://id.example"
    client_id = "gemel"
    roles = { arzt = "physician" }
    [limits]
    stow_bytes = 1000
    [sessions]
    idle_s = 600
    [[rule]]
    when = "Modality=CT"
    """
    found = told(tmp_path, text)
    assert found.names == ("twins.hospital.example",)
    assert found.oidc is not None
    assert (found.oidc.issuer, dict(found.oidc.roles)) == ("https://id.example", {"arzt": "physician"})
    assert (found.limits.stow_bytes, found.sessions.idle_s, found.limits.body_bytes) == (1000, 600.0, 1 << 20)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("name = ['x']", "names"),
        ("[limit]\nbody_bytes = 1", "limits"),
        ("[limits]\nbody_byte = 1", "body_bytes"),
        ("[limits]\nbody_bytes = -1", "above 0"),
        ("[limits]\nbody_bytes = true", "above 0"),
        ("[limits]\nbody_bytes = 'many'", "above 0"),
        ("[oidc]\nissuer = 'https://id.example'", "client_id"),
        ("[oidc]\nissuer = 3\nclient_id = 'x'", "quotes"),
        ("names = 'x'", "list"),
        ("limits = 3", "table"),
        ("[limits", "correct the TOML"),
    ],
)
def test_a_word_that_is_not_known_is_refused_with_the_nearest(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(InputError, match=words):
        told(tmp_path, text)
