"""What a twin is: image geometry, time, units, record, belief, model, twin, decision, errors. NumPy only."""

from gemel.core.image import Image

__all__ = ["Image"]
