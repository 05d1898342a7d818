"""Compartment networks in time: stiff, batched over draws, any network given as data."""

from gemel.engines.ode.dosing import Dose
from gemel.engines.ode.solve import Solution, Tolerance, solve
from gemel.engines.ode.status import Status, require_solved
from gemel.engines.ode.system import System, compiled

__all__ = ["Dose", "Solution", "Status", "System", "Tolerance", "compiled", "require_solved", "solve"]
