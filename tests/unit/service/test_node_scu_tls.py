"""What crosses the network in secret: our associations over TLS, the peer's certificate checked, ours shown; and who may call us."""

import datetime
import ssl
from collections.abc import Iterator
from ipaddress import ip_address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from gemel.core.errors import InputError, PeerError
from gemel.service import node as front
from gemel.service.archive import Archive, open_archive
from gemel.service.node.front_limits import Limits
from gemel.service.node.front_peers import Allowed
from gemel.service.node.rules import Peer
from gemel.service.node.scu import Ours, echo
from gemel.service.node.scu_tls import client_context
from gemel.service.node.sending_store import item_of, store
from gemel.service.settings import Settings, Tls
from tests.unit.service.node_peers import slices

START = datetime.datetime(2026, 1, 1)


def certified(folder: Path, name: str) -> Tls:
    """A certificate that vouches for itself, for 127.0.0.1."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    until = datetime.datetime(2126, 1, 1)
    made = x509.CertificateBuilder(subject, subject, key.public_key(), x509.random_serial_number(), START, until)
    made = made.add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
    made = made.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
    (folder / f"{name}.pem").write_bytes(made.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM))
    plain = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    (folder / f"{name}.key").write_bytes(key.private_bytes(*plain))
    return Tls(folder / f"{name}.pem", folder / f"{name}.key")


@pytest.fixture
def archive(tmp_path: Path) -> Iterator[Archive]:
    opened = open_archive(tmp_path / "archive")
    yield opened
    opened.close()


def ours(context: ssl.SSLContext | None, aet: str = "CT1") -> Ours:
    return Ours(aet, context, connect_s=3.0, answer_s=10.0)


def test_images_go_over_tls_and_only_to_whom_our_authorities_vouch_for(archive: Archive, tmp_path: Path) -> None:
    server, client = certified(tmp_path, "server"), certified(tmp_path, "client")
    told = Settings("twins.db", tmp_path, dicom_port=0, tls=Tls(server.certificate, server.key, client.certificate))
    node = front.start(told, archive, limits=Limits(receivers=1))
    try:
        peer = Peer("GEMEL", "127.0.0.1", node.port, tls=True)
        right = ours(client_context(client, server.certificate))
        assert echo(peer, right) < 5.0
        assert store([item_of(path) for path in slices(tmp_path / "ct", 2)], peer, right)[1].stored
        for wrong in (
            ours(client_context(client, client.certificate)),  # we do not know who vouches for it
            ours(client_context(None, server.certificate)),  # it does not know us
            ours(None),
        ):
            with pytest.raises(PeerError):
                echo(peer, wrong)
        with pytest.raises(PeerError):
            echo(Peer("GEMEL", "127.0.0.1", node.port), right)  # in clear
        assert echo(peer, right) < 5.0
    finally:
        node.close()


def test_certificates_that_do_not_belong_together_are_refused(tmp_path: Path) -> None:
    one, other = certified(tmp_path, "one"), certified(tmp_path, "other")
    with pytest.raises(InputError, match="belong together"):
        client_context(Tls(one.certificate, other.key), one.certificate)
    with pytest.raises(InputError, match="cannot be used"):
        client_context(None, tmp_path / "none.pem")


def test_only_known_peers_may_call_where_a_site_wants_it(archive: Archive, tmp_path: Path) -> None:
    node = front.start(Settings("twins.db", tmp_path, dicom_port=0), archive, allowed=(Allowed("CT1"), Allowed("CT2", ("10.0.0.0/8",))))
    try:
        peer = Peer("GEMEL", "127.0.0.1", node.port)
        assert echo(peer, ours(None)) < 5.0
        for aet in ("CT2", "CT3"):
            with pytest.raises(PeerError, match="rejected"):
                echo(peer, ours(None, aet))
    finally:
        node.close()
