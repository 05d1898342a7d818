"""Who is let in, and for what: a request for an association and its answer (DICOM PS3.8 section 7.1)."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from gemel.core.errors import InputError
from gemel.service.node import front_body
from gemel.service.node.front_message import Message
from gemel.service.node.front_peers import Allowed, is_allowed
from gemel.service.node.pdu import VALUE, Reason, Refusal, refused
from gemel.service.node.pdu_associate import APPLICATION_CONTEXT, Agreed, Proposal, accepted, agree, proposal
from gemel.service.node.pdu_stream import Fault
from gemel.service.node.scp_request import Request

UNWELCOME = frozenset(map(refused, (Refusal.CALLING_TITLE, Refusal.CALLED_TITLE)))  # answers to who may not call


@dataclass(frozen=True)
class Negotiator:
    """What is taken: classes, transfer syntaxes, callers; services whose roles may be turned round.

    implementation: our UID (PS3.7 D.3.3.2).
    """

    aet: str
    supported: frozenset[str]
    syntaxes: frozenset[str]
    unit_bytes: int
    implementation: str
    allowed: tuple[Allowed, ...] = ()
    called_must_match: bool = False
    turned: frozenset[str] = frozenset()
    congested: bytes = refused(Refusal.LOCAL_LIMIT)


@dataclass(frozen=True)
class Association:
    """What was agreed. longest: the greatest unit that the peer receives, 0 for any."""

    calling: str
    called: str
    longest: int
    contexts: Mapping[int, Agreed]

    def request(self, message: Message, host: str, line: int) -> Request:
        """A whole message with the syntaxes of its context."""
        assert message.command is not None
        context = self.contexts[message.context]
        content, failed = front_body.finish(message.body), message.body.failed
        syntaxes = context.abstract_syntax, context.transfer_syntax
        caller, hashed = (self.calling, self.called, host), message.body.hashed.digest()
        return Request(message.command, content, *syntaxes, *caller, failed, hashed, line, message.body)


def negotiate(
    negotiator: Negotiator, body: memoryview, host: str, certificate: Mapping[str, Any] | None
) -> tuple[Association | None, bytes]:
    """The association and what to answer; or None, and the refusal. Raises Fault for what is no request."""
    try:
        asked = proposal(body)
    except InputError as error:
        raise Fault(Reason.INVALID_VALUE, str(error)) from error
    refusal = _refusal(negotiator, asked, host, certificate)
    if refusal is not None:
        return None, refused(refusal)
    agreed = agree(asked, negotiator.supported.__contains__, negotiator.syntaxes)
    roles = {uid: role for uid, role in (asked.roles or {}).items() if uid in negotiator.turned}
    contexts = {one.number: one for one in agreed if not one.result}
    return Association(asked.calling, asked.called, asked.longest, contexts), accepted(
        asked, agreed, (negotiator.unit_bytes, negotiator.implementation), roles
    )


def _refusal(negotiator: Negotiator, asked: Proposal, host: str, certificate: Mapping[str, Any] | None) -> Refusal | None:
    if not asked.version & 1:
        return Refusal.PROTOCOL_VERSION
    if asked.application != APPLICATION_CONTEXT:
        return Refusal.APPLICATION_CONTEXT
    if negotiator.called_must_match and asked.called != negotiator.aet:
        return Refusal.CALLED_TITLE
    if not is_allowed(negotiator.allowed, asked.calling, host, certificate):
        return Refusal.CALLING_TITLE
    return Refusal.LOCAL_LIMIT if 0 < asked.longest <= VALUE.size else None  # no byte of an answer fits into such a unit
