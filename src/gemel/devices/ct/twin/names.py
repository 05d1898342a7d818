"""The scanner's state, what is measured of it each day, and the causes that a fault may have."""

CAUSES = ("spectrum", "output", "detector", "geometry")
COMPONENTS = ("kv_pct", "filter_mm", "bowtie_HU", "output_pct", "gain_HU", "electronic_pct", "focal_pct", "scale_pct")
"""Departures from the baseline: tube voltage, filtration (mm Al; a worn anode adds to it), bowtie (HU at the edge), tube output a rotation,
spread of the detector elements' gains (HU of rings), electronic noise (variance), focal spot (its blur), scale of the image."""
CAUSE_OF = ("spectrum", "spectrum", "spectrum", "output", "detector", "detector", "geometry", "geometry")
DAY = ("day_HU", "day_noise_1")
"""What comes and goes within days: temperature and set-up on HU, and on noise."""
METRICS = (
    "water_HU", "light_HU", "dense_HU", "ln_noise_centre_1", "ln_noise_edge_1", "uniformity_HU", "ring_HU", "ln_mtf50_1", "scale_pct",
    "tube_kV_pct", "tube_mAs_pct",
)  # fmt: skip
"""HU of the body, of a rod lighter and one denser than water; noise at the centre and near the edge; edge less centre; rings; sharpness;
distance of points; the tube's log, as departures from what was set."""
RECALIBRATE, SERVICE, WAIT = "recalibrate", "service", "wait"
