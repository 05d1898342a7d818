"""Breast cancer under chemotherapy before surgery: cells seen by diffusion MRI, forecast by growth, motion and kill."""

from gemel.systems.breast.template import model

__all__ = ["model"]
