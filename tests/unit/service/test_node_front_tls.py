"""The node over TLS: peers with a certificate of the hospital come in, others do not (DICOM PS3.15 annex B)."""

import datetime
import socket
import ssl
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from gemel.service.node import Node
from gemel.service.node.front_peers import Allowed
from gemel.service.settings import Tls
from tests.unit.service import node_wire as wire
from tests.unit.service.node_running import QUICK, node
from tests.unit.service.slices import bare, ct_slice


def certified(folder: Path, name: str) -> Tls:
    """A certificate that signs itself, and its key."""
    key, subject = ec.generate_private_key(ec.SECP256R1()), x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.datetime.now(datetime.UTC)
    made = x509.CertificateBuilder(subject, subject, key.public_key(), x509.random_serial_number(), now, now + datetime.timedelta(days=1))
    made = made.add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
    paths = folder / f"{name}.pem", folder / f"{name}.key"
    paths[0].write_bytes(made.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM))
    private = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    paths[1].write_bytes(private)
    return Tls(*paths)


@pytest.fixture(scope="module")
def papers(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Tls]:
    """Certificates of the node, of a known scanner, and of another that the hospital knows too."""
    folder = tmp_path_factory.mktemp("papers")
    made = {name: certified(folder, name) for name in ("node", "ct1", "ct2")}
    (folder / "hospital.pem").write_bytes(b"".join(made[name].certificate.read_bytes() for name in ("ct1", "ct2")))
    return made | {"node": Tls(made["node"].certificate, made["node"].key, folder / "hospital.pem")}


@pytest.fixture(params=[1, 2])
def running(tmp_path: Path, papers: dict[str, Tls], request: pytest.FixtureRequest) -> Iterator[Node]:
    """A node that asks for certificates and lets one name in, in one process and in several."""
    limits = replace(QUICK, receivers=request.param)
    with node(tmp_path, limits, tls=papers["node"], allowed=(Allowed(certificate="ct1"),)) as opened:
        yield opened


def connect(port: int, papers: dict[str, Tls], name: str) -> wire.Wire:
    """A connection over TLS with somebody's certificate, or none."""
    client = ssl.create_default_context(cafile=str(papers["node"].certificate))
    if name:
        client.load_cert_chain(papers[name].certificate, papers[name].key)
    return wire.Wire(client.wrap_socket(socket.create_connection(("127.0.0.1", port), 5), server_hostname="node"))


def test_a_known_peer_sends_an_object(running: Node, papers: dict[str, Tls]) -> None:
    line = connect(running.port, papers, "ct1")
    with line.socket:
        line.send(wire.request())
        assert line.unit()[0] == wire.ACCEPTED
        line.send(wire.store(bare(ct_slice(1, Rows=256, Columns=256)), "1.2.826.0.1.1.1.1"))
        assert line.status() == 0


def test_another_name_is_refused(running: Node, papers: dict[str, Tls]) -> None:
    line = connect(running.port, papers, "ct2")
    with line.socket:
        line.send(wire.request())
        assert line.unit()[0] == wire.REJECTED


def test_without_a_certificate_nobody_comes_in(running: Node, papers: dict[str, Tls]) -> None:
    line = connect(running.port, papers, "")
    with line.socket:
        line.send(wire.request())
        assert line.unit() == (0, b"")
    assert running.status()["events"].get("associations", 0) == 0


def test_who_speaks_in_clear_or_not_at_all_is_cut(running: Node, papers: dict[str, Tls]) -> None:
    silent, clear = wire.connect(running.port), wire.connect(running.port)
    with silent.socket, clear.socket:
        clear.send(wire.request())
        assert clear.unit()[0] != wire.ACCEPTED
        assert silent.unit() == (0, b"")
    line = connect(running.port, papers, "ct1")
    with line.socket:
        line.send(wire.request() + wire.echo())
        assert (line.unit()[0], line.status()) == (wire.ACCEPTED, 0)
