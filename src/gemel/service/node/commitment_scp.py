"""Storage commitment as the node's front hears it: requests of others, and the reports that answer our own."""

from collections.abc import Callable, Mapping
from io import BytesIO

from pydicom.dataset import Dataset
from pydicom.filereader import read_dataset
from pydicom.uid import UID

from gemel.core.errors import GemelError, InputError
from gemel.io.prescan_rules import form_of
from gemel.io.prescan_walk import walk
from gemel.service.archive import Archive
from gemel.service.node.commitment import ASK, PUSH_MODEL, WELL_KNOWN, Report, judged, report_of
from gemel.service.node.scp_command import ACTION_TYPE
from gemel.service.node.scp_request import Answer, Handler, Request

N_EVENT_REPORT, N_ACTION = 0x0100, 0x0130
SUCCESS, FAILURE, NO_SUCH_ACTION, NO_SUCH_INSTANCE, BAD_ARGUMENT, NO_SUCH_OPERATION = 0x0000, 0x0110, 0x0123, 0x0112, 0x0115, 0x0211
LARGEST_bytes = 32 << 20


def handlers(archive: Archive, deliver: Callable[[Report, str], None], took: Callable[[Report], None]) -> Mapping[str, Handler]:
    """What the front calls for this class: `deliver(report, title)` sends our answer to the asker, `took(report)` takes an answer to us."""

    def heard(request: Request) -> Answer:
        if request.command.field == N_EVENT_REPORT:
            took(report_of(information(request)))
            return Answer(SUCCESS)
        if request.command.field != N_ACTION:
            return Answer(NO_SUCH_OPERATION)
        if request.command.numbers.get(ACTION_TYPE) != ASK:
            return Answer(NO_SUCH_ACTION)
        if request.command.sop_instance != WELL_KNOWN:
            return Answer(NO_SUCH_INSTANCE)
        return _asked(request, archive, deliver)

    return {PUSH_MODEL: heard}


def _asked(request: Request, archive: Archive, deliver: Callable[[Report, str], None]) -> Answer:
    try:
        report = judged(information(request), lambda uid: class_held(archive, uid))
        deliver(report, request.calling)
    except InputError as error:
        return Answer(BAD_ARGUMENT, comment=error.found)
    except GemelError as error:
        return Answer(FAILURE, comment=error.found)
    return Answer(SUCCESS)


def information(request: Request) -> Dataset:
    """The request's data set. Raises InputError for bytes that are not one: they are walked within bounds before they are read."""
    where = f"storage commitment of {request.calling}"
    if request.failed or len(request.data) > LARGEST_bytes:
        raise InputError(
            request.failed or f"{len(request.data)} bytes", where=where, remedy=f"ask for less than {LARGEST_bytes} bytes at once"
        )
    walk(request.data, form_of(request.transfer_syntax, where), span=(0, len(request.data)), groups=(8, 0xFFFF))
    syntax = UID(request.transfer_syntax)
    found = read_dataset(BytesIO(bytes(request.data)), syntax.is_implicit_VR, syntax.is_little_endian)
    return Dataset(found)


def class_held(archive: Archive, uid: str) -> str:
    """The class of an object that is durably held and served; "" for none."""
    rows = archive.find("instance", {"SOPInstanceUID": uid}, limit=2) if uid and not set(uid) - set("0123456789.") else []
    return str(rows[0].get("SOPClassUID", "")) if len(rows) == 1 else ""
