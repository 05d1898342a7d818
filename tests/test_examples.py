"""Every example runs and returns the number it is pinned to."""

import ast
import runpy
from pathlib import Path

import pytest

FOLDER = Path(__file__).resolve().parents[1] / "examples"
EXAMPLES = sorted(FOLDER.glob("*.py"))
LONGEST = 80  # lines

PINNED = {  # the number, its unit, and how far it may be off: rounding alone, or for sampled beliefs what another library version changes
    "ex01_image_and_structures": (24.405, "mL", 1e-9),
    "ex02_proton_depth_dose": (157.745, "mm", 0.02),
    "ex03_plan_in_water": (25.526, "Gy", 0.05),
    "ex04_learning_from_days": (5.551, "mm", 0.15),
    "ex05_gamma_and_dvh": (97.163, "%", 0.05),
    "ex06_record": (5.0, "events and artefacts", 0.0),
    "ex07_dose_of_two_days": (0.42824, "Gy", 1e-4),
    "ex08_in_silico_trial": (-0.378, "mm", 0.15),
    "ex09_decay_chain": (1.2267964, "e12 decays of Bi-213", 1e-6),
    "ex10_psma_dose_non_linear": (0.17194, "h", 2e-5),
    "ex11_activity_over_time": (0.3691, "h", 0.004),
    "ex15_tissue_kinetics": (0.032847, "mL/cm3/min", 1e-5),
    "ex12_pet_before_therapy": (0.6609, "of the width before", 0.05),
    "ex13_between_vessels": (97.189, "%", 0.5),
    "ex16_section_fed_by_the_body": (158.07, "%", 0.5),
    "ex18_breast_schedules": (0.3666, "ln of cells", 0.01),
    "ex19_ablation_in_a_fatty_liver": (0.605, "of tumour and margin", 0.02),
    "ex20_infusion_beside_fibres": (5.2075, "% leak", 0.05),
    "ex21_protocol_choice": (5.957, "mGy SSDE", 0.17),  # one step of 1 mAs
    "ex14_isotopes_and_cold_ligand": (1.0476, "of the width with Lu-177", 0.005),
    "ex17_glioma_schedule": (2.6, "d", 0.6),
}


def test_every_example_has_a_pinned_number_and_every_number_an_example() -> None:
    assert {path.stem for path in EXAMPLES} == set(PINNED)


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_example_returns_its_number(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    number, unit, tolerance = PINNED[path.stem]
    found = runpy.run_path(str(path))["main"]()
    assert found == pytest.approx(number, abs=tolerance), f"{path.name}: {found} {unit}, pinned {number}"
    assert capsys.readouterr().out, f"{path.name} shows nothing"


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_example_is_short_and_says_what_it_shows(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    tree = ast.parse(text)
    assert len(text.splitlines()) <= LONGEST
    assert len(ast.get_docstring(tree) or "") > 60, f"{path.name} does not say what it shows"
    mains = [node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name == "main"]
    assert len(mains) == 1
    assert ast.unparse(mains[0].returns or ast.Constant(None)) == "float"
    assert ast.get_docstring(mains[0]), f"{path.name}: main() does not say what its number is"
