"""What the prior expects of a patient before any scan, against absorbed doses per activity measured in patients ([177Lu]Lu-PSMA-617).

Violet et al. 2019, J Nucl Med 60:517 (30 patients): kidneys 0.39 ± 0.15, parotid glands 0.58 ± 0.43, liver 0.10 ± 0.05 Gy/GBq, mean of
nodal and bone lesions 3.9 and 5.3. Marrow 0.030 ± 0.008: Kabasakal et al. 2017, Mol Imaging Radionucl Ther 26:62 (7 patients).
"""

import numpy as np
import pytest
from numpy.typing import NDArray

from gemel.core.time import DAY_S
from gemel.systems.theranostics.system import template

GBq = 7.4
MEASURED = {"kidney": (0.39, 0.15), "salivary": (0.58, 0.43), "liver": (0.10, 0.05), "marrow": (0.030, 0.008), "tumour": (4.6, 1.5)}


@pytest.fixture(scope="module")
def doses_Gy_GBq() -> dict[str, NDArray[np.float64]]:
    """Draws of the prior, one cycle, eight weeks."""
    model, rng = template(), np.random.default_rng(1)
    state, params = model.prior.draw(400, rng)
    end = model.dynamics(state, params, (), 0.0, 56 * DAY_S, rng)
    return {organ: np.asarray(end[f"dose_{organ}"] / GBq) for organ in MEASURED}


@pytest.mark.parametrize("organ", MEASURED)
def test_the_median_lies_within_a_standard_deviation_of_what_was_measured(organ: str, doses_Gy_GBq: dict[str, NDArray[np.float64]]) -> None:
    mean, sd = MEASURED[organ]
    assert np.median(doses_Gy_GBq[organ]) == pytest.approx(mean, abs=sd)


def test_salivary_glands_get_what_was_measured(doses_Gy_GBq: dict[str, NDArray[np.float64]]) -> None:
    """Median between parotids of Violet et al. 2019 (0.58) and glands of Hohberg et al. 2016, Mol Imaging Biol 18:437 (0.72 Gy/GBq)."""
    assert 0.58 < np.median(doses_Gy_GBq["salivary"]) < 0.72


@pytest.mark.parametrize("organ", MEASURED)
def test_the_prior_is_wide_enough_for_the_mean_and_not_much_wider_than_patients_are(
    organ: str, doses_Gy_GBq: dict[str, NDArray[np.float64]]
) -> None:
    low, high = np.quantile(doses_Gy_GBq[organ], [0.05, 0.95])
    assert low < MEASURED[organ][0] < high
    assert high / low < 20
