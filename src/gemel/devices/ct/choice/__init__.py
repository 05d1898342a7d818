"""Which protocol to scan this patient with: the lowest dose that still answers the question, and how sure that is."""

from gemel.devices.ct.choice.allowed import Allowed, settings
from gemel.devices.ct.choice.choose import Choice, Judged, choose
from gemel.devices.ct.choice.curve import Curve, dose_curve
from gemel.devices.ct.choice.doubt import Doubt, ln_draws
from gemel.devices.ct.choice.off_centre import OffCentre, off_centre

__all__ = ["Allowed", "Choice", "Curve", "Doubt", "Judged", "OffCentre", "choose", "dose_curve", "ln_draws", "off_centre", "settings"]
