"""Names of structures: aliases are known in any case and spelling, others are asked for."""

import pytest

from gemel.core.errors import StructureError
from gemel.systems.prostate_radiotherapy.names import aliases, canonical, required


@pytest.mark.parametrize(
    ("given", "name"),
    [("PROSTATE", "CTV"), ("prostate", "CTV"), (" Bladder-Neck ", "BLADDER_NECK"), ("Femoral Head L", "FEMUR_L"), ("External", "BODY")],
)
def test_aliases(given, name):
    assert canonical(given) == name


@pytest.mark.parametrize("given", ["PTV_final2", "", "CTV2"])
def test_a_name_the_system_does_not_know_is_asked_for(given):
    with pytest.raises(StructureError, match="--map"):
        canonical(given)


def test_no_alias_means_two_structures():
    assert len(set(aliases().values())) == 9
    assert all(aliases()[name] == name for name in set(aliases().values()))


def test_what_a_twin_cannot_do_without():
    assert set(required()) == {"BODY", "CTV", "BLADDER", "RECTUM"}
