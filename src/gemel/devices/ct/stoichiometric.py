"""The default calibration of CT numbers to proton stopping power, computed from tissue compositions."""

from gemel.engines.dose.tissues import default_hu_rsp_table

__all__ = ["default_hu_rsp_table"]
