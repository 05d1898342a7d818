"""The peer's side of optimise_plan.py, run in an interpreter with pyRadPlan 0.5: python optimise_plan_peer.py SPACING_MM ITERATIONS FOLDER.

Its matrix, the rows and numbers of its objectives (overlaps resolved its way), its final weights and its history go to FOLDER.
"""

import json
import resource
import sys
import time
from pathlib import Path

import numpy as np
import SimpleITK as sitk
from optimise_plan import GOALS, structures
from pencil_beam_matrix import pelvis
from pyRadPlan import IonPlan, calc_dose_influence, generate_stf
from pyRadPlan.cst._cst import create_cst
from pyRadPlan.cst._voi import create_voi
from pyRadPlan.ct._ct import create_ct
from pyRadPlan.optimization.objectives import get_objective
from pyRadPlan.optimization.problems import get_problem_from_pln
from scipy import sparse

KIND = {"deviation": ("Squared Deviation", "d_ref"), "overdose": ("Squared Overdosing", "d_max")}


class Timed(list):
    """A list that notes when each value was appended."""

    def __init__(self):
        super().__init__()
        self.at_s = []

    def append(self, value):
        super().append(value)
        self.at_s.append(time.perf_counter())


def volume(values, spacing_mm):
    """An (x, y, z) array as an image centred on the origin."""
    image = sitk.GetImageFromArray(np.ascontiguousarray(values.transpose(2, 1, 0)))
    image.SetSpacing([spacing_mm] * 3)
    image.SetOrigin([-(n - 1) / 2 * spacing_mm for n in values.shape])
    return image


def voi(name, mask, ct, spacing_mm):
    """One structure with its objective."""
    kind, dose_Gy, priority = GOALS[name]
    word, parameter = KIND[kind]
    role = {"CTV": "TARGET", "BODY": "EXTERNAL"}.get(name, "OAR")
    goal = get_objective({"name": word, "priority": priority, parameter: dose_Gy})
    return create_voi(voi_type=role, name=name, ct_image=ct, mask=volume(mask.astype(np.uint8), spacing_mm), objectives=[goal])


def main(spacing_mm, iterations, folder):
    rsp, _ = pelvis(spacing_mm)
    hu = np.interp(rsp, [0.001, 1.0, 1.35], [-1000.0, 0.0, 600.0])
    ct = create_ct(cube_hu=volume(hu, spacing_mm))
    cst = create_cst([voi(name, mask, ct, spacing_mm) for name, mask in structures(spacing_mm).items()], ct=ct)
    plan = IonPlan(radiation_mode="protons", machine="Generic")
    plan.prop_stf = {"gantry_angles": [90.0, 270.0], "couch_angles": [0.0, 0.0]}
    plan.prop_dose_calc = {"dose_grid": ct.grid}
    # its own tolerance (1e-5) may end it before the count: 500 iterations are asked for, so that the value is the count's
    plan.prop_opt = {"solver": {"name": "scipy", "max_iter": iterations, "options": {"ftol": 0.0, "gtol": 0.0, "maxfun": 10**6}}}
    steering = generate_stf(ct, cst, plan)
    dij = calc_dose_influence(ct, cst, steering, plan)
    problem = get_problem_from_pln(plan)
    problem.obj_history = history = Timed()
    began, worked = time.perf_counter(), time.process_time()
    weights, info = problem.solve(ct, cst, steering, dij)
    wall_s, cpu_s = time.perf_counter() - began, time.process_time() - worked
    write(Path(folder), problem, dij, weights)
    row = {"tool": "pyRadPlan", "spacing_mm": spacing_mm, "iterations": int(info["num_iter"]), "value": float(info["fun"])}
    row |= {"wall_s": wall_s, "cpu_s": cpu_s, "peak_GB": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024**2}
    row |= {"history": list(history), "history_s": [at - began for at in history.at_s], "message": str(info["message"])}
    print(json.dumps(row))


def write(folder, problem, dij, weights):
    """What the other side needs to solve the same problem."""
    sparse.save_npz(folder / "matrix.npz", sparse.csc_matrix(dij.physical_dose.flat[0]), compressed=False)
    np.save(folder / "weights.npy", weights)
    goals = []
    for number, (mask, objectives) in enumerate(problem._objective_list):
        np.save(folder / f"rows_{number}.npy", np.flatnonzero(mask))
        for goal in objectives:
            kind = next(kind for kind, (word, _) in KIND.items() if word == goal.name)
            goals.append({"kind": kind, "dose_Gy": float(getattr(goal, KIND[kind][1])), "priority": float(goal.priority), "rows": number})
    (folder / "objectives.json").write_text(json.dumps(goals))


if __name__ == "__main__":
    main(float(sys.argv[1]), int(sys.argv[2]), sys.argv[3])
