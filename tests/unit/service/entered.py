"""A client that has signed in, as tests of routes need one."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from fastapi import FastAPI
from starlette.testclient import TestClient

from gemel.service.security import accounts, care, links
from gemel.service.security.guard import Guard

HERE = "http://localhost"


@contextmanager
def entered(app: FastAPI, name: str = "tester", roles: Sequence[str] = (), *, to: Sequence[tuple[str, str]] = ()) -> Iterator[TestClient]:
    """A client of an application, signed in by a link: with every role and caring for everybody, or with some roles and relations `to`."""
    with TestClient(app, base_url=HERE) as client:
        sign_in(client, app, name, roles, to=to)
        yield client


def sign_in(client: TestClient, app: Any, name: str, roles: Sequence[str] = (), *, to: Sequence[tuple[str, str]] = ()) -> None:
    """Signs a client in; its further requests carry the cookie and `X-CSRF`."""
    guard: Guard = app.state.service.guard
    if roles:
        accounts.add(guard, name, roles)
        for subject, relation in to:
            care.relate(guard, care.Relation(name, subject, relation), made_by="test")
    else:
        links.single_user(guard, name)
    answer = client.get("/login", params={"token": links.fresh(guard, name)}, follow_redirects=False)
    assert answer.status_code == 303, answer.text
    client.headers["X-CSRF"] = client.get("/api/session").json()["csrf"]
