"""High-grade glioma: growth, radiotherapy and chemotherapy learned from serial MRI, and the schedule chosen under uncertainty."""

from gemel.systems.glioma.template import model

__all__ = ["model"]
