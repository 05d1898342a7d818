"""A whole message and its answer, as they go between the network and the services (DICOM PS3.7 section 9)."""

from collections.abc import Callable, Mapping, Set
from dataclasses import dataclass, field

from gemel.service.node.front_body import Body
from gemel.service.node.scp_command import Command

C_STORE, C_ECHO, C_CANCEL = 0x0001, 0x0030, 0x0FFF
SUCCESS, FAILURE, NO_SUCH_CLASS, NO_SUCH_OPERATION = 0x0000, 0x0110, 0x0122, 0x0211
OUT_OF_RESOURCES, MISMATCH, NOT_UNDERSTOOD, COERCED = 0xA700, 0xA900, 0xC000, 0xB000  # PS3.4 table B.2-1
VERIFICATION = "1.2.840.10008.1.1"


@dataclass(frozen=True)
class Request:
    """A whole message: its command, its data set as it came, its context's two syntaxes, who sent it, on which connection.

    failed: why the data set is gone; sha256: of the data set; body: where the data set lies.
    """

    command: Command
    data: memoryview
    abstract_syntax: str
    transfer_syntax: str
    calling: str
    called: str
    host: str
    failed: str = ""
    sha256: bytes = b""
    line: int = 0
    body: Body | None = field(default=None, repr=False)


@dataclass(frozen=True)
class Answer:
    """The status (PS3.7 annex C), a data set in the context's transfer syntax, and a word for a person."""

    status: int
    data: bytes = b""
    comment: str = ""


Done = Callable[[Answer], object]
Handler = Callable[[Request], Answer]
Handlers = Mapping[str, Handler]  # by abstract syntax; they run beside the network, one at a time an association


def at_once(request: Request, handled: Set[str]) -> Answer | None:
    """The answer to what needs no work: an echo, and what is no service of this node; None for all else."""
    asked = request.command.field
    if request.abstract_syntax in handled and asked != C_STORE:
        return None
    if asked == C_ECHO and request.abstract_syntax == VERIFICATION:
        return Answer(SUCCESS)
    if asked == C_STORE and request.command.has_data and request.abstract_syntax != VERIFICATION:
        return None
    return Answer(NO_SUCH_OPERATION, comment="not a service of this node")
