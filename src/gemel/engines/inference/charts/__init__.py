"""Control charts: run lengths by integral equation, and limits that hold for the baseline that was really measured."""

from gemel.engines.inference.charts.baseline import Baseline, fit, whitened
from gemel.engines.inference.charts.chart import Chart, Charted, run
from gemel.engines.inference.charts.guaranteed import guaranteed_limit
from gemel.engines.inference.charts.run_length import arl, limit_for, siegmund

__all__ = ["Baseline", "Chart", "Charted", "arl", "fit", "guaranteed_limit", "limit_for", "run", "siegmund", "whitened"]
