"""Bytes ↔ core types: DICOM images, structures, doses and ion plans, NIfTI. The only place where units are converted."""

from gemel.core.late import late

__all__ = late(__name__)
