"""What the scan is for, in the words of a request: "5 mm, -15 HU", "8 mm, 2 mg/mL iodine"."""

import re
from dataclasses import dataclass

from gemel.core.errors import InputError, RangeError
from gemel.devices.ct.choice import Allowed
from gemel.devices.ct.dose import effective_dose_mSv
from gemel.devices.ct.task import Task

NUMBER = r"(?<![\w.,+-])(?<!\d - )(?<!\d to )([+-]?\d+(?:\.\d+)?)"
"""Not the end of another number: of 6,5 or 1e3, or of a range."""
SIZE = re.compile(NUMBER + r"\s*mm\b")
CONTRAST = re.compile(NUMBER + r"\s*HU\b")
IODINE = re.compile(NUMBER + r"\s*mg(?:\s*I)?\s*/\s*m[lL]\b")
REMEDY = 'write one size and one contrast, numbers with a decimal point, such as "5.5 mm, -15 HU" or "8 mm, 2 mg/mL"'
LONGEST_MM = 2500.0
SHAPES, OBSERVERS = ("sphere", "rod"), ("npwe", "npw", "pw")


@dataclass(frozen=True)
class Asked:
    """The task, where it is (LPS mm; none: the middle of the body), the d' to reach and how surely, what is allowed; draws, seed.

    `length_mm`: of the scan, 0: the earlier CT's own; `region`: of the effective dose, such as abdomen; empty: not computed.
    Raises RangeError for a negative length or a region without coefficients.
    """

    task: Task
    at_mm: tuple[float, float, float] | None = None
    target: float = 3.0
    sure: float = 0.95
    allowed: Allowed = Allowed()
    draws: int = 4000
    seed: int = 0
    length_mm: float = 0.0
    region: str = ""

    def __post_init__(self) -> None:
        if not 0 <= self.length_mm <= LONGEST_MM:
            raise RangeError(f"a scan of {self.length_mm:g} mm", where="Asked", remedy=f"give its length in mm, up to {LONGEST_MM:g}")
        if self.region:
            effective_dose_mSv(1.0, self.region)


def task_of(words: str) -> Task:
    """The task in a line of text: a size in mm, a contrast in HU or mg/mL of iodine, and if wanted rod or sphere, npwe, npw or pw.

    Words that are none of these (such as an organ's name) are left alone. Raises InputError when size or contrast are missing or twofold.
    """
    size, contrast, iodine = (pattern.findall(words.replace("−", "-").replace("–", "-")) for pattern in (SIZE, CONTRAST, IODINE))
    if len(size) != 1 or len(contrast) + len(iodine) != 1:
        found = f"{words!r} with {len(size)} sizes in mm, {len(contrast)} contrasts in HU, {len(iodine)} in mg/mL"
        raise InputError(found, where="task", remedy=REMEDY)
    lower = words.lower().split()
    shape = next((name for name in SHAPES if name in lower), "sphere")
    observer = next((name for name in OBSERVERS if name in lower), "npwe")
    return Task(
        float(size[0]),
        contrast_HU=float(contrast[0]) if contrast else 0.0,
        iodine_mg_mL=float(iodine[0]) if iodine else 0.0,
        shape=shape,
        observer=observer,
    )
