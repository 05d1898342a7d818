"""What every answer carries, whom the service answers, and how much it takes."""

from collections.abc import Iterator
from typing import Annotated

import pytest
from fastapi import APIRouter, FastAPI, Request
from starlette.testclient import TestClient

from gemel.core.errors import ConflictError, GeometryError, StaleError, StoreError, UnknownError
from gemel.service.security.access import PUBLIC, needs
from gemel.service.security.bodies import claimed, most_bytes
from gemel.service.security.headers import Headers
from gemel.service.security.hosts import called
from gemel.service.security.oidc_routes import onward
from gemel.service.security.rates import Rates
from gemel.service.security.throttle import Throttle
from gemel.service.settings import Limits
from tests.unit.service.entered import HERE
from tests.unit.service.security import house

ROOMS = APIRouter()
ERRORS = {
    "unknown": (UnknownError("no such thing"), 404),
    "stale": (StaleError("it has moved on"), 412),
    "conflict": (ConflictError("busy"), 409),
    "geometry": (GeometryError("a slice is missing", where="series 1", remedy="send it again"), 422),
    "store": (StoreError("disk full"), 503),
}


@ROOMS.post("/rooms/echo", dependencies=[needs(PUBLIC)])
async def echo(request: Request) -> dict[str, int]:
    """How much came."""
    return {"bytes": len(await request.body())}


@ROOMS.get("/rooms/raise/{kind}", dependencies=[needs(PUBLIC)])
def fail(kind: str) -> None:
    """Raises."""
    raise ERRORS[kind][0]


@ROOMS.get("/rooms/number", dependencies=[needs(PUBLIC)])
def number(n: Annotated[int, "a number"]) -> int:
    """A number."""
    return n


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> FastAPI:
    limits = Limits(body_bytes=1000, body_s=0.2, requests_per_s=1000.0, burst=200)
    return house.with_routes(house.settings(tmp_path_factory.mktemp("house"), limits=limits), ROOMS)


@pytest.fixture(scope="module")
def client(app: FastAPI) -> Iterator[TestClient]:
    with TestClient(app, base_url=HERE) as opened:
        yield opened


OF_PAGES = "default-src 'self'; img-src 'self' blob: data:; base-uri 'none'; object-src 'none'; form-action 'self'; frame-ancestors 'none'"
OF_DATA = "default-src 'none'; frame-ancestors 'none'; sandbox"


@pytest.mark.parametrize("path", ["/healthz", "/nix", "/api/session", "/rooms/raise/store", "/login?token=x", "/openapi.json"])
def test_every_answer_carries_the_headers(client: TestClient, path: str) -> None:
    headers = client.get(path, follow_redirects=False).headers
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"
    assert "frame-ancestors 'none'" in headers["content-security-policy"]
    assert headers["cross-origin-opener-policy"] == headers["cross-origin-resource-policy"] == "same-origin"
    assert headers["cache-control"] == "no-store"
    assert "server" not in headers
    assert not [name for name in headers if name.startswith("access-control")], "no other site may read an answer"


def test_the_policy_of_the_page_lets_nothing_in_from_elsewhere() -> None:
    from starlette.datastructures import MutableHeaders

    from gemel.service.security.headers import add

    held = MutableHeaders({"content-type": "text/html; charset=utf-8"})
    add(held, tls=True)
    told = held["content-security-policy"]
    assert "default-src 'self'" in told
    assert not [word for word in ("unsafe-inline", "unsafe-eval'", "http:", "https:", "*") if word in told.replace("wasm-unsafe-eval", "")]
    assert held["strict-transport-security"] == "max-age=31536000"
    assert Headers


@pytest.mark.parametrize(
    ("kind", "policy"), [("text/html", OF_PAGES), ("image/svg+xml", OF_DATA), ("application/json", OF_DATA), ("", OF_DATA)]
)
def test_the_policies_are_these_to_the_letter(kind: str, policy: str) -> None:
    """A word that is added by mistake, or left out, is seen here."""
    from starlette.datastructures import MutableHeaders

    from gemel.service.security.headers import add

    held = MutableHeaders({"content-type": kind})
    add(held, tls=False)
    assert held["content-security-policy"] == policy


@pytest.mark.parametrize("host", ["evil.example", "localhost.evil.example", "127.0.0.1.nip.io", "", "localhost@evil.example", "[::2]"])
def test_a_foreign_host_name_is_refused(client: TestClient, host: str) -> None:
    assert client.get("/healthz", headers={"Host": host}).status_code == 421


@pytest.mark.parametrize("host", ["localhost", "localhost:9999", "LOCALHOST:80", "127.0.0.1:8080", "[::1]:8080"])
def test_its_own_host_names_are_answered(client: TestClient, host: str) -> None:
    assert client.get("/healthz", headers={"Host": host}).status_code == 200


def test_two_host_names_are_none() -> None:
    assert not called(["localhost", "localhost"], frozenset({"localhost"}))


def test_a_body_that_claims_too_much_is_refused_before_it_is_read(client: TestClient) -> None:
    answer = client.post("/rooms/echo", content=b"x", headers={"Content-Length": str(10 * 2**30)})
    assert answer.status_code == 413
    assert answer.headers["connection"] == "close"
    assert "1,000 are the most" in answer.json()["title"]


def test_a_body_without_end_is_cut(client: TestClient) -> None:
    sent = []

    def endless() -> Iterator[bytes]:
        for _ in range(100):
            sent.append(1)
            yield b"x" * 100

    assert client.post("/rooms/echo", content=endless()).status_code == 413
    assert client.post("/rooms/echo", content=b"x" * 1000).json() == {"bytes": 1000}


def test_a_body_that_states_its_length_twice_is_refused(client: TestClient) -> None:
    """A proxy that believed the other one would take what follows for the next request."""
    answer = client.post("/rooms/echo", content=b"0\r\n\r\n", headers={"Content-Length": "5", "Transfer-Encoding": "chunked"})
    assert (answer.status_code, answer.headers["connection"]) == (400, "close")


@pytest.mark.parametrize("length", ["-1", "ten", "1e3", "0x10", "1" * 25, "１０"])
def test_a_length_that_is_none_is_refused(length: str) -> None:
    assert claimed(length) is None


def test_limits_are_for_the_address_itself() -> None:
    limits = Limits(body_bytes=1, fhir_bytes=2, stow_bytes=3)
    found = [
        most_bytes(limits, path) for path in ("/api/x", "/fhir/Patient", "/fhirx", "/dicom-web/studies", "/dicom-web", "/api/dicom-web/")
    ]
    assert found == [1, 2, 1, 3, 3, 1]


@pytest.mark.parametrize("kind", ERRORS)
def test_an_error_says_what_where_and_what_to_do(client: TestClient, kind: str) -> None:
    error, status = ERRORS[kind]
    answer = client.get(f"/rooms/raise/{kind}")
    told = answer.json()
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")
    assert (told["title"], told["where"], told["remedy"], told["status"]) == (error.found, error.where, told["remedy"], status)
    assert told["detail"]


@pytest.mark.parametrize(
    ("method", "path", "status", "words"),
    [
        ("GET", "/nowhere", 404, "nothing at this address"),
        ("PUT", "/api/session", 405, "no PUT at this address"),
        ("GET", "/rooms/number?n=ten", 422, "query n"),
        ("GET", "/rooms/number", 422, "query n"),
        ("POST", "/api/session", 422, "body"),
    ],
)
def test_a_wrong_request_is_answered_in_words(client: TestClient, method: str, path: str, status: int, words: str) -> None:
    answer = client.request(method, path)
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")
    assert words in answer.json()["detail"]


@pytest.mark.parametrize(
    "body", [b"{", b"\xff\xfe", b"[1", b"null", b'{"user": 3, "password": 4}', b'{"user": "a", "password": "b", "x": 1}']
)
def test_a_malformed_body_is_answered_in_words(client: TestClient, body: bytes) -> None:
    answer = client.post("/api/session", content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code in (400, 422)
    assert answer.json()["title"]


def test_a_peer_that_asks_too_fast_waits() -> None:
    times = [0.0]
    rates = Rates(10.0, 5, clock=lambda: times[0])
    assert [rates.take("peer") for _ in range(6)] == [True] * 5 + [False]
    assert rates.take("another peer")
    times[0] += 0.1
    assert [rates.take("peer"), rates.take("peer")] == [True, False]


def test_buckets_do_not_fill_the_memory() -> None:
    rates = Rates(10.0, 5)
    for n in range(10_200):
        rates.take(f"peer {n}")
    assert len(rates.buckets) <= 10_000


def test_too_many_requests_are_told_to_wait(tmp_path_factory: pytest.TempPathFactory) -> None:
    told = house.settings(tmp_path_factory.mktemp("slow"), limits=Limits(requests_per_s=0.001, burst=3))
    with TestClient(house.with_routes(told), base_url=HERE) as client:
        answers = [client.get("/healthz") for _ in range(4)]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
    assert answers[-1].headers["retry-after"] == "1"


def test_wrong_passwords_wait_twice_as_long_each_time() -> None:
    times = [0.0]
    throttle, waits = Throttle(clock=lambda: times[0]), []
    for _ in range(9):
        throttle.wrong("name vera")
        waits.append(throttle.wait_s("name vera"))
    assert waits == [0, 0, 0, 0, 1, 2, 4, 8, 16]
    throttle.right("name vera")
    assert throttle.wait_s("name vera") == 0


@pytest.mark.parametrize(
    "path", ["//evil.example", "https://evil.example", "/\\evil.example", "\\\\evil", "", "/a\r\nSet-Cookie: x", "evil", "/\tx"]
)
def test_signing_in_leads_nowhere_else(path: str) -> None:
    assert onward(path) == "/"


def test_signing_in_leads_on_within_the_page() -> None:
    assert onward("/#/twins/anna?tab=images") == "/#/twins/anna?tab=images"
