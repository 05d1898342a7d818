"""Received DICOM objects, kept as they came: append-only segments, one flush for many objects, and an index that answers at once."""

from gemel.service.archive.archive import Archive, open_archive
from gemel.service.archive.entry import Stored

__all__ = ["Archive", "Stored", "open_archive"]
