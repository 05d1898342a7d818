"""What is spoken to other machines: TLS 1.2 or newer, for whoever shows a certificate where one is asked for."""

import datetime
import socket
import ssl
import threading
import warnings
from dataclasses import dataclass
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from starlette.testclient import TestClient

from gemel.core.errors import InputError
from gemel.service.app import create_app
from gemel.service.security import links
from gemel.service.security.tls import context
from gemel.service.settings import Settings, Tls
from tests.unit.service.security import house


@dataclass(frozen=True)
class Pair:
    """A certificate and its key."""

    certificate: Path
    key: Path


Signer = tuple[x509.Certificate, ec.EllipticCurvePrivateKey]


def pair(folder: Path, name: str, signed_by: Signer | None = None) -> tuple[Pair, Signer]:
    """A certificate of that name, signed by itself or by another."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    issuer, by = (signed_by[0].subject, signed_by[1]) if signed_by else (subject, key)
    now = datetime.datetime.now(datetime.UTC)
    made = x509.CertificateBuilder().subject_name(subject).issuer_name(issuer).public_key(key.public_key()).serial_number(1)
    made = made.not_valid_before(now - datetime.timedelta(1)).not_valid_after(now + datetime.timedelta(1))
    made = made.add_extension(x509.BasicConstraints(ca=signed_by is None, path_length=None), critical=True)
    names = x509.SubjectAlternativeName([x509.DNSName("localhost")])
    certificate = made.add_extension(names, critical=False).sign(by, hashes.SHA256())
    files = Pair(folder / f"{name}.pem", folder / f"{name}.key")
    files.certificate.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    plain = serialization.NoEncryption()
    files.key.write_bytes(key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain))
    return files, (certificate, key)


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Pair]:
    folder = tmp_path_factory.mktemp("certificates")
    authority, signer = pair(folder, "authority")
    client, _ = pair(folder, "client", signer)
    stranger, _ = pair(folder, "stranger")
    server, _ = pair(folder, "localhost", signer)
    return {"authority": authority, "client": client, "stranger": stranger, "server": server}


def settings(files: dict[str, Pair], *, asks: bool) -> Settings:
    """Settings with a certificate, which ask clients for one or not."""
    return Settings("", Path(), tls=Tls(files["server"].certificate, files["server"].key, files["authority"].certificate if asks else None))


def shaken(told: Settings, client: ssl.SSLContext) -> str:
    """The version that a server and a client agree on, after a byte each way; what either says when they do not."""
    server = context(told)
    assert server is not None
    ours, theirs = socket.socketpair()

    def serve() -> None:
        try:
            with server.wrap_socket(ours, server_side=True) as held:
                held.sendall(held.recv(1))
        except (ssl.SSLError, OSError):
            ours.close()

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        with client.wrap_socket(theirs, server_hostname="localhost") as held:
            held.sendall(b"x")
            return str(held.version()) if held.recv(1) == b"x" else "closed"
    except (ssl.SSLError, OSError):
        return "refused"
    finally:
        theirs.close()
        thread.join()


def visitor(files: dict[str, Pair], shows: str = "", newest: ssl.TLSVersion = ssl.TLSVersion.MAXIMUM_SUPPORTED) -> ssl.SSLContext:
    """A client that trusts our authority."""
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    made.load_verify_locations(files["authority"].certificate)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # old versions are what is tried
        made.minimum_version, made.maximum_version = ssl.TLSVersion.MINIMUM_SUPPORTED, newest
    if newest < ssl.TLSVersion.TLSv1_2 and newest > 0:
        made.set_ciphers("ALL:@SECLEVEL=0")
    if shows:
        made.load_cert_chain(files[shows].certificate, files[shows].key)
    return made


@pytest.fixture
def plain(files: dict[str, Pair]) -> Settings:
    return settings(files, asks=False)


def test_new_versions_are_spoken_and_old_ones_not(files: dict[str, Pair], plain: Settings) -> None:
    assert shaken(plain, visitor(files)) == "TLSv1.3"
    assert shaken(plain, visitor(files, newest=ssl.TLSVersion.TLSv1_2)) == "TLSv1.2"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        old = visitor(files, newest=ssl.TLSVersion.TLSv1_1)
    assert shaken(plain, old) == "refused"


def test_old_ciphers_are_not_spoken(files: dict[str, Pair], plain: Settings) -> None:
    weak = visitor(files, newest=ssl.TLSVersion.TLSv1_2)
    weak.set_ciphers("AES128-SHA:AES256-SHA:ECDHE-ECDSA-AES128-SHA")
    assert shaken(plain, weak) == "refused"


@pytest.mark.parametrize(("shows", "answer"), [("client", "TLSv1.3"), ("", "refused"), ("stranger", "refused")])
def test_clients_show_a_certificate_of_the_authority(files: dict[str, Pair], shows: str, answer: str) -> None:
    found = shaken(settings(files, asks=True), visitor(files, shows))
    assert found == answer or (answer == "refused" and found == "closed")


def test_files_that_do_not_belong_together_are_refused(files: dict[str, Pair]) -> None:
    with pytest.raises(InputError, match="certificate"):
        context(Settings("", Path(), tls=Tls(files["server"].certificate, files["stranger"].key)))
    with pytest.raises(InputError, match="certificate"):
        context(Settings("", Path(), tls=Tls(Path("nowhere.pem"), files["server"].key)))
    assert context(Settings("", Path())) is None


def test_under_tls_cookies_are_secure_and_browsers_told_to_stay(files: dict[str, Pair], tmp_path: Path) -> None:
    told = house.settings(tmp_path, tls=Tls(files["server"].certificate, files["server"].key))
    app = create_app(told)
    with TestClient(app, base_url="https://localhost") as client:
        guard = app.state.service.guard
        token = links.fresh(guard, links.single_user(guard, "me"))
        answer = client.get("/login", params={"token": token}, follow_redirects=False)
    assert "Secure" in answer.headers["set-cookie"]
    assert answer.headers["strict-transport-security"] == "max-age=31536000"
