"""A model written in SBML becomes the same network that one would write by hand."""

import numpy as np
import pytest

from gemel.core.errors import InputError
from gemel.engines.ode import Dose, Tolerance, compiled, solve

pytest.importorskip("libsbml", reason="python-libsbml is not installed (pip install gemel[sbml])")
from gemel.io.sbml import coefficients, initial, read_sbml

MODEL = """<?xml version="1.0" encoding="UTF-8"?>
<sbml xmlns="http://www.sbml.org/sbml/level3/version1/core" level="3" version="1"><model id="m">
<listOfFunctionDefinitions><functionDefinition id="first"><math xmlns="http://www.w3.org/1998/Math/MathML">
 <lambda><bvar><ci>k</ci></bvar><bvar><ci>x</ci></bvar><apply><times/><ci>k</ci><ci>x</ci></apply></lambda></math></functionDefinition>
</listOfFunctionDefinitions>
<listOfCompartments>
 <compartment id="c1" name="plasma" size="3" constant="true"/><compartment id="c2" name="tissue" size="0.5" constant="true"/>
</listOfCompartments>
<listOfSpecies>
 <species id="s1" name="drug" compartment="c1" initialConcentration="2" hasOnlySubstanceUnits="false"
  boundaryCondition="false" constant="false"/>
 <species id="s2" name="drug" compartment="c2" initialAmount="0" hasOnlySubstanceUnits="true" boundaryCondition="false" constant="false"/>
 <species id="s3" name="bound" compartment="c2" initialAmount="0" hasOnlySubstanceUnits="true" boundaryCondition="false" constant="false"/>
 <species id="r" name="free" compartment="c2" initialAmount="0" hasOnlySubstanceUnits="true" boundaryCondition="false" constant="false"/>
</listOfSpecies>
<listOfParameters>
 <parameter id="p1" name="CL" value="0.6" constant="true"/><parameter id="p2" name="k_on" value="0.4" constant="true"/>
 <parameter id="p3" name="R0" value="-1" constant="true"/><parameter id="p4" name="v" value="0.9" constant="true"/>
 <parameter id="p5" name="K" value="0.7" constant="true"/><parameter id="p6" name="density" value="4" constant="true"/>
</listOfParameters>
<listOfInitialAssignments><initialAssignment symbol="p3"><math xmlns="http://www.w3.org/1998/Math/MathML">
 <apply><times/><ci>p6</ci><ci>c2</ci></apply></math></initialAssignment></listOfInitialAssignments>
<listOfRules><assignmentRule variable="r"><math xmlns="http://www.w3.org/1998/Math/MathML">
 <apply><minus/><ci>p3</ci><ci>s3</ci></apply></math></assignmentRule></listOfRules>
<listOfReactions>
 <reaction id="to" reversible="true" fast="false">
  <listOfReactants><speciesReference species="s1" stoichiometry="1" constant="true"/></listOfReactants>
  <listOfProducts><speciesReference species="s2" stoichiometry="1" constant="true"/></listOfProducts>
  <kineticLaw><math xmlns="http://www.w3.org/1998/Math/MathML"><apply><minus/>
   <apply><ci>first</ci><ci>p1</ci><ci>s1</ci></apply>
   <apply><times/><apply><divide/><ci>p1</ci><ci>c2</ci></apply><ci>s2</ci></apply></apply></math></kineticLaw></reaction>
 <reaction id="bind" reversible="false" fast="false">
  <listOfReactants><speciesReference species="s2" stoichiometry="1" constant="true"/></listOfReactants>
  <listOfProducts><speciesReference species="s3" stoichiometry="1" constant="true"/></listOfProducts>
  <listOfModifiers><modifierSpeciesReference species="r"/><modifierSpeciesReference species="s3"/></listOfModifiers>
  <kineticLaw><math xmlns="http://www.w3.org/1998/Math/MathML">
   <apply><times/><ci>p2</ci><ci>s2</ci><ci>r</ci></apply></math></kineticLaw></reaction>
 <reaction id="gone" reversible="false" fast="false">
  <listOfReactants><speciesReference species="s2" stoichiometry="2" constant="true"/></listOfReactants>
  <listOfModifiers><modifierSpeciesReference species="s3"/></listOfModifiers>
  <kineticLaw><math xmlns="http://www.w3.org/1998/Math/MathML"><apply><divide/><apply><times/><ci>p4</ci><ci>s2</ci></apply>
   <apply><plus/><ci>p5</ci><apply><times/><cn>2</cn><ci>s2</ci></apply></apply></apply></math></kineticLaw></reaction>
</listOfReactions></model></sbml>"""


def by_hand(t, density=4.0, clearance=0.6):
    """The same model, explicit and slow: classical Runge-Kutta with 20,000 steps."""
    y, h = np.array([6.0, 0.0, 0.0]), t / 20000

    def rates(y):
        to = clearance * y[0] / 3 - clearance / 0.5 * y[1]
        bind, gone = 0.4 * y[1] * (density * 0.5 - y[2]), 0.9 * y[1] / (0.7 + 2 * y[1])
        return np.array([-to, to - bind - 2 * gone, bind])

    for _ in range(20000):
        a = rates(y)
        b = rates(y + h / 2 * a)
        c = rates(y + h / 2 * b)
        y = y + h / 6 * (a + 2 * b + 2 * c + rates(y + h * c))
    return y


@pytest.fixture
def model(tmp_path):
    path = tmp_path / "m.xml"
    path.write_text(MODEL)
    return read_sbml(path)


def test_names_that_are_shared_carry_their_compartment(model):
    assert model.network.species == ("plasma.drug", "tissue.drug", "bound")


def test_the_course_is_that_of_the_equations_written_by_hand(model):
    """Functions, rules, start values, concentrations, receptors, and a law over K + 2 s are all in it."""
    found = solve(
        compiled(model.network, ()), coefficients(model), t=np.array([4.0]), initial=initial(model), tolerance=Tolerance(1e-8, 1e-12)
    )
    np.testing.assert_allclose(found.amounts[0], by_hand(4.0), rtol=1e-7)


def test_changed_constants_reach_what_is_computed_from_them(model):
    changed = {"density": np.array([4.0, 9.0]), "CL": 0.2}
    found = solve(
        compiled(model.network, ()),
        coefficients(model, changed),
        t=np.array([4.0]),
        initial=initial(model, changed),
        tolerance=Tolerance(1e-8, 1e-12),
    )
    for i, density in enumerate((4.0, 9.0)):
        np.testing.assert_allclose(found.amounts[i], by_hand(4.0, density, 0.2), rtol=1e-7)
    with pytest.raises(InputError, match="no constant named q"):
        coefficients(model, {"q": 1.0})


def test_doses_go_into_named_species(model):
    found = solve(compiled(model.network, ()), coefficients(model), t=np.array([0.0]), doses=[Dose("plasma.drug", 5.0)])
    assert found.amounts[0, 0] == pytest.approx(5.0, rel=1e-6)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("<apply><times/><ci>p2</ci><ci>s2</ci><ci>r</ci></apply>", "<apply><exp/><ci>s2</ci></apply>", "species within a function"),
        ("<apply><times/><ci>p2</ci><ci>s2</ci><ci>r</ci></apply>", "<apply><power/><ci>s2</ci><cn>3</cn></apply>", "power of a species"),
        ("<apply><times/><ci>p2</ci><ci>s2</ci><ci>r</ci></apply>", "<apply><sin/><cn>3</cn></apply>", "form 'sin"),
        ("<cn>2</cn><ci>s2</ci></apply></apply></apply>", "<ci>s3</ci><ci>s2</ci></apply></apply></apply>", "divisor"),
        ("assignmentRule", "rateRule", "rate rules"),
        ("<model", "<modle", "not a readable SBML"),
    ],
)
def test_what_a_network_cannot_hold_is_refused(tmp_path, old, new, said):
    path = tmp_path / "m.xml"
    assert old in MODEL
    path.write_text(MODEL.replace(old, new))
    with pytest.raises(InputError, match=said):
        read_sbml(path)
