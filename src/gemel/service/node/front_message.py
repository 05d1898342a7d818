"""Messages out of fragments: a command, and the data set that it announces, in one presentation context (DICOM PS3.7 section 6.3.1)."""

from dataclasses import dataclass, field

from gemel.core.errors import InputError
from gemel.service.node import front_body
from gemel.service.node.front_body import Body, Room
from gemel.service.node.pdu import COMMAND, LAST, Reason
from gemel.service.node.pdu_stream import Fault
from gemel.service.node.scp_command import COMMAND_BYTES, Command, parse

C_STORE = 0x0001


@dataclass
class Message:
    """What has come of one message. context: its number, 0 before the first fragment."""

    body: Body
    context: int = 0
    gathered: bytearray = field(default_factory=bytearray)
    command: Command | None = None

    @property
    def begun(self) -> bool:
        """True when a fragment has come."""
        return bool(self.context)


def begin(room: Room) -> Message:
    """A message of which nothing has come."""
    return Message(Body(room))


def add(message: Message, context: int, control: int, piece: memoryview) -> None:
    """Joins a fragment. Raises Fault when it cannot belong to this message."""
    if message.context not in (0, context):
        raise Fault(Reason.INVALID_VALUE, "a message in two presentation contexts")
    message.context = context
    if control & COMMAND:
        _add_command(message, piece)
    else:
        _add_data(message, piece)


def ends(message: Message, control: int) -> bool:
    """True when the last fragment of this kind completes the message; reads the command when that is whole."""
    if not control & LAST:
        return False
    if control & COMMAND:
        try:
            message.command = parse(message.gathered)
        except InputError as error:
            raise Fault(Reason.INVALID_VALUE, str(error)) from error
        return not message.command.has_data
    return True


def _add_command(message: Message, piece: memoryview) -> None:
    if message.command is not None or len(message.gathered) + len(piece) > COMMAND_BYTES:
        raise Fault(Reason.UNEXPECTED_PARAMETER, "a command within a data set, or one without end")
    message.gathered += piece


def _add_data(message: Message, piece: memoryview) -> None:
    if message.command is None:
        raise Fault(Reason.UNEXPECTED_PARAMETER, "a data set without a command")
    limits = message.body.room.limits
    most = limits.object_bytes if message.command.field == C_STORE else limits.message_bytes
    if message.body.length + len(piece) > most:
        raise Fault(Reason.NOT_SPECIFIED, f"a data set of more than {most} bytes")
    front_body.append(message.body, piece)
