"""Proton machines: what a beam of each energy does in water."""

from gemel.devices.proton.machine import Machine

__all__ = ["Machine"]
