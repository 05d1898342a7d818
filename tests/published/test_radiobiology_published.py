"""BED, EQD2, G, oxygen and one-scan values that the cited closed forms give, to six figures."""

import pytest

from gemel.systems.theranostics.radiobiology import bed_Gy, eqd2_Gy, oxygen_modification_1, protraction_factor
from gemel.systems.theranostics.single_time_point import hanscheid_tia

DALE_1996 = [  # D Gy, T_eff h, T_rep h, α/β Gy, BED, EQD2; Phys Med Biol 41:1871 eq. 11, Bentzen 2012 eq. 1
    (5.0, 50.0, 2.8, 2.5, 5.530303, 3.072391),
    (5.0, 40.0, 2.8, 2.5, 5.654206, 3.141226),
    (23.0, 51.0, 2.8, 2.5, 34.01264, 18.89591),
    (28.0, 45.0, 2.8, 2.5, 46.36987, 25.76104),
]


@pytest.mark.parametrize(("dose_Gy", "T_eff_h", "T_rep_h", "alpha_beta_Gy", "bed", "eqd2"), DALE_1996)
def test_bed_and_eqd2(dose_Gy: float, T_eff_h: float, T_rep_h: float, alpha_beta_Gy: float, bed: float, eqd2: float) -> None:
    assert bed_Gy(dose_Gy, T_eff_h, T_rep_h, alpha_beta_Gy) == pytest.approx(bed, rel=1e-6)
    assert eqd2_Gy(dose_Gy, T_eff_h, T_rep_h, alpha_beta_Gy) == pytest.approx(eqd2, rel=1e-6)


def test_the_tolerance_bites_on_the_repair_half_life() -> None:
    assert abs(float(bed_Gy(5.0, 50.0, 2.8 * 1.05, 2.5)) - 5.530303) > 5.530303 * 1e-6 * 1000


def test_g_of_one_and_of_two_exponentials() -> None:
    """Baechler et al. 2008, Med Phys 35:1123: clearance 50 h alone, and with uptake of 2 h; repair 2.8 h."""
    assert protraction_factor([1.0], [50.0], 2.8) == pytest.approx(0.0530303, abs=1e-6)
    assert protraction_factor([1.0, -1.0], [50.0, 2.0], 2.8) == pytest.approx(0.05218046, abs=1e-8)


@pytest.mark.parametrize(("p_mmHg", "omf"), [(0.5, 0.42857), (3.0, 0.66667), (10.0, 0.84615), (40.0, 0.95349)])
def test_oxygen_modification(p_mmHg: float, omf: float) -> None:
    """Wouters & Brown 1997, Radiat Res 147:541, m = 3, K = 3 mmHg."""
    assert oxygen_modification_1(p_mmHg) == pytest.approx(omf, abs=5e-6)


@pytest.mark.parametrize(
    ("T_eff_h", "t_h", "ratio"), [(51, 72, 1.061), (51, 96, 1.021), (51, 120, 0.921), (80, 72, 0.965), (80, 96, 1.045), (80, 120, 1.061)]
)
def test_one_scan(T_eff_h: float, t_h: float, ratio: float) -> None:
    """Hänscheid et al. 2018, J Nucl Med 59:75: (2t/T) 2^{−t/T} of the truth."""
    true = T_eff_h / 0.6931471805599453
    assert float(hanscheid_tia(2.0 ** (-t_h / T_eff_h), t_h)) / true == pytest.approx(ratio, abs=6e-4)
