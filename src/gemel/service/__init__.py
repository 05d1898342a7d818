"""The loop over a network: workbench, HTTP API, DICOMweb, a DICOM node and FHIR, in one process over one record."""

from gemel.service.app import create_app
from gemel.service.settings import Settings

__all__ = ["Settings", "create_app"]
