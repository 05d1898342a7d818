"""The peer's side of pbpk_cohort.py, run in an interpreter with libroadrunner 2.10: python pbpk_cohort_peer.py MODEL.sbml SOLVES.

Prints JSON: seconds to load, wall and processor seconds a solve, and the kidneys' hot ligand (nmol) at 24 h and 96 h.
"""

import json
import sys
import time

import numpy as np
import roadrunner

HOT_NMOL, COLD_NMOL, END_MIN, POINTS = 10.3, 100.0, 40000.0, 251


def main() -> None:
    began = time.perf_counter()
    model = roadrunner.RoadRunner(sys.argv[1])
    load_s = time.perf_counter() - began
    hot = _species(sys.argv[1])
    model.integrator.relative_tolerance, model.integrator.absolute_tolerance = 1e-8, 1e-12
    model.integrator.maximum_num_steps = 100000
    model.timeCourseSelections = ["time", *hot["kidney"]]
    wall, cpu = [], []
    for _ in range(int(sys.argv[2])):
        model.resetToOrigin()
        model[hot["vein"]], model[hot["cold"]] = HOT_NMOL, COLD_NMOL
        began, clock = time.perf_counter(), time.process_time()
        course = np.asarray(model.simulate(0, END_MIN, POINTS))
        wall.append(time.perf_counter() - began)
        cpu.append(time.process_time() - clock)
    kidney = np.interp([1440.0, 5760.0], course[:, 0], course[:, 1:].sum(axis=1)).tolist()
    print(json.dumps({"load_s": load_s, "wall_s": float(np.median(wall)), "cpu_s": float(np.median(cpu)), "kidney_nmol": kidney}))


def _species(path: str) -> dict[str, object]:
    """Ids of the ligand in vein and kidneys, found by the names in the file."""
    import libsbml  # comes with the peer's environment

    model = libsbml.readSBML(path).getModel()
    place = {s.getId(): (model.getCompartment(s.getCompartment()).getName(), s.getName()) for s in model.getListOfSpecies()}
    found = {where: i for i, where in place.items()}
    kidney = [found[f"Kidney{space}", "Hot"] for space in ("Vas", "Int", "Bound", "Intern", "Intera")]
    return {"vein": found["Vein", "Hot"], "cold": found["Vein", "Cold"], "kidney": kidney}


if __name__ == "__main__":
    main()
