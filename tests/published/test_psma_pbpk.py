"""The PSMA model against its solution by another program (CVODE, libroadrunner 2.10): stored curves and time-integrated activities.

Model: Fele-Paranj et al. 2024, EJNMMI Radiopharm Chem 9:6, doi 10.1186/s41181-023-00236-w.
"""

import csv
import json

import numpy as np
import pytest

from gemel.systems.theranostics import pbpk

COLUMNS = {
    "Kidney": "kidney", "SG": "salivary", "Tumor1": "tumor1", "Tumor2": "tumor2", "TumorRest": "tumor_rest", "Liver": "liver",
    "Spleen": "spleen", "RedMarrow": "red_marrow", "Prostate": "prostate", "Lungs": "lungs", "Muscle": "muscle", "Rest": "rest", "GI": "gi",
    "total_body": "whole_body", "Art": "artery", "Vein": "vein",
}  # fmt: skip
PARAMS = pbpk.default_parameters()


@pytest.fixture(scope="module")
def stored(shared_data):
    """The stored curves by column, and the stored integrals by run."""
    folder = shared_data / "nuclear" / "reference_values"
    with (folder / "pbpk_psma_roadrunner_tacs.csv").open() as lines:
        rows = list(csv.DictReader(lines))
    curves = {name: np.array([float(row[name]) for row in rows]) for name in rows[0]}
    return curves, json.loads((folder / "pbpk_psma_roadrunner_tiac.json").read_text())["runs"]


def test_time_activity_curves_within_half_a_per_mille(stored):
    """0.5 % is asked for; where the stored solver still resolves the amount (1e-9 of what was injected) 0.05 % is kept."""
    curves, _ = stored
    found = pbpk.solve(PARAMS, 10.3, 100.0, curves["time_min"])
    for column, organ in COLUMNS.items():
        value = curves[f"{column}_MBq"]
        np.testing.assert_allclose(found[organ], value, rtol=5e-4, atol=1e-9 * 7391.5, err_msg=organ)


@pytest.mark.parametrize(("hot", "cold"), [(10.3, 0.0), (10.3, 30.0), (10.3, 100.0), (10.3, 300.0), (20.6, 100.0), (1.03, 100.0)])
def test_time_integrated_activity(stored, hot, cold):
    """0.2 % is asked for; 0.01 % is kept, for six amounts of hot and cold ligand and sixteen organs."""
    run = stored[1][f"hot{hot}_cold{cold}"]
    found = pbpk.tiac_h(PARAMS, hot, cold)
    for column, organ in COLUMNS.items():
        assert found[organ] == pytest.approx(run[column], rel=1e-4), organ


ALTERED = (
    {"R_kidney_nmol_L": 28.0, "TER_L_min": 0.12, "weight_kg": 78.0, "BSA_m2": 2.05, "hematocrit_1": 0.35},
    {"R_tumor_rest_nmol_L": 120.0, "N_tumor_rest_nmol": 40.0, "k_on_L_nmol_min": 0.1, "k_off_1_min": 0.1, "k_PS_muscle_1_min": 0.03}
    | {"R_salivary_nmol_L": 80.0, "phi_1": 0.8, "f_exc_1": 0.9, "f_tumor1_mL_mL_min": 1.1, "lambda_int_tumor1_1_min": 2e-3}
    | {"lambda_rel_kidney_1_min": 5e-4, "R_tumor1_nmol_L": 300.0},
)
THERE_NMOL = (
    {"kidney": (0.175068, 0.145002, 0.0229945), "salivary": (0.0133978, 0.00855742, 0.00118314)}
    | {"tumor1": (0.0104338, 0.00729739, 0.00283977)}
    | {"tumor_rest": (0.169031, 0.155637, 0.0613664), "liver": (0.423709, 0.148757, 0.021866)}
    | {"red_marrow": (0.105672, 0.0191863, 0.000148092), "whole_body": (4.43252, 1.27676, 0.15529)},
    {"kidney": (0.263344, 0.157091, 0.014593), "salivary": (0.0210484, 0.0345272, 0.00476129)}
    | {"tumor1": (0.0521518, 0.0901042, 0.0368481)}
    | {"tumor_rest": (1.39179, 1.07845, 0.393388), "liver": (0.265493, 0.110586, 0.0105084)}
    | {"red_marrow": (0.0508095, 0.0034474, 3.89816e-06), "whole_body": (4.28062, 1.83188, 0.531164)},
)  # fmt: skip


@pytest.mark.parametrize("case", [0, 1])
def test_other_bodies_ligands_and_tumours(case):
    """5 nmol hot and 60 nmol cold at 100, 1400 and 5700 min, parameters far from the published: CVODE at 1e-10, run by this project."""
    params = PARAMS | ALTERED[case]
    found = pbpk.solve(params, 5.0, 60.0, np.array([100.0, 1400.0, 5700.0]))
    for organ, amounts in THERE_NMOL[case].items():
        np.testing.assert_allclose(found[organ] / pbpk.MBq_per_nmol(params), amounts, rtol=1e-4, err_msg=organ)
