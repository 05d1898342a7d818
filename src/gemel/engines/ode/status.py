"""How a draw's course ended: a value, whose text is its remedy."""

from enum import IntEnum

import numpy as np
from jaxtyping import Int

from gemel.core.errors import InputError
from gemel.core.image import Array


class Status(IntEnum):
    """End of one draw's integration."""

    SOLVED = 0
    TOO_MANY_STEPS = 1
    STEP_TOO_SMALL = 2
    NOT_FINITE = 3


REMEDY = {
    Status.SOLVED: "nothing to do",
    Status.TOO_MANY_STEPS: "raise Tolerance.most_steps or loosen Tolerance.relative",
    Status.STEP_TOO_SMALL: "look for rates that jump or amounts that grow without bound; loosen Tolerance.absolute",
    Status.NOT_FINITE: "look for coefficients or initial amounts that are not finite or overflow",
}


def require_solved(status: Int[Array, "draws"], where: str) -> None:
    """Raises InputError with the first failed draw and its remedy."""
    failed = np.flatnonzero(status)
    if len(failed):
        first = Status(int(status[failed[0]]))
        raise InputError(
            f"{len(failed)} of {len(status)} draws without solution ({first.name} in draw {failed[0]})", where=where, remedy=REMEDY[first]
        )
