"""Ablation of a liver tumour by heat: learned from what a session left dead, and the next application chosen."""

from gemel.systems.ablation.template import model

__all__ = ["model"]
