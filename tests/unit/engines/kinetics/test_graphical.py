"""Slopes of tissues whose equations are known, and of real brains."""

import csv
import gzip
from pathlib import Path

import numpy as np
import pytest

from gemel.core.errors import InputError, RangeError
from gemel.engines.kinetics.graphical import integral, logan, patlak

T_S = np.linspace(10.0, 5400.0, 540)
PLASMA = np.full(540, 3.0)


def test_one_tissue_gives_its_distribution_volume() -> None:
    """K₁C_p - k₂C_T = dC_T/dt is exactly a line in Logan's coordinates, slope K₁/k₂."""
    k2_1_s = np.array([0.002, 0.001])
    tissue = 3.0 * 4.0 * (1 - np.exp(-k2_1_s[:, None] * T_S))
    found = logan(T_S, tissue, plasma_Bq_mL=PLASMA, plasma_integral=PLASMA * T_S, start_s=1800.0)
    np.testing.assert_allclose(found, 4.0, rtol=1e-4)


def test_trapping_gives_its_influx() -> None:
    influx_1_s = np.array([1e-4, 5e-4])
    tissue = influx_1_s[:, None] * 3.0 * T_S + 0.7 * 3.0
    found = patlak(T_S, tissue, plasma_Bq_mL=PLASMA, plasma_integral=PLASMA * T_S, start_s=1800.0)
    np.testing.assert_allclose(found, influx_1_s, rtol=1e-9)


def test_bad_curves_are_refused() -> None:
    tissue = np.ones((1, 540))
    with pytest.raises(RangeError, match="0 frames after 100 min"):
        logan(T_S, tissue, plasma_Bq_mL=PLASMA, plasma_integral=PLASMA * T_S, start_s=6000.0)
    tissue[0, -1] = 0.0
    with pytest.raises(InputError, match="not positive"):
        patlak(T_S, tissue, plasma_Bq_mL=PLASMA, plasma_integral=PLASMA * T_S, start_s=1800.0)


def test_the_genotype_of_real_brains_is_seen(shared_data: Path) -> None:
    """[11C]PBR28 in 20 scans (Matheson 2019, kinfitr): V_T of an independent Logan fit within 1 %, HAB over MAB about 1.6 to 1.7."""
    folder = shared_data / "nuclear"
    with (folder / "pbr28_dynamic_pet" / "tacs.csv").open(encoding="utf-8") as file:
        curves = list(csv.DictReader(file))
    with gzip.open(folder / "pbr28_dynamic_pet" / "arterial_input.csv.gz", "rt", encoding="utf-8") as file:
        inputs = list(csv.DictReader(file))
    with (folder / "reference_values" / "pbr28_2tcm_fit.csv").open(encoding="utf-8") as file:
        stored = list(csv.DictReader(file))
    by_genotype: dict[tuple[str, str], list[float]] = {}
    regions = sorted({row["roi"] for row in stored})
    for scan in sorted({row["scan"] for row in stored}):
        rows = [row for row in curves if row["scan"] == scan and float(row["Times"]) > 0]
        blood = [row for row in inputs if row["scan"] == scan and float(row["Time"]) > 0]
        t_s, tissue = np.array([float(r["Times"]) for r in rows]), np.array([[float(r[n]) for r in rows] for n in regions])
        drawn_s, plasma = 60 * np.array([float(r["Time"]) for r in blood]), np.array([float(r["AIF"]) for r in blood])
        volumes = logan(
            t_s,
            tissue,
            plasma_Bq_mL=np.interp(t_s, drawn_s, plasma),
            plasma_integral=np.interp(t_s, drawn_s, integral(drawn_s, plasma)),
            start_s=35 * 60.0,
        )
        for name, volume in zip(regions, volumes, strict=True):
            row = next(r for r in stored if r["scan"] == scan and r["roi"] == name)
            assert volume == pytest.approx(float(row["VT_logan"]), rel=0.01), (scan, name)
            by_genotype.setdefault((name, row["genotype"]), []).append(float(volume))
    means = {key: float(np.mean(values)) for key, values in by_genotype.items()}
    published = {"FC": (4.42, 2.77), "CBL": (4.90, 2.89), "THA": (5.66, 3.28)}
    for name, (high, mixed) in published.items():
        assert (means[name, "HAB"], means[name, "MAB"]) == (pytest.approx(high, rel=0.01), pytest.approx(mixed, rel=0.01))
        assert 1.55 < means[name, "HAB"] / means[name, "MAB"] < 1.75
