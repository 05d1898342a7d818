"""Rate constants of tissue from dynamic PET: FDG in grey and white matter and in a region that traps, from frames with noise.

A plasma curve in Feng's form (1993, Int J Biomed Comput 32:95) feeds two-tissue models (Phelps 1979, Ann Neurol 6:371); frames are made,
all regions fitted at once, and what the scan cannot tell, such as the distribution volume of a tissue that traps, has no error bar.
"""

import numpy as np

from gemel.core.errors import RangeError
from gemel.engines.kinetics.input_function import InputFunction, extended
from gemel.engines.kinetics.input_function_feng import Feng
from gemel.engines.kinetics.tissue import Tissue, per_minute, tissue_of
from gemel.engines.kinetics.tissue_errors import K_i_error_mL_cm3_s, V_T_error_mL_cm3
from gemel.engines.kinetics.tissue_fit import Regions, fit_tissue, frame_means
from gemel.engines.kinetics.tissue_frames import Frames

TRUTH = {
    "grey matter": per_minute(0.102, 0.130, 0.062, 0.0068, vB=0.05),
    "white matter": per_minute(0.054, 0.109, 0.045, 0.0058, vB=0.03),
    "trapping": per_minute(0.102, 0.130, 0.062, vB=0.05),
}
DURATION_S = np.array([5.0] * 24 + [20.0] * 9 + [60.0] * 5 + [300.0] * 10)


def main() -> float:
    """Net influx of FDG into grey matter, mL/cm3/min."""
    rng, frames = np.random.default_rng(4), Frames(np.cumsum(DURATION_S) - DURATION_S, DURATION_S)
    t_s = Feng().samples_s(3000.0)
    drawn = InputFunction(t_s, Feng().at(t_s), 1.1 * Feng().at(t_s))
    tissue: Tissue = tissue_of(np.concatenate([one.rows for one in TRUTH.values()]))
    try:
        frame_means(tissue, drawn, frames)
    except RangeError as refusal:
        print(f"refused: {refusal}")
    blood = extended(drawn, until_s=float(frames.edges_s[-1]), tail_s=900.0)
    clean = frame_means(tissue, blood, frames)
    sd = 0.15 * np.sqrt(np.maximum(clean, 1.0) / DURATION_S)
    noisy = np.maximum(clean + sd * rng.normal(size=clean.shape), 0.0)
    found = fit_tissue(Regions(frames, noisy, sd, tuple(TRUTH)), blood)
    influx, influx_error = (60 * v for v in (found.tissue.K_i_mL_cm3_s, K_i_error_mL_cm3_s(found)))
    volume, volume_error = found.tissue.V_T_mL_cm3, V_T_error_mL_cm3(found)
    for i, (name, truth) in enumerate(TRUTH.items()):
        print(f"{name:12}  K_i {influx[i]:.4f} ± {influx_error[i]:.4f} mL/cm3/min, truth {60 * float(truth.K_i_mL_cm3_s):.4f};", end="  ")
        told = f"{volume[i]:.2f} ± {volume_error[i]:.2f}" if np.isfinite(volume_error[i]) else "not told by this scan"
        print(f"V_T {told}, truth {float(truth.V_T_mL_cm3):.2f} mL/cm3")
    return float(influx[0])


if __name__ == "__main__":
    print(main())
