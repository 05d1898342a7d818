"""The peer's side of pencil_beam_gamma.py, run where pyRadPlan 0.5 is installed: python pencil_beam_gamma_peer.py CASE SPACING_MM OUT.npz.

It plans with its own steering, on the stopping powers that gemel will use, and writes spots, weights and dose.
"""

import sys

import numpy as np
import SimpleITK as sitk
from pencil_beam_gamma import KEPT, phantom
from pencil_beam_matrix_peer import volume
from pyRadPlan import IonPlan, calc_dose_influence, generate_stf
from pyRadPlan.cst._cst import create_cst
from pyRadPlan.cst._voi import create_voi
from pyRadPlan.ct._ct import create_ct


def main(case, spacing_mm, out):
    rsp, target = phantom(case, spacing_mm)
    hu = np.interp(rsp, [0.001, 1.0, 1.35], [-1000.0, 0.0, 600.0])
    ct = create_ct(cube_hu=volume(hu, spacing_mm))
    everything = np.ones_like(target)
    vois = [
        create_voi(voi_type="TARGET", name="CTV", ct_image=ct, mask=volume(target.astype(np.uint8), spacing_mm)),
        create_voi(voi_type="EXTERNAL", name="BODY", ct_image=ct, mask=volume(everything.astype(np.uint8), spacing_mm)),
    ]
    cst = create_cst(vois, ct=ct)
    plan = IonPlan(radiation_mode="protons", machine="Generic")
    plan.prop_stf = {"gantry_angles": [90.0, 270.0], "couch_angles": [0.0, 0.0]}
    plan.prop_dose_calc = {
        "dose_grid": ct.grid,
        "dosimetric_lateral_cutoff": KEPT,
        "lateral_model": "double",
        "use_given_eq_density_cube": True,
        "air_offset_correction": False,
        "calc_let": False,
    }
    steering = generate_stf(ct, cst, plan)
    stopping = create_ct(cube_hu=volume(rsp.astype(np.float64), spacing_mm))
    influence = calc_dose_influence(stopping, cst, steering, plan).physical_dose.flat[0]
    spots = [
        (beam.gantry_angle, ray.ray_pos_bev[0], ray.ray_pos_bev[2], beamlet.energy)
        for beam in steering.beams
        for ray in beam.rays
        for beamlet in ray.beamlets
    ]
    weights = np.random.default_rng(0).uniform(0.5, 1.5, len(spots)).astype(np.float32)
    dose = np.asarray(influence @ weights).reshape(sitk.GetArrayFromImage(volume(rsp, spacing_mm)).shape).transpose(2, 1, 0)
    np.savez(out, spots=np.array(spots), weights=weights, dose=dose)


if __name__ == "__main__":
    main(sys.argv[1], float(sys.argv[2]), sys.argv[3])
