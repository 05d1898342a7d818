"""What is applied through antennas and electrodes, and where the power of antennas goes."""

import re
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float32

from gemel.core.errors import InputError, RangeError
from gemel.core.image import Array
from gemel.systems.ablation.names import MICROWAVE, RADIOFREQUENCY
from gemel.systems.ablation.tissue import Maps, attenuation_1_m

RADIUS_mm, NEAR_mm = 1.0, 25.0
"""Of the antenna, inside which nothing is closer than its wall; of the tissue whose mean says how far waves reach."""
MOST_W, MOST_RF_W, MOST_min = 150.0, 100.0, 30.0
_PLAN = re.compile(r"(?P<energy>RF )?(?P<W>\d+(?:\.\d+)?) W (?P<min>\d+(?:\.\d+)?) min at (?P<name>[A-Za-z0-9]+)")
_KIND = re.compile(r"(?P<energy>microwave|radiofrequency) (?P<W>\d+(?:\.\d+)?) W at (?P<name>[A-Za-z0-9]+)")


@dataclass(frozen=True)
class Application:
    """Power at the generator through one entry for so long, by one of the energies."""

    power_W: float
    minutes: float
    entry: str
    energy: str = MICROWAVE

    @property
    def name(self) -> str:
        """As people write it."""
        return f"{'RF ' if self.energy == RADIOFREQUENCY else ''}{self.power_W:g} W {self.minutes:g} min at {self.entry}"

    @property
    def kind(self) -> str:
        """Of the action that gives it; its amount is the minutes."""
        return f"{self.energy} {self.power_W:g} W at {self.entry}"


def read_plan(name: str) -> Application | None:
    """The application of that name, None for `stop`. Raises InputError for what is neither."""
    found = _PLAN.fullmatch(name)
    if name == "stop":
        return None
    if found is None:
        raise InputError(f"no application {name!r}", where="ablation", remedy="write it as 60 W 10 min at A, RF 40 W 10 min at A, or stop")
    return checked(Application(float(found["W"]), float(found["min"]), found["name"], RADIOFREQUENCY if found["energy"] else MICROWAVE))


def read_kind(kind: str, minutes: float) -> Application:
    """What an action of that kind and amount applies. Raises InputError."""
    found = _KIND.fullmatch(kind)
    if found is None:
        raise InputError(f"an action {kind!r}", where="ablation", remedy="give microwave (or radiofrequency) 60 W at A, in minutes")
    return checked(Application(float(found["W"]), minutes, found["name"], found["energy"]))


def checked(one: Application) -> Application:
    """Raises RangeError for more than antennas can give."""
    most_W = MOST_RF_W if one.energy == RADIOFREQUENCY else MOST_W
    if not (0 < one.power_W <= most_W and 0 < one.minutes <= MOST_min):
        found = f"{one.power_W:g} W for {one.minutes:g} min"
        raise RangeError(found, where="ablation", remedy=f"apply up to {most_W:g} W for up to {MOST_min:g} min")
    return one


def reach_mm(of: Maps, organ: Bool[Array, "x y z"], across_mm: Array, along_mm: Array, MHz: int) -> float:
    """Distance over which power falls to 1/e in the tissue near by: 1/(2α)."""
    near = organ & (np.hypot(across_mm, along_mm) < NEAR_mm)
    return 500.0 / attenuation_1_m(float(of.sigma_S_m[near].mean()), float(of.epsilon_1[near].mean()), MHz)


def heat_W_m3(
    of: Maps, across_mm: Array, along_mm: Array, *, power_W: float, reach_mm: float, length_mm: float, voxel_mm3: float
) -> Float32[Array, "x y z"]:
    """Q = N σ e^{−(ρ − a)/δ}/ρ e^{−z²/2ℓ²}, ρ not below a; N such that the box takes up `power_W`.

    σ|E|² of a cylindrical wave that is absorbed (Balanis 2012, 11.2), over a radiating length of ℓ: the fitted form of Ai et al. 2012,
    Asian Pac J Cancer Prev 13:3369 has the same two lengths.
    """
    rho = np.maximum(across_mm, RADIUS_mm)
    shape = of.sigma_S_m * np.exp(-(rho - RADIUS_mm) / reach_mm - 0.5 * np.square(along_mm / length_mm)) / rho
    return (shape * (power_W / (float(shape.sum(dtype=np.float64)) * voxel_mm3 * 1e-9))).astype(np.float32)
