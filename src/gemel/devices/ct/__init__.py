"""CT scanners: what their numbers mean."""

from gemel.devices.ct.stoichiometric import default_hu_rsp_table

__all__ = ["default_hu_rsp_table"]
