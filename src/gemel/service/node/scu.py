"""An association that we ask for: opened with one write a PDU and without Nagle's delay, released or aborted when the block ends."""

import socket
import ssl
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from pydicom.dataset import Dataset
from pynetdicom import AE, _config, build_role, evt
from pynetdicom.association import Association
from pynetdicom.pdu import A_ASSOCIATE_RJ
from pynetdicom.presentation import PresentationContext
from pynetdicom.sop_class import Verification  # type: ignore[attr-defined]

from gemel.core.errors import PeerError
from gemel.service.node.rules import Peer

_config.STORE_SEND_CHUNKED_DATASET = True  # files go out as they are: never decoded, never converted
MOST_CONTEXTS = 128  # PS3.8 9.3.2.2: odd identifiers from 1 to 255
OUR_AET = "GEMEL"
LARGEST_PDU_bytes = 131072
SUCCESS, PENDING = 0x0000, (0xFF00, 0xFF01)


@dataclass(frozen=True)
class Ours:
    """Our side of an association: title, TLS (None: plain text, where the peer allows it), seconds to connect and to wait for an answer."""

    aet: str = OUR_AET
    tls: ssl.SSLContext | None = None
    connect_s: float = 10.0
    answer_s: float = 60.0
    handlers: tuple[tuple[Any, ...], ...] = field(default=())
    roles: tuple[str, ...] = ()  # SOP classes of which we are the provider on this association, though we ask for it


@contextmanager
def associated(peer: Peer, contexts: Sequence[PresentationContext], ours: Ours | None = None) -> Iterator[Association]:
    """An association with a peer. Raises PeerError when it cannot be reached, refuses, or accepts none of the contexts."""
    mine = ours or Ours()
    entity = _entity(mine)
    rejections: list[str] = []

    def heard(event: Any) -> None:  # pynetdicom 3.0.4 now and then takes a rejection for an abort
        if isinstance(event.pdu, A_ASSOCIATE_RJ):
            rejections.append(str(event.pdu.reason_str))

    events = [(evt.EVT_CONN_OPEN, _without_delay), (evt.EVT_PDU_RECV, heard), *mine.handlers]
    roles: list[Any] = [build_role(uid, scu_role=True, scp_role=True) for uid in mine.roles]
    _require_host(peer)
    association = entity.associate(
        peer.host,
        peer.port,
        contexts=list(contexts)[:MOST_CONTEXTS],
        ae_title=peer.aet,
        max_pdu=LARGEST_PDU_bytes,
        ext_neg=roles,
        tls_args=(_secured(peer, mine), peer.host) if peer.tls else None,
        evt_handlers=events,
    )
    if not association.is_established:
        for dropped in entity.sockets:
            dropped.close()
        raise _refusal(peer, rejections, association.acceptor.primitive is not None)
    association.unbind(evt.EVT_PDU_RECV, heard)
    try:
        yield association
    finally:
        if association.is_established:
            association.release()


def echo(peer: Peer, ours: Ours | None = None) -> float:
    """Seconds that a C-ECHO took (PS3.7 §9.1.5). Raises PeerError."""
    with associated(peer, [context(Verification)], ours) as association:
        began = time.perf_counter()
        require_success(association.send_c_echo(), peer, "C-ECHO")
        return time.perf_counter() - began


def context(sop_class: str, *syntaxes: str) -> PresentationContext:
    """One presentation context: a SOP class with the transfer syntaxes, or with the two uncompressed little endian ones."""
    proposed = PresentationContext()
    proposed.abstract_syntax = sop_class
    proposed.transfer_syntax = list(syntaxes or ("1.2.840.10008.1.2.1", "1.2.840.10008.1.2"))
    return proposed


def status_of(answer: Dataset) -> int | None:
    """The status of an answer; None when none came: the peer was silent or went away."""
    return int(answer.Status) if "Status" in answer else None


def require_success(answer: Dataset, peer: Peer, what: str) -> None:
    """Raises PeerError unless the status is success."""
    if (status := status_of(answer)) != SUCCESS:
        raise PeerError(f"{what} answered {worded(answer, status)}", where=named(peer), remedy="ask its administrator, with that status")


def worded(answer: Dataset, status: int | None) -> str:
    """A status as people read it, with the peer's own comment (PS3.7 Annex C)."""
    if status is None:
        return "nothing: the connection ended or the time ran out"
    comment = str(answer.get("ErrorComment", ""))
    kind = next((words for (low, high), words in MEANINGS.items() if low <= status <= high), "a failure")
    return f"0x{status:04X}, {kind}" + (f" ({comment})" if comment else "")


def named(peer: Peer) -> str:
    """A peer as people write it."""
    return f"{peer.aet}@{peer.host}:{peer.port}"


MEANINGS = {
    (0x0000, 0x0000): "success",
    (0x0110, 0x0110): "processing failure",
    (0x0112, 0x0112): "no such object",
    (0x0117, 0x0117): "an invalid instance",
    (0x0119, 0x0119): "class and instance do not agree",
    (0x0122, 0x0122): "a class it does not support",
    (0x0124, 0x0124): "not authorised",
    (0x0211, 0x0211): "an operation it does not know",
    (0x0213, 0xA7FF): "out of resources",
    (0xA801, 0xA801): "a destination it does not know",
    (0xA900, 0xA9FF): "data set and class do not agree",
    (0xB000, 0xBFFF): "a warning",
    (0xC000, 0xCFFF): "cannot understand",
    (0xFE00, 0xFE00): "cancelled",
}


class Entity(AE):
    """An application entity that knows the sockets it made: pynetdicom drops that of a refused connection without closing it."""

    def __init__(self, title: str) -> None:
        super().__init__(title)
        self.sockets: list[socket.socket] = []

    def _create_socket(self, assoc: Association, address: Any, tls_args: Any) -> Any:
        made = super()._create_socket(assoc, address, tls_args)
        if made.socket is not None:
            self.sockets.append(made.socket)
        if tls_args is not None:
            made.tls_args = (Wrapping(tls_args[0], self.sockets), tls_args[1])  # type: ignore[assignment]
        return made


@dataclass(frozen=True)
class Wrapping:
    """A context for TLS that notes the sockets that it wraps."""

    context: ssl.SSLContext
    sockets: list[socket.socket]

    def wrap_socket(self, plain: socket.socket, **told: Any) -> ssl.SSLSocket:
        """As the context's."""
        wrapped = self.context.wrap_socket(plain, **told)
        self.sockets.append(wrapped)
        return wrapped


def _entity(ours: Ours) -> Entity:
    entity = Entity(ours.aet)
    entity.connection_timeout, entity.acse_timeout = ours.connect_s, ours.connect_s
    entity.dimse_timeout, entity.network_timeout = ours.answer_s, ours.answer_s
    return entity


def _without_delay(event: Any) -> None:
    """Small PDUs leave at once: with Nagle's delay at both ends a peer's acknowledgement is waited for, some 40 ms an object."""
    connected = event.assoc.dul.socket
    if connected is not None and connected.socket is not None:
        connected.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


def _require_host(peer: Peer) -> None:
    """Raises PeerError for a name that leads nowhere: pynetdicom would let the resolver's own error through."""
    try:
        socket.getaddrinfo(peer.host, peer.port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        told = error.strerror if isinstance(error, OSError) else str(error)
        raise PeerError(f"a host that is not known ({told})", where=named(peer), remedy="correct its name, or give its address") from error


def _secured(peer: Peer, ours: Ours) -> ssl.SSLContext:
    if ours.tls is None:
        raise PeerError(
            "no certificate to speak TLS with", where=named(peer), remedy="give --tls-ca, and --tls-cert with --tls-key where it asks"
        )
    return ours.tls


def _refusal(peer: Peer, rejections: Sequence[str], answered: bool) -> PeerError:
    """Why there is no association, in words."""
    where = named(peer)
    if rejections:
        remedy = "register our AE title there, and check the one it is called by"
        return PeerError(f"the association was rejected ({rejections[0]})", where=where, remedy=remedy)
    if answered:
        return PeerError("none of the object kinds is accepted", where=where, remedy="ask its administrator to accept these SOP classes")
    remedy = "check host, port and firewall, that it runs, and that both sides speak TLS, or neither does"
    return PeerError("no answer", where=where, remedy=remedy)
