"""From images to media: what is told apart, and what is refused."""

import numpy as np
import pytest

from gemel.core.errors import RangeError
from gemel.core.image import Image
from gemel.engines.dose import hu_to_rsp
from gemel.engines.dose.monte_carlo.media import media_of
from gemel.engines.dose.tissues import compositions, default_hu_rsp_table, density_g_cm3, section_index


def image(*values: float, dtype: type = np.float32) -> Image:
    return Image(np.array(values, dtype=dtype).reshape(-1, 1, 1), np.eye(4))


def test_stopping_powers_are_water_of_that_density() -> None:
    media = media_of(image(0.001, 1.0, 1.7), "auto", None)
    assert media.relative[:, 0, 0] == pytest.approx(np.repeat([[0.001], [1.0], [1.7]], 4, axis=1))
    assert np.array_equal(media.density_g_cm3[:, 0, 0], media.relative[:, 0, 0, 0])


def test_ct_numbers_take_the_range_of_the_pencil_beam_and_schneiders_tissues() -> None:
    hu = image(-1000, -100, 40, 1000, dtype=np.int16)
    media = media_of(hu, "auto", None)
    assert media.relative[..., 0] == pytest.approx(hu_to_rsp(hu.array, default_hu_rsp_table()))
    assert media.density_g_cm3[:, 0, 0] == pytest.approx([0.00121, 0.929, 1.049, 1.628], abs=2e-3)
    scattering, hydrogen, nuclei = (media.relative[:, 0, 0, c] / media.density_g_cm3[:, 0, 0] for c in (1, 2, 3))
    assert scattering[3] > 1.3 > 1.05 > scattering[2] > scattering[1]  # calcium scatters, fat does not
    assert hydrogen[0] == 0
    assert hydrogen[1] == pytest.approx(11.6 / 11.19, rel=0.01)
    by_hand = (0.755 * 14.007 ** (-1 / 3) + 0.232 * 15.999 ** (-1 / 3) + 0.013 * 39.948 ** (-1 / 3)) / (0.8881 * 15.999 ** (-1 / 3))
    assert nuclei[0] == pytest.approx(by_hand, rel=1e-3)  # air


def test_another_table_changes_the_stopping_power_alone() -> None:
    table = np.array([[-1024.0, 0.0], [0.0, 1.0], [3000.0, 2.0]])
    own, other = (media_of(image(30.0, -500.0), "hu", t) for t in (None, table))
    assert other.relative[0, 0, 0, 0] == pytest.approx(1.01)
    assert np.array_equal(own.relative[..., 1:], other.relative[..., 1:])


def test_zeros_are_water_in_ct_numbers() -> None:
    assert media_of(image(0, 0), "auto", None).density_g_cm3[0, 0, 0] == pytest.approx(1.018, abs=0.003)


@pytest.mark.parametrize(
    "values",
    [image(-0.5, 1.0), image(0.0, 4.5), image(0, 3, dtype=np.int16)],
    ids=["undershoot or noise", "metal or water", "whole numbers"],
)
def test_what_may_be_either_asks_for_a_word(values: Image) -> None:
    with pytest.raises(RangeError, match='values="hu"'):
        media_of(values, "auto", None)


def test_a_word_settles_it_and_a_wrong_one_is_found() -> None:
    assert media_of(image(0.0, 4.5), "hu", None).relative[1, 0, 0, 0] > 1.0
    with pytest.raises(RangeError, match=r"-0\.5"):
        media_of(image(-0.5, 1.0), "rsp", None)


def test_nan_and_ct_numbers_above_the_table_are_refused() -> None:
    with pytest.raises(RangeError, match="not finite"):
        media_of(image(np.nan, 1.0), "auto", None)
    with pytest.raises(RangeError, match="5000"):
        media_of(image(-1000.0, 5000.0), "auto", None)


def test_sections_begin_where_they_say() -> None:
    assert section_index(np.array([-1024.0, -951.0, -950.0, 17.0, 18.0])).tolist() == [0, 0, 1, 6, 7]
    assert compositions()[7]["H"] == 10.3
    assert density_g_cm3(np.array([-98.0, 100.0])) == pytest.approx([0.93, 1.12])
