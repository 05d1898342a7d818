"""Claim: gemel's and pyRadPlan's pencil beams agree to gamma 2 %/2 mm in >= 98 % of voxels in water and >= 95 % in a pelvis.

Global gamma, 10 % cut-off, pyRadPlan the reference. Both use the same machine file with the double Gaussian, the same stopping powers on
3 mm, the lateral cut-off at 99.5 % of the integral, beams 90° and 270° by the peer's own steering at 5 mm, weights drawn between 0.5 and
1.5. The peer's rays come from 10 m, gemel's are parallel; its correction for air on the way is off. Run: python
benchmarks/pencil_beam_gamma.py --peer-python PATH --machine protons.npz (the peer's generic machine as npz).
"""

import argparse
import subprocess
import tempfile
from pathlib import Path

import numpy as np
from pencil_beam_matrix import pelvis

KEPT = 0.995
PEER = Path(__file__).with_name("pencil_beam_gamma_peer.py")


def phantom(case, spacing_mm):
    """Stopping powers and target: the synthetic pelvis, or the same body of water alone."""
    rsp, target = pelvis(spacing_mm)
    return (np.minimum(rsp, 1.0) if case == "water" else rsp), target


def ours(case, spacing_mm, machine_file, spots, weights):
    """gemel's dose of the peer's spots."""
    from gemel.core import Image
    from gemel.devices.proton import Machine
    from gemel.engines.dose import forward, trace

    values, _ = phantom(case, spacing_mm)
    affine = np.diag([spacing_mm] * 3 + [1.0])
    affine[:3, 3] = [-(n - 1) / 2 * spacing_mm for n in values.shape]
    return forward.dose_of(trace(Image(values, affine), spots, Machine.from_npz(machine_file), np.zeros(3), kept=KEPT), weights)


def compare(case, spacing_mm, arguments, folder):
    """Pass rate in per cent, and how far the doses of both are apart."""
    from gemel.engines.gamma import pass_rate

    out = Path(folder) / f"{case}.npz"
    subprocess.run([arguments.peer_python, str(PEER), case, str(spacing_mm), str(out)], check=True, capture_output=True, text=True)
    with np.load(out) as file:
        spots, weights, reference = file["spots"], file["weights"], file["dose"]
    dose = ours(case, spacing_mm, arguments.machine, spots, weights)
    rates = {f"{d} %/{r} mm": pass_rate(reference, dose, [spacing_mm] * 3, d, r, 10) for d, r in ((2, 2), (1, 1))}
    judged = reference > 0.1 * reference.max()
    ratio = float(dose.sum() / reference.sum())
    difference = 100 * np.abs(dose - reference)[judged] / reference.max()
    text = ", ".join(f"gamma {name} {rate:.2f} %" for name, rate in rates.items())
    print(f"{case}: {len(spots)} spots, {text}; sum of dose {ratio:.4f} times the peer's")
    print(f"  difference in % of the largest dose: mean {difference.mean():.2f}, 99th percentile {np.percentile(difference, 99):.2f}")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--peer-python", required=True, help="interpreter with pyRadPlan installed")
    parser.add_argument("--machine", required=True, help="the peer's generic proton machine as npz")
    parser.add_argument("--spacing", type=float, default=3.0)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        for case in ("water", "pelvis"):
            compare(case, arguments.spacing, arguments, folder)


if __name__ == "__main__":
    main()
