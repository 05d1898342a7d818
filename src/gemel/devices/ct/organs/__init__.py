"""Dose inside the body: photons followed through the anatomy, and what organs get of them."""

from gemel.devices.ct.organs.dose_map import DoseMap, Shots, computed_ctdivol_mGy, ctdi_mGy, dose_map
from gemel.devices.ct.organs.organ_dose import OrganDose, organ_doses

__all__ = ["DoseMap", "OrganDose", "Shots", "computed_ctdivol_mGy", "ctdi_mGy", "dose_map", "organ_doses"]
