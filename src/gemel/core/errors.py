"""The one exception tree: each error says what was found, where, and what to do about it."""


class GemelError(Exception):
    """Base of every error that gemel raises on purpose.

    found: what was wrong, with the value seen; where: file, UID, structure or argument; remedy: what the user can do.
    """

    def __init__(self, found: str, *, where: str = "", remedy: str = "") -> None:
        self.found, self.where, self.remedy = found, where, remedy
        super().__init__(found, where, remedy)

    def __reduce__(self) -> tuple[object, ...]:
        """Errors travel between processes whole."""
        return _again, (type(self), self.found, self.where, self.remedy)

    def __str__(self) -> str:
        place = f" in {self.where}" if self.where else ""
        advice = f" — {self.remedy}" if self.remedy else ""
        return f"{self.found}{place}{advice}"


def _again(kind: type[GemelError], found: str, where: str, remedy: str) -> GemelError:
    return kind(found, where=where, remedy=remedy)


class InputError(GemelError):
    """A file or argument that cannot be used as it is."""


class GeometryError(InputError):
    """Spacing, orientation, slices or frames of reference that do not form one valid grid."""


class IdentityError(InputError):
    """Objects of different patients, studies or frames of reference brought together."""


class StructureError(InputError):
    """A contour or mask that is empty, outside the image, or of an unknown name."""


class UnitError(InputError):
    """A unit that is unknown or cannot be converted to the canonical one."""


class UnknownError(InputError):
    """A name or an id of which nothing is held."""


class RangeError(InputError):
    """A value outside the range for which the model or table is valid."""


class StoreError(GemelError):
    """The record cannot be read or written; what was committed before is intact."""


class ConflictError(StoreError):
    """Another process changed the same twin first."""


class StaleError(ConflictError):
    """A change asked for on a version that is no longer the newest."""


class AccessError(GemelError):
    """Somebody who may not do or see what was asked for."""


class ConformanceError(GemelError):
    """A model or plug-in that does not keep its contract."""


class TaskError(GemelError):
    """Tasks of a cohort that failed; what the others gave is kept."""


class PeerError(GemelError):
    """Another system on the network that cannot be reached, or that refuses."""
