"""The peer's side of pencil_beam_matrix.py, run in an interpreter with pyRadPlan 0.5: python pencil_beam_matrix_peer.py SPACING_MM."""

import json
import resource
import statistics
import sys
import time

import numpy as np
import SimpleITK as sitk
from pencil_beam_matrix import pelvis
from pyRadPlan import IonPlan, calc_dose_influence, generate_stf
from pyRadPlan.cst._cst import create_cst
from pyRadPlan.cst._voi import create_voi
from pyRadPlan.ct._ct import create_ct


def volume(values, spacing_mm):
    """An (x, y, z) array as an image centred on the origin."""
    image = sitk.GetImageFromArray(np.ascontiguousarray(values.transpose(2, 1, 0)))
    image.SetSpacing([spacing_mm] * 3)
    image.SetOrigin([-(n - 1) / 2 * spacing_mm for n in values.shape])
    return image


def main(spacing_mm, repeats=3):
    rsp, target = pelvis(spacing_mm)
    hu = np.interp(rsp, [0.001, 1.0, 1.35], [-1000.0, 0.0, 600.0])
    ct = create_ct(cube_hu=volume(hu, spacing_mm))
    body = rsp > 0.5
    vois = [
        create_voi(voi_type="TARGET", name="CTV", ct_image=ct, mask=volume(target.astype(np.uint8), spacing_mm)),
        create_voi(voi_type="EXTERNAL", name="BODY", ct_image=ct, mask=volume(body.astype(np.uint8), spacing_mm)),
    ]
    cst = create_cst(vois, ct=ct)
    plan = IonPlan(radiation_mode="protons", machine="Generic")
    plan.prop_stf = {"gantry_angles": [90.0, 270.0], "couch_angles": [0.0, 0.0]}
    plan.prop_dose_calc = {"dose_grid": ct.grid}
    steering = generate_stf(ct, cst, plan)
    times, cpu = [], []
    for _ in range(repeats):
        began, worked = time.perf_counter(), time.process_time()
        dij = calc_dose_influence(ct, cst, steering, plan)
        times.append(time.perf_counter() - began)
        cpu.append(time.process_time() - worked)
    matrix = dij.physical_dose.flat[0]
    voxels, spots = matrix.shape
    row = {"tool": "pyRadPlan", "spacing_mm": spacing_mm, "spots": int(spots), "voxels": int(voxels), "nnz": int(matrix.nnz)}
    peak_GB = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024**2
    print(json.dumps({**row, "wall_s": statistics.median(times), "cpu_s": statistics.median(cpu), "peak_GB": peak_GB}))


if __name__ == "__main__":
    main(float(sys.argv[1]))
