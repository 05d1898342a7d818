"""Prostate radiotherapy with protons: the plan of the day."""

from gemel.systems.prostate_radiotherapy.system import SYSTEM

__all__ = ["SYSTEM"]
