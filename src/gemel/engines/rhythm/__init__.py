"""Rhythms in time: following an irregular wave online, forecasts with intervals, gates, sorting of views, latency."""

from gemel.engines.rhythm.gating import Window, chance_inside, delivered, longest, narrowest, window
from gemel.engines.rhythm.latency import Chain, Latency, measured, require_in_time, require_reach
from gemel.engines.rhythm.oscillators import Oscillators
from gemel.engines.rhythm.shift import Shift, displaced
from gemel.engines.rhythm.signal import Signal, part
from gemel.engines.rhythm.sorting import Sorted, sort_by_position, sort_views
from gemel.engines.rhythm.tracking import Forecast, Tracker, forecast, latest, start, update
from gemel.engines.rhythm.training import train
from gemel.engines.rhythm.verdict import Tolerance, Verdict, judge
from gemel.engines.rhythm.wave import Drawn, Wave, draw_wave

__all__ = [
    "Chain", "Drawn", "Forecast", "Latency", "Oscillators", "Shift", "Signal", "Sorted", "Tolerance", "Tracker", "Verdict", "Wave",
    "Window", "chance_inside", "delivered", "displaced", "draw_wave", "forecast", "judge", "latest", "longest", "measured", "narrowest",
    "part", "require_in_time", "require_reach", "sort_by_position", "sort_views", "start", "train", "update", "window",
]  # fmt: skip
