"""The input of a tracer model: parent tracer in plasma and whole blood over time."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from gemel.core.errors import InputError, RangeError
from gemel.core.image import Array

WHERE = "input function"


@dataclass(frozen=True)
class InputFunction:
    """Straight lines between samples, zero before the first; both corrected for decay to one time, as the tissue must be.

    `plasma_Bq_mL` is unchanged tracer (corrected for metabolites), `blood_Bq_mL` all activity in whole blood; None where it was not
    measured, and then the blood volume of the tissue cannot be fitted.
    Raises InputError for values that are not finite or negative, RangeError for times that are negative or do not increase.
    """

    t_s: Float[Array, "samples"]
    plasma_Bq_mL: Float[Array, "samples"]
    blood_Bq_mL: Float[Array, "samples"] | None = None

    def __post_init__(self) -> None:
        t_s = np.asarray(self.t_s)
        if t_s.ndim != 1 or t_s.size < 2 or not np.isfinite(t_s).all():
            raise RangeError(
                f"{t_s.size} times, or one that is not a number", where=WHERE, remedy="give two or more samples with their times"
            )
        if t_s[0] < 0 or (np.diff(t_s) <= 0).any():
            found = f"a sample at {t_s[0]:.4g} s" if t_s[0] < 0 else "sample times that do not increase"
            raise RangeError(found, where=WHERE, remedy="count from the injection on, sort the samples, and keep one at each time")
        for name, values in (("plasma", self.plasma_Bq_mL), ("blood", self.blood_Bq_mL)):
            if values is not None:
                _require_activity(np.asarray(values), t_s, name)
        if not (np.asarray(self.plasma_Bq_mL) > 0).any():
            raise InputError("no activity in plasma", where=WHERE, remedy="check units and the metabolite correction")

    @property
    def knots(self) -> Float[Array, "3 knots"]:
        """Times, plasma and blood for the kernels: from zero at t = 0 when the first sample is later; no blood is zero."""
        blood = np.zeros(np.shape(self.t_s)) if self.blood_Bq_mL is None else self.blood_Bq_mL
        rows = np.array([self.t_s, self.plasma_Bq_mL, blood], np.float64)
        return rows if rows[0, 0] == 0 else np.concatenate([np.zeros((3, 1)), rows], axis=1)


def extended(curve: InputFunction, *, until_s: float, tail_s: float) -> InputFunction:
    """The curve with one mono-exponential tail from its last sample on, its rate λ >= 0 from the logarithms over the last `tail_s`.

    Blood gets its own, both a hundred samples. Raises RangeError with fewer than three positive samples there.
    """
    last_s = float(curve.t_s[-1])
    if until_s <= last_s:
        return curve
    added = np.linspace(last_s, until_s, 101)[1:]
    curves = [v if v is None else np.concatenate([v, _tail(curve.t_s, v, added, tail_s)]) for v in (curve.plasma_Bq_mL, curve.blood_Bq_mL)]
    plasma, blood = curves
    assert plasma is not None
    return InputFunction(np.concatenate([curve.t_s, added]), plasma, blood)


def require_cover(curve: InputFunction, until_s: float) -> None:
    """Raises RangeError when the last sample is before the end of the scan: what comes in later would be a guess."""
    last_s = float(curve.t_s[-1])
    if last_s < until_s * (1 - 1e-9):
        found = f"samples until {last_s / 60:.4g} min of a scan that ends at {until_s / 60:.4g} min"
        raise RangeError(
            found, where=WHERE, remedy="leave out the last frames, or say how it goes on: extended(curve, until_s=…, tail_s=…)"
        )


def _tail(t_s: Array, values: Array, added_s: Array, tail_s: float) -> Float[Array, "added"]:
    late = (t_s >= t_s[-1] - tail_s) & (values > 0)
    if np.count_nonzero(late) < 3:
        found = f"{np.count_nonzero(late)} positive samples in the last {tail_s:.4g} s"
        raise RangeError(found, where=WHERE, remedy="fit the tail over a longer time")
    centred_s, logs = t_s[late] - t_s[late].mean(), np.log(values[late])
    rate_1_s = max(-float((centred_s * logs).sum() / (centred_s**2).sum()), 0.0)
    return np.asarray(values[-1] * np.exp(-rate_1_s * (added_s - t_s[-1])))


def _require_activity(values: Array, t_s: Array, name: str) -> None:
    if values.shape != t_s.shape or not np.isfinite(values).all():
        found = f"{values.shape} values of {name} for {t_s.size} times, or one that is not a number"
        raise InputError(found, where=WHERE, remedy="interpolate missing samples, and give plasma and blood at the same times")
    if (values < 0).any():
        found = f"a negative activity of {name} ({float(values.min()):.4g} Bq/mL)"
        raise InputError(found, where=WHERE, remedy="check the background of the well counter")
