"""A certificate of this machine that signs itself, and connections to a port that shows it."""

import datetime
import socket
import ssl
from ipaddress import IPv4Address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from gemel.service.settings import Tls
from tests.unit.service import node_wire as wire


def papers(folder: Path) -> Tls:
    """Certificate and key of 127.0.0.1."""
    key, name = ec.generate_private_key(ec.SECP256R1()), x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "gemel")])
    now = datetime.datetime.now(datetime.UTC)
    made = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number(), now, now + datetime.timedelta(days=1))
    made = made.add_extension(x509.SubjectAlternativeName([x509.IPAddress(IPv4Address("127.0.0.1"))]), critical=False)
    paths = folder / "here.pem", folder / "here.key"
    paths[0].write_bytes(made.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM))
    private = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    paths[1].write_bytes(private)
    return Tls(*paths)


def connect(trusting: ssl.SSLContext, port: int, timeout_s: float = 5.0) -> wire.Wire:
    """`node_wire.connect` over TLS."""
    plain = socket.create_connection(("127.0.0.1", port), timeout_s)
    plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return wire.Wire(trusting.wrap_socket(plain, server_hostname="127.0.0.1"))
