"""The protocols that a department allows."""

from dataclasses import dataclass, replace
from itertools import product

from gemel.core.errors import InputError, RangeError
from gemel.devices.ct.protocol import MOST_MAS, Protocol
from gemel.devices.ct.scanner import Scanner, kernel_of
from gemel.devices.ct.task import Task


@dataclass(frozen=True)
class Allowed:
    """Every combination of these, and mAs between two bounds in steps of `step_mAs`; `iodine`: shares of the task's contrast agent.

    Raises RangeError for bounds that hold nothing.
    """

    kVp: tuple[float, ...] = (80.0, 100.0, 120.0, 140.0)
    pitch: tuple[float, ...] = (1.0,)
    slice_mm: tuple[float, ...] = (1.25, 2.5, 5.0)
    kernels: tuple[str, ...] = ("soft", "standard")
    modulation: tuple[float, ...] = (0.0, 0.5, 1.0)
    iodine: tuple[float, ...] = (1.0,)
    least_mAs: float = 5.0
    most_mAs: float = 600.0
    step_mAs: float = 1.0

    def __post_init__(self) -> None:
        if not (0 < self.least_mAs <= self.most_mAs <= MOST_MAS and self.step_mAs > 0):
            found = f"{self.least_mAs:g} to {self.most_mAs:g} mAs in steps of {self.step_mAs:g}"
            raise RangeError(found, where="Allowed", remedy=f"give bounds above 0 and at most {MOST_MAS:g} mAs, the lower one first")
        if not all(0 < share <= 1 for share in self.iodine):
            raise RangeError(f"shares of iodine {self.iodine}", where="Allowed", remedy="give shares above 0 and at most 1")


def settings(allowed: Allowed, scanner: Scanner, task: Task) -> tuple[tuple[Protocol, Task], ...]:
    """Each allowed combination once, at the largest mAs, with the task as its contrast agent makes it.

    Raises InputError when nothing is allowed, RangeError for a kernel that the scanner lacks or a protocol that no scanner does.
    """
    for kernel in allowed.kernels:
        kernel_of(scanner, kernel)
    agents = allowed.iodine if task.iodine_mg_mL else (1.0,)
    tasks = [replace(task, iodine_mg_mL=task.iodine_mg_mL * share) for share in agents]
    sets = product(allowed.kVp, allowed.pitch, allowed.slice_mm, allowed.kernels, allowed.modulation, tasks)
    found = tuple(
        dict.fromkeys(
            (Protocol(kVp, allowed.most_mAs, pitch, slice_mm, kernel, modulation), one)
            for kVp, pitch, slice_mm, kernel, modulation, one in sets
        )
    )
    if not found:
        raise InputError("no protocol is allowed", where="settings", remedy="name at least one kVp, pitch, slice, kernel and modulation")
    return found
