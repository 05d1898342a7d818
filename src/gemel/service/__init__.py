"""The loop over a network: workbench, HTTP API, DICOMweb, a DICOM node and FHIR, in one process over one record."""
