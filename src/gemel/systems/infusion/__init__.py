"""Convection-enhanced delivery to the brain: where an infusion goes, learned from a contrast image, and catheter and rate chosen."""

from gemel.systems.infusion.template import model

__all__ = ["model"]
